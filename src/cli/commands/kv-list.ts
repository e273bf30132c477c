/**
 * `kv list`.
 *
 * @module
 */
import { command, expectArguments } from '../command.ts';
import { describing } from '../failure.ts';
import { sanitizePath } from '../paths.ts';
import { listSecret } from '../secret-requests.ts';
import { findKvPlace, mountFlag } from './kv-paths.ts';
import { printListing } from './listing.ts';

export const kvList = command({
  usage: 'kv list [options] PATH',
  about: `
Lists secrets. Those that end with a slash have more below them.

    $ vault kv list -mount=secret my-app/`,
  flags: mountFlag,
  output: { format: true },
  async run(run) {
    // With -mount the whole mount may be meant.
    expectArguments(run.args, run.flags.mount === '' ? 1 : 0, 1);
    const place = await findKvPlace(run, sanitizePath(run.args[0] ?? ''));
    const path = place.at('metadata');
    const secret = await describing(`Error listing ${path}`, listSecret(place.client, path));
    return printListing(run, path, secret);
  },
});
