/**
 * `kv delete`, `kv undelete`, `kv destroy`: what becomes of versions.
 *
 * @module
 */
import { command, expectArguments, type Run } from '../command.ts';
import { localFailure } from '../failure.ts';
import { type FlagTable, listFlag } from '../flags.ts';
import { sanitizePath } from '../paths.ts';
import { deleteSecret, writeSecret } from '../secret-requests.ts';
import { printChange } from './change.ts';
import { findKvPlace, mountFlag, versionList } from './kv-paths.ts';

const flags = {
  ...mountFlag,
  versions: listFlag('The versions, separated by commas. May be given many times.'),
} satisfies FlagTable;

export const kvDelete = command({
  usage: 'kv delete [options] PATH',
  about: `
Deletes the newest version of a secret, or those that -versions names. undelete brings them back. Without
versions on the mount, the secret is gone for good.

    $ vault kv delete -mount=secret hello
    $ vault kv delete -mount=secret -versions=1,2 hello`,
  flags,
  output: { field: true, format: true },
  async run(run) {
    expectArguments(run.args, 1);
    const place = await findKvPlace(run, sanitizePath(run.args[0] as string));
    const path = place.at('data');
    const versions = versionList(run.flags.versions);
    const someVersions = place.v2 && run.flags.versions.length > 0;
    const work = someVersions
      ? writeSecret(place.client, place.at('delete'), { versions })
      : deleteSecret(place.client, path);
    return printChange(run, work, {
      failed: `Error deleting ${path}`,
      done: `Success! Data deleted (if it existed) at: ${path}`,
    });
  },
});

export const kvUndelete = command({
  usage: 'kv undelete [options] KEY',
  about: `
Brings deleted versions back.

    $ vault kv undelete -mount=secret -versions=3 hello`,
  flags,
  output: { format: true },
  run: (run) => changeVersions(run, 'undelete', 'Undelete'),
});

export const kvDestroy = command({
  usage: 'kv destroy [options] KEY',
  about: `
Removes the data of versions for good.

    $ vault kv destroy -mount=secret -versions=3 hello`,
  flags,
  output: { format: true },
  run: (run) => changeVersions(run, 'destroy', 'Destroy'),
});

async function changeVersions(run: Run<typeof flags>, section: string, name: string): Promise<number> {
  expectArguments(run.args, 1);
  if (run.flags.versions.length === 0) {
    throw localFailure(
      `No versions provided, use the "-versions" flag to specify the version to ${section}.`,
    );
  }
  const place = await findKvPlace(run, sanitizePath(run.args[0] as string));
  if (!place.v2) throw localFailure(`${name} not supported on KV Version 1`);
  const path = place.at(section);
  return printChange(run, writeSecret(place.client, path, { versions: versionList(run.flags.versions) }), {
    failed: `Error writing data to ${path}`,
    done: `Success! Data written to: ${path}`,
  });
}
