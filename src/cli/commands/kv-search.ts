/**
 * `kv search`.
 *
 * @module
 */
import type { JsonMap } from '../../model/json.ts';
import { KV_SEARCH_MATCHES } from '../../model/limits.ts';
import type { Client } from '../client.ts';
import { command, expectArguments, type Run } from '../command.ts';
import { describing, localFailure, REMOTE, remoteFailure } from '../failure.ts';
import { boolFlag, type FlagTable, intFlag } from '../flags.ts';
import { encodeJson } from '../go-json.ts';
import { sanitizePath } from '../paths.ts';
import { joinPath } from '../request-url.ts';
import { asMap, asNumber, asText, asTexts, type Secret } from '../secret.ts';
import { ask } from '../secret-requests.ts';
import { streamedList } from '../streamed-list.ts';
import { mountFlag } from './kv-paths.ts';

const flags = {
  ...mountFlag,
  fields: boolFlag('Look at the names of fields, too.'),
  values: boolFlag('Look at values, too. They are not printed.'),
  'ignore-case': boolFlag('Upper and lower case are the same.'),
  limit: intFlag('Stop after so many secrets.', { absent: 100_000 }),
} satisfies FlagTable;

export const kvSearch = command({
  usage: 'kv search [options] PATH TERM',
  about: `
Looks for secrets below PATH: TERM may stand anywhere in their paths, with -fields also in the names of their
fields, with -values also in values; * is any text. Prints paths and fields, no values. The server looks only where
the token may list and read; folders that it may not list are named at the end, and the exit code is then 2. It is 1
where nothing was found.

The token needs update on sys/internal/search/kv/MOUNT and below.

    $ vault kv search secret password
    $ vault kv search -mount=secret -fields 'team-a/*db*'
    $ vault kv search -values -format=json secret/app 10.0.0.7`,
  flags,
  output: { format: true },
  async run(run) {
    const { args, flags } = run;
    const isMounted = flags.mount !== '';
    expectArguments(args, isMounted ? 1 : 2, 2);
    if (flags.limit < 1) throw localFailure('-limit must be positive');
    const [below, term] = args.length === 2 ? (args as [string, string]) : ['', args[0] as string];
    const path = joinPath(sanitizePath(flags.mount), sanitizePath(below)).replace(/^\/+|\/+$/g, '');
    return search(run, await run.client(), path, term);
  },
});

async function search(run: Run<typeof flags>, client: Client, path: string, term: string): Promise<number> {
  const { flags, terminal, printer } = run;
  const isTold = terminal.streams.stderr.isTTY === true && !flags['non-interactive'];
  const notListed = new Set<string>();
  let list: ReturnType<typeof streamedList> | undefined;
  let [count, looked, notRead, after] = [0, 0, 0, ''];
  let isCut = false;
  try {
    for (;;) {
      const data = await page(run, client, path, {
        term,
        after,
        limit: Math.min(flags.limit - count, KV_SEARCH_MATCHES),
      });
      list ??= streamedList(printer, 'Secrets');
      if (isTold) terminal.prompt('\r\u001b[K');
      for (const match of matchesIn(data)) {
        const [name, fields] = [asText(match.get('path')), asTexts(match.get('fields')) ?? []];
        await list.add(fields.length === 0 ? name : `${name}  ${fields.join(' ')}`, { path: name, fields });
        count++;
      }
      for (const folder of asTexts(data.get('not_listed')) ?? []) notListed.add(folder);
      looked += asNumber(data.get('secrets_looked_at'));
      notRead += asNumber(data.get('secrets_not_read'));
      if (data.get('is_complete') === true) break;
      const next = asText(data.get('next'));
      if (next === '' || next === after) throw remoteFailure('The server does not say where to go on.');
      after = next;
      isCut = count >= flags.limit;
      if (isCut) break;
      if (isTold) terminal.prompt(`${looked} secrets looked at, ${count} found, at ${shortened(after)}`);
    }
  } finally {
    await list?.end();
  }
  for (const folder of notListed)
    terminal.error(`Not listed, permission denied: ${folder === '' ? '/' : folder}`);
  if (notRead > 0) terminal.error(`Not read, permission denied: ${notRead} secrets`);
  if (isCut) terminal.error(`Stopped after ${flags.limit} secrets (-limit): there may be more.`);
  if (notListed.size > 0 || notRead > 0 || isCut) return REMOTE;
  return count > 0 ? 0 : 1;
}

interface Page {
  readonly term: string;
  readonly after: string;
  readonly limit: number;
}

async function page(run: Run<typeof flags>, client: Client, path: string, { term, after, limit }: Page) {
  const { fields, values } = run.flags;
  const body = encodeJson({ term, fields, values, ignore_case: run.flags['ignore-case'], limit, after });
  const call = { method: 'POST', path: `sys/internal/search/kv/${path}`, body, wrap: false } as const;
  const secret: Secret | undefined = await describing(`Error searching ${path}`, ask(client, call));
  if (!secret?.data) throw remoteFailure('The server found no words for what it found.');
  return secret.data;
}

function matchesIn(data: JsonMap): JsonMap[] {
  const matches = data.get('matches');
  return (Array.isArray(matches) ? matches : []).flatMap((one) => asMap(one) ?? []);
}

function shortened(path: string): string {
  const plain = path.replace(/\p{Cc}/gu, ' ');
  return plain.length > 40 ? `…${plain.slice(-39)}` : plain;
}
