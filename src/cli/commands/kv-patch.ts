/**
 * `kv patch`: an HTTP PATCH, or read and write where the server or the policy allows none.
 *
 * @module
 */
import type { JsonMap } from '../../model/json.ts';
import type { Client } from '../client.ts';
import { command, type Run } from '../command.ts';
import { localFailure, remoteFailure } from '../failure.ts';
import { type FlagTable, intFlag, listFlag, stringFlag } from '../flags.ts';
import { parseKeyValues, stdinReader } from '../key-values.ts';
import { sanitizePath } from '../paths.ts';
import { ResponseError } from '../response-error.ts';
import type { Secret } from '../secret.ts';
import { patchSecret, writeSecret } from '../secret-requests.ts';
import { printChange } from './change.ts';
import { findKvPlace, mountFlag, readKv } from './kv-paths.ts';
import { printVersion } from './kv-put.ts';
import { existingVersion } from './kv-version.ts';

const flags = {
  ...mountFlag,
  cas: intFlag('Patch only if this is the newest version.'),
  method: stringFlag(
    '"patch" sends HTTP PATCH, "rw" reads, changes and writes. Without it the second is tried where the first is refused.',
  ),
  'remove-data': listFlag('Name of a value to remove. May be given many times.'),
} satisfies FlagTable;

export const kvPatch = command({
  usage: 'kv patch [options] KEY [DATA]',
  about: `
Changes some values of a secret and keeps the others. Needs a mount with versions.

    $ vault kv patch -mount=secret hello who=everybody
    $ vault kv patch -mount=secret -remove-data=who hello`,
  flags,
  output: { field: true, format: true },
  async run(run) {
    const { args } = run;
    if (args.length < 1) throw localFailure(`Not enough arguments (expected >1, got ${args.length})`);
    if (args.length === 1 && run.flags['remove-data'].length === 0) throw localFailure('Must supply data');
    const stdin = stdinReader(run.terminal.streams.stdin, run.flags['non-interactive']);
    const data = await parseKeyValues(args.slice(1), stdin);
    // A null removes the member: RFC 7396.
    for (const name of run.flags['remove-data']) data.set(name, null);
    const place = await findKvPlace(run, sanitizePath(args[0] as string));
    if (!place.v2) throw remoteFailure('K/V engine mount must be version 2 for patch support');
    const path = place.at('data');
    return printChange(run, change(run, place.client, path, data), {
      failed: `Error writing data to ${path}`,
      done: `Success! Data written to: ${path}`,
      print: (secret) => printVersion(run, secret, path),
    });
  },
});

async function change(
  run: Run<typeof flags>,
  client: Client,
  path: string,
  data: JsonMap,
): Promise<Secret | undefined> {
  const { method, cas } = run.flags;
  if (method === 'rw') return readThenWrite(client, path, data);
  if (method !== 'patch' && method !== '')
    throw remoteFailure(`Unsupported method provided to -method flag: ${method}`);
  try {
    return await patchSecret(client, path, { data, options: cas > 0 ? { cas } : {} });
  } catch (error) {
    const refused = error instanceof ResponseError && (error.status === 405 || error.status === 403);
    if (method === 'patch' || !refused) throw error;
    if (error.status === 403) {
      run.terminal.warn(
        `Data was written to ${path} but we recommend that you add the "patch" capability to your ACL policy in order to use HTTP PATCH in the future.`,
      );
    }
    return readThenWrite(client, path, data);
  }
}

async function readThenWrite(client: Client, path: string, changes: JsonMap): Promise<Secret | undefined> {
  const secret = await readKv(client, path, 'Error doing pre-read at', undefined, false);
  const { data, metadata } = existingVersion(secret, path, 'patch');
  return writeSecret(client, path, {
    data: new Map([...data, ...changes]),
    options: { cas: metadata.get('version') ?? null },
  });
}
