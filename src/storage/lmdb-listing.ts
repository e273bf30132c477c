/**
 * Listing what LMDB holds, and what a log before it says of the same paths.
 *
 * @module
 */
import type { RootDatabase } from 'lmdb';
import { STORAGE_PATH_BYTES_MAX } from '../model/limits.ts';
import { COUNTER_KEY } from './lmdb-records.ts';
import { afterPrefix, prefixBytes } from './path.ts';
import type { WriteAheadLog } from './write-ahead-log.ts';

export function listKeys(
  db: Pick<RootDatabase<Buffer, Buffer>, 'getKeys'>,
  prefix: string,
  after: string,
  limit: number,
): string[] {
  const from = prefixBytes(prefix);
  // LMDB takes no key longer than its own, not even to begin a search there. No path is so long, so none begins with it.
  if (from.length > STORAGE_PATH_BYTES_MAX) return [];
  // The key that follows `after` is `after` with a zero byte. What is behind the longest path's end decides nothing.
  const next =
    after === ''
      ? from
      : Buffer.concat([prefixBytes(after), Buffer.alloc(1)]).subarray(0, STORAGE_PATH_BYTES_MAX + 1);
  const start = Buffer.compare(next, from) > 0 ? next : from;
  const end = afterPrefix(from) ?? COUNTER_KEY;
  if (Buffer.compare(start, end) >= 0 || limit <= 0) return [];
  const keys = db.getKeys({ start: start.length === 0 ? Buffer.alloc(1) : start, end, limit });
  return Array.from(keys, (key) => Buffer.from(key).toString('utf8'));
}

/** As `listKeys`, where `log` may know paths that are new or gone. */
export function listWithLog(
  db: Parameters<typeof listKeys>[0],
  log: WriteAheadLog,
  prefix: string,
  after: string,
  limit: number,
): string[] {
  const known = log.under(prefix);
  if (known.size === 0 || limit <= 0) return listKeys(db, prefix, after, limit);
  const found: string[] = [];
  for (let from = after; ; ) {
    const page = listKeys(db, prefix, from, limit);
    for (const path of page) if (!known.has(path)) found.push(path);
    if (page.length < limit || found.length >= limit) break;
    from = page.at(-1)!;
  }
  // What LMDB holds behind the last of these comes behind `limit` paths: it is on a later page.
  const behind = prefixBytes(after);
  const all = found.map((path) => ({ path, bytes: prefixBytes(path) }));
  for (const [path, isThere] of known) {
    const bytes = prefixBytes(path);
    if (isThere && Buffer.compare(bytes, behind) > 0) all.push({ path, bytes });
  }
  all.sort((one, other) => Buffer.compare(one.bytes, other.bytes));
  return all.slice(0, limit).map(({ path }) => path);
}
