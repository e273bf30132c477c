/**
 * The files of a write-ahead log, and what a process that died has left in them.
 *
 * @module
 */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { StorageFailed } from '../model/storage.ts';
import { VERSION_BYTES, versionOf } from './lmdb-records.ts';
import { LOG_ID_BYTES, type LoggedGroup, readGroups } from './log-file.ts';

export const LOG_FILE_NAMES = ['coffer-a.log', 'coffer-b.log'] as const;

/** Whether a log lies in `folder`: nobody may use the store beside it before it has been moved. */
export function hasLog(folder: string): boolean {
  return LOG_FILE_NAMES.some((name) => existsSync(join(folder, name)));
}

/** What a log held when it was opened. */
export interface LeftLog {
  /** The store's version with all of it. */
  readonly version: number;
  /** Newest states by path; undefined: it is gone. */
  readonly records: Map<string, Buffer | undefined>;
}

/**
 * Reads what a process that died has left in `folder`.
 * @param counter - the store's counter record; undefined in a new store.
 * @throws StorageFailed when a part of the log is missing or damaged, or it is another store's.
 */
export function readLog(folder: string, counter: Buffer | undefined): LeftLog {
  const before = counter === undefined ? 0 : versionOf(counter);
  const id = counter?.subarray(VERSION_BYTES);
  let version = before;
  const records: LeftLog['records'] = new Map();
  for (const group of groupsAfter(folder, before, id)) {
    if (!id?.equals(group.id)) throw damaged(folder, 'it belongs to another data file');
    if (group.from !== version) throw damaged(folder, `what follows version ${version} is damaged`);
    version = group.to;
    for (const { key, record } of group.records) records.set(key.toString('utf8'), record);
  }
  return { version, records };
}

/** Sorted by what they go on from. Only the newest group may have been cut off, by a crash before anybody was told of it. */
function groupsAfter(folder: string, version: number, id: Buffer | undefined): LoggedGroup[] {
  const mustExist = id?.length === LOG_ID_BYTES;
  const groups = LOG_FILE_NAMES.flatMap((name) => {
    const path = join(folder, name);
    if (!mustExist && !existsSync(path)) return [];
    try {
      return readGroups(path, id);
    } catch (error) {
      throw damaged(folder, (error as Error).message);
    }
  });
  return groups.filter(({ to }) => to > version).toSorted((one, other) => one.from - other.from);
}

function damaged(folder: string, how: string): StorageFailed {
  return new StorageFailed(
    `the write-ahead log in ${folder} cannot be used (${how}); restore it from a backup`,
    true,
  );
}

/** Of a log that has been moved. */
export function removeLog(folder: string): void {
  for (const name of LOG_FILE_NAMES) rmSync(join(folder, name), { force: true });
}
