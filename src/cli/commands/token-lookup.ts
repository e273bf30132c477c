/**
 * `token lookup` and `token renew`.
 *
 * @module
 */
import type { Call } from '../client.ts';
import { command, expectArguments } from '../command.ts';
import { wholeSeconds } from '../duration.ts';
import { describing, localFailure } from '../failure.ts';
import { boolFlag, durationFlag, type FlagTable } from '../flags.ts';
import { encodeJson } from '../go-json.ts';
import { printSecret, printSecretField } from '../output.ts';
import { emptySecret } from '../secret.ts';
import { ask } from '../secret-requests.ts';

const accessorFlag = {
  accessor: boolFlag('The argument is an accessor. The token itself is then not shown.'),
} satisfies FlagTable;

export const tokenLookup = command({
  usage: 'token lookup [options] [TOKEN | ACCESSOR]',
  about: `
Shows what is known of a token: of the one in use, or of the one given.

    $ vault token lookup
    $ vault token lookup -accessor 8609694a-cdbc-db9b-d345-e782dbb562ed`,
  flags: accessorFlag,
  output: { field: true, format: true },
  async run({ args, flags, client: connect, printer }) {
    if (flags.accessor && args.length !== 1) {
      const few = args.length < 1 ? 'Not enough' : 'Too many';
      throw localFailure(`${few} arguments with -accessor (expected 1, got ${args.length})`);
    }
    expectArguments(args, 0, 1);
    const client = await connect();
    const secret = await describing(
      'Error looking up token',
      ask(client, lookup((args[0] ?? '').trim(), flags.accessor)),
    );
    const shown = secret ?? emptySecret();
    return flags.field ? printSecretField(printer, shown, flags.field) : printSecret(printer, shown);
  },
});

function lookup(token: string, accessor: boolean): Call {
  if (token === '') return { method: 'GET', path: 'auth/token/lookup-self' };
  return accessor
    ? { method: 'POST', path: 'auth/token/lookup-accessor', body: encodeJson({ accessor: token }) }
    : { method: 'POST', path: 'auth/token/lookup', body: encodeJson({ token }) };
}

export const tokenRenew = command({
  usage: 'token renew [options] [TOKEN]',
  about: `
Renews a token: the one in use, or the one given.

    $ vault token renew
    $ vault token renew -increment=30m hvs.CAESIPKU`,
  flags: {
    ...accessorFlag,
    increment: durationFlag('For how long to ask. The server need not grant it.', { aliases: ['i'] }),
  },
  output: { format: true },
  async run({ args, flags, client: connect, printer }) {
    if (args.length > 1) throw localFailure(`Too many arguments (expected 1, got ${args.length})`);
    const client = await connect();
    const call = renewal((args[0] ?? '').trim(), flags.accessor, wholeSeconds(flags.increment));
    const secret = await describing('Error renewing token', ask(client, call));
    return printSecret(printer, secret ?? emptySecret());
  },
});

function renewal(token: string, accessor: boolean, increment: number): Call {
  if (token === '') return { method: 'PUT', path: 'auth/token/renew-self', body: encodeJson({ increment }) };
  return accessor
    ? { method: 'POST', path: 'auth/token/renew-accessor', body: encodeJson({ accessor: token, increment }) }
    : { method: 'PUT', path: 'auth/token/renew', body: encodeJson({ increment, token }) };
}
