/**
 * Search in a KV mount: by the paths of secrets, by the names of their fields, by their values. Answers name paths and fields, never values.
 *
 * Each folder is listed, and each secret looked into, only where a request of the caller for it would be let pass; before the answer leaves, all of it is
 * asked once more, since policies may have changed meanwhile. A search ends after some time, or some finds, and says where to go on.
 *
 * @module
 */
import type { Claims, SendOptions } from '../../model/actor.ts';
import { CodedError } from '../../model/errors.ts';
import { makeGlob } from '../../model/glob.ts';
import type { KvFound, KvMatch, KvSearch, KvSearchContext } from '../../model/kv-search.ts';
import {
  KV_SEARCH_CHARS_MAX,
  KV_SEARCH_MS,
  KV_SEARCH_NOT_LISTED_MAX,
  KV_SEARCH_PAGE,
  KV_SEARCHES_AT_ONCE,
  KV_SENT_AT_ONCE,
} from '../../model/limits.ts';
import { kvSecret } from './kinds.ts';
import { searchFields } from './search-fields.ts';
import { walk } from './search-walk.ts';

let running = 0;

/** @throws CodedError `overloaded` where too many are under way on this node; `permission_denied` where the folder may not be listed. */
export async function searchKv(search: KvSearch, ctx: KvSearchContext): Promise<KvFound> {
  if (running >= KV_SEARCHES_AT_ONCE)
    throw new CodedError('overloaded', 'too many searches are under way; try again');
  running++;
  try {
    return await run(search, ctx);
  } finally {
    running--;
  }
}

/** What may be asked, in the words of the mount's version. */
function rightsOf({ mount, values }: KvSearch, { may }: KvSearchContext) {
  const versioned = mount.options?.version === '2';
  return {
    versioned,
    mayList: (folder: string) => may('list', versioned ? `metadata/${folder}` : folder),
    // The names of fields are what `subkeys/` tells; values are what reading tells.
    mayLookInto: (path: string) =>
      may('read', versioned ? `data/${path}` : path) ||
      (versioned && !values && may('read', `subkeys/${path}`)),
  };
}

async function run(search: KvSearch, ctx: KvSearchContext): Promise<KvFound> {
  const { mount, folder, term, ignoreCase, values, limit } = search;
  const { cluster, request, claims } = ctx;
  const { versioned, mayList, mayLookInto } = rightsOf(search, ctx);
  if (!mayList(folder)) throw new CodedError('permission_denied');
  const fits = makeGlob(term, { ignoreCase });
  const isInside = search.fields || values;
  const found: Draft = { matches: [], notListed: [], folders: 0, secrets: 0, notRead: 0 };
  let after = search.after;
  let chars = 0;

  const isEnough = () =>
    found.matches.length >= limit || chars > KV_SEARCH_CHARS_MAX || ctx.elapsedMs() > KV_SEARCH_MS;

  /** As good as the search's own, and only while this secret may be looked into. */
  function optionsFor(path: string): SendOptions {
    const own: Claims = {
      ...claims,
      good: () => claims.good() && mayLookInto(path),
      mayCreate: false,
      mayUpdate: false,
    };
    return { claims: own, caller: ctx.caller, mount, request };
  }

  async function lookAt(path: string): Promise<KvMatch | undefined> {
    const isNamed = fits(path.slice(folder.length));
    if (!isInside) return isNamed ? { path, fields: [] } : undefined;
    if (!mayLookInto(path)) {
      found.notRead++;
      return isNamed ? { path, fields: [] } : undefined;
    }
    const id = { kind: kvSecret.kind, namespace: mount.namespace, mount: mount.uuid, name: path };
    const fields = await cluster.send(
      searchFields,
      id,
      { term, ignoreCase, values, versioned },
      optionsFor(path),
    );
    return isNamed || fields.length > 0 ? { path, fields } : undefined;
  }

  const list = (of: string, name: string, pageMax: number) =>
    cluster.list(kvSecret.kind, mount.namespace, mount.uuid, of, { after: name, limit: pageMax });
  const steps = walk({ folder, after, list, mayList, pageMax: KV_SEARCH_PAGE });
  for await (const step of steps) {
    if (request.isOver) throw new CodedError('deadline');
    if (step.kind === 'folder') {
      found.folders++;
      if (step.isRefused) {
        if (found.notListed.length < KV_SEARCH_NOT_LISTED_MAX) found.notListed.push(step.path);
        after = step.path;
      }
      continue;
    }
    for (let at = 0; at < step.paths.length; at += KV_SENT_AT_ONCE) {
      if (request.isOver) throw new CodedError('deadline');
      if (isEnough()) return checked(found, after, ctx, search);
      const some = step.paths.slice(at, at + KV_SENT_AT_ONCE);
      for (const [index, match] of (await Promise.all(some.map(lookAt))).entries()) {
        if (found.matches.length >= limit) return checked(found, after, ctx, search);
        after = some[index]!;
        found.secrets++;
        if (!match) continue;
        found.matches.push(match);
        chars += match.path.length + match.fields.join().length;
      }
    }
  }
  return checked(found, undefined, ctx, search);
}

interface Draft {
  matches: KvMatch[];
  notListed: string[];
  folders: number;
  secrets: number;
  notRead: number;
}

/** Without what may not be told any more. @throws CodedError `stale_claims` where the search itself may not go on. */
function checked(found: Draft, next: string | undefined, ctx: KvSearchContext, search: KvSearch): KvFound {
  if (!ctx.claims.good()) throw new CodedError('stale_claims');
  const { mayList, mayLookInto } = rightsOf(search, ctx);
  const matches = found.matches.filter(
    ({ path, fields }) => mayList(folderOf(path)) && (fields.length === 0 || mayLookInto(path)),
  );
  return { ...found, matches, next };
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1);
}

export const kvSearchSends = [searchFields];
