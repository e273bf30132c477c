/**
 * `write` and `patch`: PUT and PATCH of any path.
 *
 * @module
 */
import type { JsonMap } from '../../model/json.ts';
import type { Client } from '../client.ts';
import { command, expectArguments, type Run } from '../command.ts';
import { localFailure } from '../failure.ts';
import { boolFlag, type FlagTable } from '../flags.ts';
import { parseKeyValues, stdinReader } from '../key-values.ts';
import { sanitizePath } from '../paths.ts';
import type { Secret } from '../secret.ts';
import { patchSecret, writeSecret } from '../secret-requests.ts';
import { printChange } from './change.ts';

const flags = {
  force: boolFlag('Send the request although there is no data: some paths need none.', { aliases: ['f'] }),
} satisfies FlagTable;

export const write = command({
  usage: 'write [options] PATH [DATA K=V...]',
  about: `
Writes data to PATH. A value that starts with @ is read from that file, the value - from standard input; the
argument @FILE or - alone brings a whole JSON object.

    $ vault write auth/userpass/users/bob password=long-password
    $ vault write -f transit/keys/my-key
    $ vault write aws/roles/ops policy=@policy.json`,
  flags,
  output: { field: true, format: true },
  run: (run) => send(run, writeSecret),
});

export const patch = command({
  usage: 'patch [options] PATH [DATA K=V...]',
  about: `
Changes only those fields of what is at PATH that are given. Data is given as for write.

    $ vault patch pki/roles/example allow_localhost=false`,
  flags,
  output: { field: true, format: true },
  run: (run) => send(run, patchSecret),
});

type Send = (client: Client, path: string, data: JsonMap) => Promise<Secret | undefined>;

async function send(run: Run<typeof flags>, request: Send): Promise<number> {
  const { args } = run;
  expectArguments(args, 1, Number.POSITIVE_INFINITY);
  if (args.length === 1 && !run.flags.force) throw localFailure('Must supply data or use -force');
  const path = sanitizePath(args[0] as string);
  const stdin = stdinReader(run.terminal.streams.stdin, run.flags['non-interactive']);
  const data = await parseKeyValues(args.slice(1), stdin);
  const client = await run.client();
  return printChange(run, request(client, path, data), {
    failed: `Error writing data to ${path}`,
    done: `Success! Data written to: ${path}`,
  });
}
