/**
 * `token capabilities`.
 *
 * @module
 */
import type { Client } from '../client.ts';
import { command, expectArguments } from '../command.ts';
import { describing, localFailure } from '../failure.ts';
import { boolFlag, type FlagTable } from '../flags.ts';
import { encodeJson } from '../go-json.ts';
import { printData } from '../output.ts';
import { asTexts } from '../secret.ts';
import { ask } from '../secret-requests.ts';

const flags = {
  accessor: boolFlag('The first argument is an accessor.'),
} satisfies FlagTable;

export const tokenCapabilities = command({
  usage: 'token capabilities [options] [TOKEN | ACCESSOR] PATH',
  about: `
Shows what a token may do at PATH: the one in use, or the one given.

    $ vault token capabilities secret/data/hello`,
  flags,
  output: { format: true },
  async run({ args, flags, client: connect, printer, terminal }) {
    expectArguments(args, 1, 2);
    if (flags.accessor && args.length !== 2) {
      throw localFailure(`Not enough arguments with -accessor (expected 2, got ${args.length})`);
    }
    const path = args.at(-1) as string;
    const client = await connect();
    const token = args.length === 2 ? (args[0] as string) : client.token;
    const list = await describing(
      'Error listing capabilities',
      capabilities(client, token, path, flags.accessor),
    );
    if (!list) throw localFailure('No capabilities found');
    if (printer.format !== 'table') return printData(printer, list);
    terminal.output(list.sort().join(', '));
    return 0;
  },
});

async function capabilities(
  client: Client,
  token: string,
  path: string,
  accessor: boolean,
): Promise<string[] | null> {
  const kind = accessor ? '-accessor' : token === client.token ? '-self' : '';
  const body = encodeJson(accessor ? { accessor: token, path } : { path, token });
  const secret = await ask(client, { method: 'POST', path: `sys/capabilities${kind}`, body });
  if (!secret?.data) throw new Error('data from server response is empty');
  return asTexts(secret.data.get(path)) ?? asTexts(secret.data.get('capabilities'));
}
