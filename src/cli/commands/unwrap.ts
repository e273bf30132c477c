/**
 * `unwrap`: exchanges a wrapping token for what it wraps.
 *
 * @module
 */
import { command, expectArguments } from '../command.ts';
import { describing } from '../failure.ts';
import { printList, printSecret, printSecretField } from '../output.ts';
import { listedKeys } from '../secret.ts';
import { unwrapSecret } from '../secret-requests.ts';

export const unwrap = command({
  usage: 'unwrap [options] [TOKEN]',
  about: `
Prints what TOKEN wraps, as if it had been read. Works once. Without TOKEN the client's own token is unwrapped.

    $ vault unwrap hvs.CAESIPKU`,
  output: { field: true, format: true },
  async run({ args, flags, client: connect, printer, terminal }) {
    expectArguments(args, 0, 1);
    const client = await connect();
    const secret = await describing('Error unwrapping', unwrapSecret(client, (args[0] ?? '').trim()));
    if (!secret) {
      if (printer.format === 'table')
        terminal.output('Successfully unwrapped. There was no data in the wrapped secret.');
      return 0;
    }
    if (flags.field) return printSecretField(printer, secret, flags.field);
    return listedKeys(secret) ? printList(printer, secret) : printSecret(printer, secret);
  },
});
