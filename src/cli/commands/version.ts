/**
 * `version`: which program this is.
 *
 * @module
 */
import { COFFER_VERSION, VAULT_VERSION } from '../../model/version.ts';
import { command } from '../command.ts';

export const version = command({
  usage: 'version',
  about: `
Prints the version of this program, not that of the server.

    $ vault version`,
  // As Vault's, which reads no flag: scripts give it -format=json.
  takesAnything: true,
  async run({ program, terminal }) {
    terminal.output(
      program === 'vault'
        ? `Vault v${VAULT_VERSION} (Coffer ${COFFER_VERSION})`
        : `Coffer v${COFFER_VERSION} (Vault ${VAULT_VERSION})`,
    );
    return 0;
  },
});
