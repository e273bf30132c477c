/**
 * `delete`: DELETE of any path.
 *
 * @module
 */
import { command } from '../command.ts';
import { localFailure } from '../failure.ts';
import { asTextLists, parseKeyValues, stdinReader } from '../key-values.ts';
import { sanitizePath } from '../paths.ts';
import { deleteSecret } from '../secret-requests.ts';
import { printChange } from './change.ts';

export const deleteCommand = command({
  usage: 'delete [options] PATH [K=V...]',
  about: `
Deletes what is at PATH. What that means is up to the engine there. K=V pairs are sent as query parameters.

    $ vault delete secret/data/hello
    $ vault delete transit/keys/my-key`,
  output: { field: true, format: true },
  async run(run) {
    const { args } = run;
    if (args.length < 1) throw localFailure(`Not enough arguments (expected at least 1, got ${args.length})`);
    const client = await run.client();
    const path = sanitizePath(args[0] as string);
    const stdin = stdinReader(run.terminal.streams.stdin, run.flags['non-interactive']);
    const data = await parseKeyValues(args.slice(1), stdin, 'Failed to parse string list data');
    return printChange(run, deleteSecret(client, path, asTextLists(data)), {
      failed: `Error deleting ${path}`,
      done: `Success! Data deleted (if it existed) at: ${path}`,
    });
  },
});
