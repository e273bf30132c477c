/**
 * `read`: GET of any path.
 *
 * @module
 */
import { command, expectArguments } from '../command.ts';
import { describing, remoteFailure } from '../failure.ts';
import { asTextLists, parseKeyValues, stdinReader } from '../key-values.ts';
import { printSecret, printSecretField } from '../output.ts';
import { sanitizePath } from '../paths.ts';
import { readSecret } from '../secret-requests.ts';

export const read = command({
  usage: 'read [options] PATH [K=V...]',
  about: `
Reads what is at PATH: a secret, freshly made credentials, a setting. K=V pairs are sent as query parameters.

    $ vault read secret/data/hello
    $ vault read -field=version sys/seal-status`,
  output: { field: true, format: true, raw: true },
  async run({ args, flags, client: connect, printer, terminal }) {
    expectArguments(args, 1, Number.POSITIVE_INFINITY);
    const client = await connect();
    const path = sanitizePath(args[0] as string);
    const stdin = stdinReader(terminal.streams.stdin, flags['non-interactive']);
    const query = asTextLists(await parseKeyValues(args.slice(1), stdin));
    if (printer.format === 'raw') {
      const reply = await describing(
        `Error reading: ${path}`,
        client.request({ method: 'GET', path, query }),
      );
      terminal.output(reply.body.toString('utf8'));
      return 0;
    }
    const secret = await describing(`Error reading ${path}`, readSecret(client, path, query));
    if (!secret) throw remoteFailure(`No value found at ${path}`);
    return flags.field ? printSecretField(printer, secret, flags.field) : printSecret(printer, secret);
  },
});
