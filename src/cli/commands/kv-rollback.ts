/**
 * `kv rollback`: reads an earlier version and writes it as the newest.
 *
 * @module
 */
import { command } from '../command.ts';
import { localFailure, remoteFailure } from '../failure.ts';
import { type FlagTable, intFlag } from '../flags.ts';
import { sanitizePath } from '../paths.ts';
import { writeSecret } from '../secret-requests.ts';
import { printChange } from './change.ts';
import { findKvPlace, mountFlag, readKv } from './kv-paths.ts';
import { existingMetadata, existingVersion } from './kv-version.ts';

const flags = { ...mountFlag, version: intFlag('The version to write again.') } satisfies FlagTable;

export const kvRollback = command({
  usage: 'kv rollback [options] KEY',
  about: `
Writes an earlier version again, as a new version. Fails if somebody else writes in between.

    $ vault kv rollback -mount=secret -version=2 hello`,
  flags,
  output: { format: true },
  async run(run) {
    const { args } = run;
    const { version } = run.flags;
    if (args.length !== 1) throw localFailure(`Invalid number of arguments (expected 1, got ${args.length})`);
    if (!run.given.has('version')) throw localFailure('Version flag must be specified');
    if (version <= 0) throw localFailure(`Invalid value ${version} for the version flag`);
    const place = await findKvPlace(run, sanitizePath(args[0] as string));
    if (!place.v2) throw remoteFailure('K/V engine mount must be version 2 for rollback support');
    const path = place.at('data');
    const newest = await readKv(place.client, path, 'Error doing pre-read at', undefined, false);
    const cas = existingMetadata(newest, path, 'rollback').get('version') ?? null;
    const query = new Map([['version', [String(version)]]]);
    const wanted = await readKv(place.client, path, 'Error doing pre-read at', query, false);
    const metadata = existingMetadata(wanted, path, 'rollback');
    if (metadata.get('deletion_time'))
      throw remoteFailure('Cannot roll back to a version that has been deleted');
    if (metadata.get('destroyed') === true)
      throw remoteFailure('Cannot roll back to a version that has been destroyed');
    const { data } = existingVersion(wanted, path, 'rollback');
    return printChange(run, writeSecret(place.client, path, { data, options: { cas } }), {
      failed: `Error writing data to ${path}`,
      done: `Success! Data written to: ${path}`,
    });
  },
});
