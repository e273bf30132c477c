/**
 * Listing what LMDB holds, and what a log before it says of the same paths.
 *
 * @module
 */
import type { RootDatabase } from 'lmdb';
import { STORAGE_PATH_BYTES_MAX } from '../model/limits.ts';
import { COUNTER_KEY } from './lmdb-records.ts';
import { afterPrefix, byBytes, prefixBytes } from './path.ts';
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
  if (limit <= 0 || !log.knowsUnder(prefix)) return listKeys(db, prefix, after, limit);
  const found = log.under(prefix, after, limit);
  let fromStore = 0;
  for (let from = after; ; ) {
    const page = listKeys(db, prefix, from, limit);
    for (const path of page) {
      if (log.versionOf(path) !== undefined) continue;
      found.push(path);
      fromStore++;
    }
    if (page.length < limit || fromStore >= limit) break;
    from = page.at(-1)!;
  }
  // What either holds behind these comes behind `limit` paths: it is on a later page.
  return found.sort(byBytes).slice(0, limit);
}
