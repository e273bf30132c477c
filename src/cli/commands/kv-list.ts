/**
 * `kv list`.
 *
 * @module
 */
import { KV_WALKED_MAX } from '../../model/limits.ts';
import { command, expectArguments, type Run } from '../command.ts';
import { describing, localFailure, REMOTE, remoteFailure } from '../failure.ts';
import { boolFlag, type FlagTable, intFlag } from '../flags.ts';
import { sanitizePath } from '../paths.ts';
import { listSecret } from '../secret-requests.ts';
import { streamedList } from '../streamed-list.ts';
import { findKvPlace, type KvPlace, mountFlag } from './kv-paths.ts';
import { walkSecrets } from './kv-walk.ts';
import { printListing } from './listing.ts';

const flags = {
  ...mountFlag,
  recursive: boolFlag('List all secrets below the path, in its folders too.'),
  limit: intFlag('With -recursive: stop after so many secrets.', { absent: KV_WALKED_MAX }),
} satisfies FlagTable;

export const kvList = command({
  usage: 'kv list [options] PATH',
  about: `
Lists secrets. Those that end with a slash have more below them.

With -recursive all secrets below the path are printed as they are found, by their paths below it. Folders
that may not be listed are named at the end on standard error, and the exit code is then 2.

    $ vault kv list -mount=secret my-app/
    $ vault kv list -mount=secret -recursive
    $ vault kv list -recursive -format=json secret/my-app`,
  flags,
  output: { format: true },
  async run(run) {
    // With -mount the whole mount may be meant.
    expectArguments(run.args, run.flags.mount === '' ? 1 : 0, 1);
    if (run.given.has('limit') && !run.flags.recursive) throw localFailure('-limit goes with -recursive');
    if (run.flags.limit < 1) throw localFailure('-limit must be positive');
    const place = await findKvPlace(run, sanitizePath(run.args[0] ?? ''));
    const path = place.at('metadata');
    if (run.flags.recursive) return listAll(run, place, path);
    const secret = await describing(`Error listing ${path}`, listSecret(place.client, path));
    return printListing(run, path, secret);
  },
});

async function listAll(run: Run<typeof flags>, { client }: KvPlace, path: string): Promise<number> {
  if (client.settings.wrapTtl !== '')
    throw localFailure('-recursive reads the lists, which -wrap-ttl would wrap');
  const { limit } = run.flags;
  const list = streamedList(run.printer, 'Secrets');
  const walk = walkSecrets(client, path);
  const refused: string[] = [];
  let isDescribed = true;
  let count = 0;
  let isCut = false;
  try {
    let step = await describing(`Error listing ${path}`, walk.next());
    isDescribed = false;
    for (; !step.done; step = await describing('Error listing', walk.next())) {
      if ('refused' in step.value) refused.push(step.value.refused);
      else if (count++ >= limit) {
        isCut = true;
        break;
      } else await list.add(step.value.secret, step.value.secret);
    }
    if (step.value === false && run.printer.format === 'table')
      throw remoteFailure(`No value found at ${path}`);
    return step.value === false ? REMOTE : summary(run, refused, isCut);
  } finally {
    if (!isDescribed) await list.end();
  }
}

function summary(run: Run<typeof flags>, refused: readonly string[], isCut: boolean): number {
  const { terminal, flags } = run;
  for (const folder of refused) terminal.error(`Not listed, permission denied: ${folder}`);
  if (isCut) terminal.error(`Stopped after ${flags.limit} secrets (-limit): there are more.`);
  return refused.length > 0 || isCut ? REMOTE : 0;
}
