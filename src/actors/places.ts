/**
 * Where an actor's records lie in storage. Names rest sealed, segment by segment: whoever holds the store sees the shape of the
 * tree, not what is in it; a folder can still be listed by its prefix.
 *
 *   data/<namespace>/<mount>/<kind>/<sealed name>              head
 *   data/<namespace>/<mount>/<kind>/<sealed name>!<record>     what the head names: beside it, so that both are in one page
 *   timer/<shard>/<due, 15 digits>/<path of the head, from its namespace on>   when the actor wants to be woken
 *   by/<index>/<sealed group>/<sealed entry>                   index entries
 *   gone/<shard>/<keyed hash of the id>                        what is remembered of a deleted actor
 *
 * @module
 */
import { hash } from 'node:crypto';
import { type ActorId, actorKey, type IndexEntry } from '../model/actor.ts';
import { badRequest, type CodedError } from '../model/errors.ts';
import { STORAGE_PATH_BYTES_MAX } from '../model/limits.ts';

/** Deterministic sealing of one path segment under a context; equal segments in one context look equal, and nowhere else. */
export interface Names {
  sealName(context: string, segment: string): string;
  /** @throws where `sealed` was not made under this context. */
  openName(context: string, sealed: string): string;
}

/** Shards there are, for ever. */
export const SHARDS = 1_024;

/** The first 10 bits of SHA-256 of the id. */
export function shardOf(key: string): number {
  return Number.parseInt(hash('sha256', key, 'hex').slice(0, 3), 16) >> 2;
}

/** Heads lie below it. */
const DATA = 'data/';

function shelf(id: Omit<ActorId, 'name'>): string {
  return `${DATA}${id.namespace}/${id.mount}/${id.kind}/`;
}

/** `name` sealed, below the shelf of its kind. A trailing `/` stays, so that prefixes of lists are made here too. */
function sealedUnder(names: Names, base: string, { name }: ActorId): string {
  // Most names have one segment.
  if (name !== '' && !name.includes('/')) return base + names.sealName(base, name);
  const out: string[] = [];
  let parent = base;
  for (const segment of name.split('/')) {
    out.push(segment === '' ? '' : names.sealName(parent, segment));
    parent += `${segment}/`;
  }
  return base + out.join('/');
}

/** Stands between a head's path and a record's name; no sealed name holds it. */
const RECORD_MARK = '!';
/** Bytes that the name of a further record, or of its timer, may add. */
const RECORD_NAME_BYTES = 24;

/** Names the bound: what a segment takes is not to be seen from outside. */
function tooLong(bytes: number, before: number): CodedError {
  const most = STORAGE_PATH_BYTES_MAX - RECORD_NAME_BYTES - before;
  return badRequest(
    `path is too long: sealed it takes ${bytes} bytes of at most ${most}, where each segment takes 4/3 of its own and 23 more`,
  );
}

/** @throws CodedError where the name is too long for a storage path. */
export function headPath(names: Names, id: ActorId): string {
  const base = shelf(id);
  const head = sealedUnder(names, base, id);
  const bytes = Buffer.byteLength(head);
  if (bytes + RECORD_NAME_BYTES > STORAGE_PATH_BYTES_MAX) throw tooLong(bytes - base.length, base.length);
  return head;
}

export function recordPath(head: string, name: string): string {
  return `${head}${RECORD_MARK}${name}`;
}

/** Is this name of a listing a head or a folder, rather than a record beside a head? */
export function isListed(child: string): boolean {
  return !child.includes(RECORD_MARK);
}

/** The storage prefix whose children are what a list of `id.name` ('' or ending in `/`) shows. */
export function listPrefix(names: Names, id: ActorId): string {
  return sealedUnder(names, shelf(id), id);
}

/** The plain name of one listed child; folders keep their `/`. */
export function openChild(names: Names, id: ActorId, child: string): string {
  const context = `${shelf(id)}${id.name}`;
  return child.endsWith('/')
    ? `${names.openName(context, child.slice(0, -1))}/`
    : names.openName(context, child);
}

const SHARD_TEXTS = Array.from({ length: SHARDS }, (_, shard) => String(shard).padStart(4, '0'));

/** A shard as it stands in paths: four digits. */
export function shardText(shard: number): string {
  return SHARD_TEXTS[shard]!;
}

/** The actor's id, hashed as sealed: nobody without the keys can tell by guessing whose it is. */
function tagOf(names: Names, context: string, key: string): string {
  return hash('sha256', names.sealName(context, key), 'base64url').slice(0, 22);
}

export function timerPrefix(shard: number): string {
  return `timer/${shardText(shard)}/`;
}

/** Says whom to wake, so that nothing need be stored under it. @param key - of the actor. @param head - its path. */
export function timerPath(key: string, head: string, dueMs: number): string {
  return `${timerPrefix(shardOf(key))}${String(dueMs).padStart(15, '0')}/${head.slice(DATA.length)}`;
}

/** Whose timer it is. @throws where its name was not sealed there. */
export function timedActor(names: Names, path: string): ActorId {
  const [, , , namespace, mount, kind, ...sealed] = path.split('/');
  if (namespace === undefined || mount === undefined || kind === undefined)
    throw new Error('this is no path of a timer');
  let parent = shelf({ namespace, mount, kind });
  const segments = sealed.map((one) => {
    const segment = one === '' ? '' : names.openName(parent, one);
    parent += `${segment}/`;
    return segment;
  });
  return { kind, namespace, mount, name: segments.join('/') };
}

export function gonePrefix(shard: number): string {
  return `gone/${shardText(shard)}/`;
}

/** @param key - of the actor. */
export function gonePath(names: Names, shard: number, key: string): string {
  return gonePrefix(shard) + tagOf(names, 'gone/', key);
}

/** Due time out of a timer's path, ms. */
export function dueOf(path: string): number {
  return Number(path.split('/')[2]);
}

export function indexPrefix(names: Names, index: string, group: string): string {
  return `by/${index}/${names.sealName(`by/${index}/`, group)}/`;
}

export function indexPath(names: Names, entry: IndexEntry): string {
  const context = `by/${entry.index}/${entry.group}/`;
  return indexPrefix(names, entry.index, entry.group) + names.sealName(context, entry.entry);
}

export function openIndexEntry(names: Names, index: string, group: string, path: string): string {
  return names.openName(`by/${index}/${group}/`, path.slice(path.lastIndexOf('/') + 1));
}

/** What a timer's record says in stores of format 3 and before: whom to wake. */
export function decodeActorId(bytes: Uint8Array): ActorId {
  const [kind, namespace, mount, name] = JSON.parse(Buffer.from(bytes).toString()) as [
    string,
    string,
    string,
    string,
  ];
  return { kind, namespace, mount, name };
}

export { actorKey };
