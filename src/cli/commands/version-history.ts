/**
 * `version-history`.
 *
 * @module
 */
import { command, expectArguments } from '../command.ts';
import { describing, remoteFailure } from '../failure.ts';
import { display } from '../go-text.ts';
import { printData } from '../output.ts';
import { asMap, listedKeys, secretToJson } from '../secret.ts';
import { listSecret } from '../secret-requests.ts';
import { table } from '../table.ts';

const PREAMBLE = `Note:
Use of this command requires a server running Vault 1.10.0 or greater.
Version tracking was added in 1.9.0. Earlier versions have not been tracked.
`;

export const versionHistory = command({
  usage: 'version-history',
  about: `
Lists the releases that served the store, and since when each did.

    $ vault version-history`,
  output: { format: true },
  async run({ args, client: connect, printer, terminal }) {
    expectArguments(args, 0);
    const client = await connect();
    const secret = await describing(
      'Error reading version history',
      listSecret(client, 'sys/version-history'),
    );
    if (!secret?.data) throw remoteFailure('Invalid response returned from Vault');
    if (printer.format !== 'table') return printData(printer, secretToJson(secret));
    const info = asMap(secret.data.get('key_info'));
    const rows = (listedKeys(secret) ?? []).map((version) => {
      const known = asMap(info?.get(display(version)));
      const shown = (name: string) => display(known?.get(name) ?? '');
      return [display(version), shown('timestamp_installed'), shown('build_date')];
    });
    terminal.warn(PREAMBLE);
    terminal.output(table([['Version', 'Installation Time', 'Build Date'], ...rows]));
    return 0;
  },
});
