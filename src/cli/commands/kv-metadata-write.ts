/**
 * `kv metadata put` and `kv metadata patch`: the settings of one secret.
 *
 * @module
 */
import type { Encodable } from '../../model/json.ts';
import { command, expectArguments, type Run } from '../command.ts';
import { formatDuration } from '../duration.ts';
import { durationFlag, type FlagTable, intFlag, listFlag, mapFlag, optionalBoolFlag } from '../flags.ts';
import { patchSecret, writeSecret } from '../secret-requests.ts';
import { printChange } from './change.ts';
import { findVersionedPlace } from './kv-metadata.ts';
import { mountFlag } from './kv-paths.ts';

const settingFlags = {
  ...mountFlag,
  'max-versions': intFlag('How many versions are kept; 0: as many as the mount says.', { absent: -1 }),
  'cas-required': optionalBoolFlag('Every write must say which version it replaces.'),
  'delete-version-after': durationFlag('How long after it was written a version is deleted.', {
    absent: -1n,
  }),
  'custom-metadata': mapFlag('Any key=value to keep with the secret. May be given many times.'),
} satisfies FlagTable;

const patchFlags = {
  ...settingFlags,
  'remove-custom-metadata': listFlag('Key of the custom metadata to remove. May be given many times.'),
} satisfies FlagTable;

export const kvMetadataPut = command({
  usage: 'kv metadata put [options] KEY',
  about: `
Sets the settings of a secret. Custom metadata is replaced as a whole.

    $ vault kv metadata put -mount=secret -max-versions=5 -custom-metadata=owner=me hello`,
  flags: settingFlags,
  output: { format: true },
  async run(run) {
    expectArguments(run.args, 1);
    const place = await findVersionedPlace(run);
    const custom = run.flags['custom-metadata'];
    const data = settings(run);
    if (custom.size > 0) data.set('custom_metadata', custom);
    const path = place.at('metadata');
    return printChange(run, writeSecret(place.client, path, data), texts(path));
  },
});

export const kvMetadataPatch = command({
  usage: 'kv metadata patch [options] KEY',
  about: `
Changes those settings of a secret that are given.

    $ vault kv metadata patch -mount=secret -custom-metadata=owner=you hello
    $ vault kv metadata patch -mount=secret -remove-custom-metadata=owner hello`,
  flags: patchFlags,
  output: { format: true },
  async run(run) {
    expectArguments(run.args, 1);
    const place = await findVersionedPlace(run);
    const custom = new Map<string, string | null>(run.flags['custom-metadata']);
    // A null removes the member: RFC 7396.
    for (const key of run.flags['remove-custom-metadata']) custom.set(key, null);
    const data = settings(run).set('custom_metadata', custom);
    const path = place.at('metadata');
    return printChange(run, patchSecret(place.client, path, data), texts(path));
  },
});

/** Only what was given; -1 and absence leave a setting as it is. */
function settings(run: Run<typeof settingFlags>): Map<string, Encodable> {
  const { flags } = run;
  const after = flags['delete-version-after'];
  const data = new Map<string, Encodable>();
  if (flags['max-versions'] >= 0) data.set('max_versions', flags['max-versions']);
  if (flags['cas-required'] !== undefined) data.set('cas_required', flags['cas-required']);
  if (after >= 0n) data.set('delete_version_after', formatDuration(after));
  return data;
}

function texts(path: string): { failed: string; done: string } {
  return { failed: `Error writing data to ${path}`, done: `Success! Data written to: ${path}` };
}
