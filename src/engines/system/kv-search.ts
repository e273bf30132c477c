/**
 * Search in KV mounts. Ours, not Vault's: `coffer kv search` asks for it.
 *
 * It stands under `sys/`, since no path of a mount is free for it: below a mount of version 1 every path is a secret's, and below one of version 2
 * every other path answers as Vault's does. What is looked for is in the body, so that it stands in no log of paths. As for every path, a policy has to
 * grant it (`update` on `sys/internal/search/kv/MOUNT`): it is work for the server, and an operator says for whom. It shows
 * nothing that the caller could not list and read without it.
 *
 * @module
 */
import { operation, type Route, type RouteContext } from '../../model/engine.ts';
import { badRequest, CodedError } from '../../model/errors.ts';
import type { Encodable } from '../../model/json.ts';
import type { KvFound } from '../../model/kv-search.ts';
import {
  KV_SEARCH_MATCHES,
  KV_SEARCH_MATCHES_MAX,
  KV_SEARCH_TERM_CHARS_MAX,
  PATH_CHARS_MAX,
} from '../../model/limits.ts';
import { apiPath } from '../../model/mount.ts';
import * as p from '../../model/params.ts';
import type { LogicalReply } from '../../model/request.ts';
import type { SystemCore } from './core.ts';

export function kvSearchRoutes(core: SystemCore): Record<string, Route> {
  return {
    'internal/search/kv/:path*': {
      update: operation({
        summary: 'Looks for secrets of a KV mount by their paths, their fields or values; names no values.',
        params: {
          term: p.string('What is looked for: it may stand anywhere; * is any text.', { absent: '' }),
          ignore_case: p.bool('Upper and lower case are the same.', { absent: false }),
          fields: p.bool('Look at the names of fields, too.', { absent: false }),
          values: p.bool('Look at values, too.', { absent: false }),
          limit: p.int(`Secrets in one answer, up to ${KV_SEARCH_MATCHES_MAX}.`, {
            absent: KV_SEARCH_MATCHES,
          }),
          after: p.string('What the answer before called next.', { absent: '' }),
        },
        run: (sent, ctx) => search(core, sent, ctx),
      }),
    },
  };
}

interface Sent {
  readonly term: string;
  readonly ignore_case: boolean;
  readonly fields: boolean;
  readonly values: boolean;
  readonly limit: number;
  readonly after: string;
}

async function search(
  { mounts, access, searchKv }: SystemCore,
  sent: Sent,
  ctx: RouteContext,
): Promise<LogicalReply> {
  const { term, limit, after } = sent;
  if (term === '' || term.length > KV_SEARCH_TERM_CHARS_MAX)
    throw badRequest(`term must have 1 to ${KV_SEARCH_TERM_CHARS_MAX} characters`);
  if (limit < 1 || limit > KV_SEARCH_MATCHES_MAX)
    throw badRequest(`limit must be from 1 to ${KV_SEARCH_MATCHES_MAX}`);
  if (after.length > PATH_CHARS_MAX) throw badRequest('after is not what an answer called next');
  const path = `${ctx.captures.path}/`.replace(/^\/$/, '');
  const mount = mounts(ctx.namespace.id).find(path);
  const caller = ctx.caller!;
  const may = access.mayAsk(caller, ctx.namespace);
  const within = mount && apiPath(mount);
  if (mount?.type !== 'kv' || within === undefined)
    // As of a mount that may not be listed: what is mounted where is not told by this.
    throw may('list', path)
      ? badRequest('there is no KV mount at that path')
      : new CodedError('permission_denied');
  const startedMs = performance.now();
  const found = await searchKv(
    {
      mount,
      folder: path.slice(within.length),
      term,
      ignoreCase: sent.ignore_case,
      fields: sent.fields,
      values: sent.values,
      limit,
      after,
    },
    {
      request: ctx.request,
      caller,
      cluster: ctx.cluster,
      claims: ctx.claims,
      may: (verb, inside) => may(verb, within + inside),
      elapsedMs: () => performance.now() - startedMs,
    },
  );
  return { data: shown(found) };
}

function shown({ matches, next, folders, secrets, notListed, notRead }: KvFound): {
  [key: string]: Encodable;
} {
  return {
    matches: matches.map(({ path, fields }) => ({ path, fields })),
    next: next ?? '',
    is_complete: next === undefined,
    folders_listed: folders,
    secrets_looked_at: secrets,
    not_listed: notListed,
    secrets_not_read: notRead,
  };
}
