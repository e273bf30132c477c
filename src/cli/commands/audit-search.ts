/**
 * `audit search`: entries of audit logs that fit what is asked, of files or of a running server, or as they are written.
 *
 * @module
 */
import type { LogEntry, SearchFilter } from '../../audit/search.ts';
import type { Encodable } from '../../model/json.ts';
import { SECOND_MS } from '../../model/limits.ts';
import { toDurationSeconds } from '../../model/params.ts';
import type { Client } from '../client.ts';
import { command, expectArguments, type Run } from '../command.ts';
import { describing, localFailure, messageOf, REMOTE } from '../failure.ts';
import { boolFlag, type FlagTable, intFlag, listFlag, stringFlag } from '../flags.ts';
import { writeSecret } from '../secret-requests.ts';

const flags = {
  since: stringFlag('From this time on: RFC 3339, or how long ago, such as "2h".'),
  until: stringFlag('Up to this time; as -since.'),
  accessor: stringFlag(
    'Accessor of a token: in the clear (needs -device), or as it stands in the log, hmac-sha256:….',
  ),
  device: listFlag(
    'Audit device that wrote the log, such as "file": the server is asked how it writes the accessor. ' +
      'With -live the device to look in, needed where several write files.',
  ),
  live: boolFlag(
    "Look in the log of the running server, on the node that answers, instead of files of one's own.",
  ),
  path: stringFlag('API path, such as "secret/data/app"; * stands for any text.'),
  entity: stringFlag('Id of an entity.'),
  'request-id': stringFlag('Id of a request: what an answer calls request_id.'),
  follow: boolFlag('Show what is written from now on, until Ctrl-C. One file; it may be rotated meanwhile.'),
  all: boolFlag('Checkpoints too, and what else the log says of itself.'),
  limit: intFlag('No more than so many entries; 0: all.'),
} satisfies FlagTable;

export const auditSearch = command({
  usage: 'audit search [options] [FILE...]',
  about: `
Prints the entries of audit logs that fit all that is asked. Rotated files are taken in their order, packed ones
(.gz, .zst) too. With -format=json the lines are printed as they stand in the log. The exit code is 0 where
something was found, 1 where nothing was. No server is asked, unless an accessor is given in the clear.

With -live the server looks in the log that one of its audit devices writes now; the token needs update and sudo
on sys/audit-search. Without -limit it sends 10,000 entries at most; with -follow it ends after ten minutes.

    $ vault audit search -path='secret/data/app*' -since=24h /var/log/vault/audit.log*
    $ vault audit search -request-id=5f1f… /var/log/vault/audit.log
    $ vault audit search -accessor=hmac-sha256:… -format=json audit.log
    $ vault audit search -accessor=p0Ya… -device=file /var/log/vault/audit.log
    $ vault audit search -follow -path='auth/*' /var/log/vault/audit.log
    $ vault audit search -live -since=1h -path='secret/data/app*'`,
  flags,
  output: { format: true },
  async run(run) {
    const { args, flags: given, terminal, printer } = run;
    expectArguments(args, given.live ? 0 : 1, given.live ? 0 : Number.POSITIVE_INFINITY);
    if (given.live) return searchLive(run);
    if (given.follow && args.length > 1) throw localFailure('Only one file can be followed');
    if (given.limit < 0) throw localFailure('-limit must not be negative');
    const isHashed = given.accessor.startsWith('hmac-sha256:');
    if (given.accessor !== '' && !isHashed && given.device.length === 0)
      throw localFailure(
        'An accessor in the clear needs -device: the log holds its hash, which the server makes',
      );
    const filter: SearchFilter = {
      sinceMs: timeOf('since', given.since),
      untilMs: timeOf('until', given.until),
      accessors: given.accessor === '' ? undefined : [given.accessor],
      path: given.path || undefined,
      entityId: given.entity || undefined,
      requestId: given['request-id'] || undefined,
      withOwnLines: given.all,
    };
    const accessors =
      given.accessor !== '' && !isHashed
        ? await hashesOf((await run.client()).with({ namespace: '' }), given.accessor, given.device)
        : filter.accessors;
    const { followLog, searchLogs } = await import('../../audit/search.ts');
    const stop = new AbortController();
    process.once('SIGINT', () => stop.abort());
    const found = given.follow
      ? followLog(args[0] as string, { ...filter, accessors }, stop.signal)
      : searchLogs(args, { ...filter, accessors });
    let count = 0;
    try {
      for await (const one of found) {
        count++;
        terminal.output(printer.format === 'table' ? summaryOf(one.entry) : one.line);
        if (count === given.limit) break;
      }
    } catch (error) {
      throw localFailure(`Error reading audit logs: ${messageOf(error)}`);
    }
    return count > 0 || given.follow ? 0 : 1;
  },
});

async function searchLive(run: Run<typeof flags>): Promise<number> {
  const { flags: given, terminal, printer } = run;
  if (given.device.length > 1) throw localFailure('Only one device can be looked in');
  if (given.limit < 0) throw localFailure('-limit must not be negative');
  const asTime = (flag: string, text: string) => {
    const atMs = timeOf(flag, text);
    return atMs === undefined ? undefined : new Date(atMs).toISOString();
  };
  const body: Encodable = {
    device: given.device[0],
    since: asTime('since', given.since),
    until: asTime('until', given.until),
    accessor: given.accessor || undefined,
    path: given.path || undefined,
    entity: given.entity || undefined,
    request_id: given['request-id'] || undefined,
    all: given.all,
    follow: given.follow,
    limit: given.limit || undefined,
  };
  const { liveEntries } = await import('./audit-search-live.ts');
  const client = (await run.client()).with({ namespace: '', wrapTtl: '' });
  let count = 0;
  const ending = await describing(
    'Error searching audit log',
    liveEntries(client, body, (line, entry) => {
      count++;
      terminal.output(printer.format === 'table' ? summaryOf(entry) : line);
    }),
  );
  if (ending !== undefined) terminal.error(`There may be more: the server ended the search (${ending}).`);
  if (ending !== undefined && !(ending === 'limit' && given.limit > 0)) return REMOTE;
  return count > 0 || given.follow ? 0 : 1;
}

/** As it may stand in the log: in the clear, or as each device writes it. */
async function hashesOf(client: Client, accessor: string, devices: readonly string[]): Promise<string[]> {
  const hashes = [accessor];
  for (const device of devices) {
    const path = `sys/audit-hash/${device.replace(/\/+$/, '')}`;
    const input: Encodable = { input: accessor };
    const answer = await describing(`Error writing ${path}`, writeSecret(client, path, input));
    hashes.push(String(answer?.data?.get('hash') ?? ''));
  }
  return hashes;
}

/** ms. @throws CommandFailure */
function timeOf(flag: string, text: string): number | undefined {
  if (text === '') return undefined;
  const atMs = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(atMs)) return atMs;
  try {
    return Date.now() - toDurationSeconds(text) * SECOND_MS;
  } catch {
    throw localFailure(`-${flag} must be a time such as 2026-11-01T12:00:00Z, or how long ago, such as 2h`);
  }
}

/** One line for people: when, what, who, where from, and how it ended. Control characters are not what a log is read for. */
function summaryOf({ time, type, request, auth, error }: LogEntry): string {
  const parts = [
    time,
    type,
    request?.operation,
    `${request?.namespace?.path ?? ''}${request?.path ?? ''}`,
    auth?.display_name,
    request?.remote_address,
    request?.id,
    error && `error: ${error.trim()}`,
  ];
  return parts
    .filter((part) => part)
    .join('  ')
    .replace(/\p{Cc}+/gu, ' ');
}
