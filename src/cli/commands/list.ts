/**
 * `list`: LIST of any path.
 *
 * @module
 */
import { command, expectArguments } from '../command.ts';
import { describing } from '../failure.ts';
import { type FlagTable, intFlag, stringFlag } from '../flags.ts';
import { sanitizePath } from '../paths.ts';
import { listSecret } from '../secret-requests.ts';
import { printListing } from './listing.ts';

const flags = {
  after: stringFlag('Start with the key that follows this one, where the path has pages.'),
  limit: intFlag('At most this many keys, where the path has pages.', { absent: -1 }),
} satisfies FlagTable;

export const list = command({
  usage: 'list [options] PATH',
  about: `
Lists the keys at PATH. Those that end with a slash have more below them.

    $ vault list secret/metadata/my-app/
    $ vault list -detailed pki/issuers`,
  flags,
  output: { format: true, detailed: true },
  async run(run) {
    expectArguments(run.args, 1);
    const client = await run.client();
    const path = sanitizePath(run.args[0] as string);
    const { after, limit } = run.flags;
    // Without pages asked for, the parameters stay away: a server that knows none would warn of them.
    const paged = after !== '' || limit > 0;
    const query = new Map(paged ? Object.entries({ after: [after], limit: [String(limit)] }) : []);
    const secret = await describing(`Error listing ${path}`, listSecret(client, path, query));
    return printListing(run, path, secret);
  },
});
