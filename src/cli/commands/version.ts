/**
 * `version`: which program this is.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { command } from '../command.ts';

/** The version of Vault whose interface this is. */
export const VAULT_VERSION = '1.19.5';

export const version = command({
  usage: 'version',
  about: `
Prints the version of this program, not that of the server.

    $ vault version`,
  async run({ program, terminal }) {
    const own = ownVersion();
    terminal.output(
      program === 'vault'
        ? `Vault v${VAULT_VERSION} (Coffer ${own})`
        : `Coffer v${own} (Vault ${VAULT_VERSION})`,
    );
    return 0;
  },
});

function ownVersion(): string {
  const manifest = new URL('../../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;
}
