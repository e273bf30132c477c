/**
 * The embedded store: one LMDB file, used by one process, or shared by several of one machine (`lmdb-shared.ts`). Durable before
 * acknowledged, and not visible before durable.
 *
 * A process that has the file for itself writes to a log first (`write-ahead-log.ts`), which costs one sync and no scattered pages. Several
 * processes would have to read each other's logs: they write to LMDB.
 *
 * @module
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { FOLDER_LOOK_MS, LOG_RECOVERED_MS } from '../model/limits.ts';
import { type Storage, StorageFailed } from '../model/storage.ts';
import { isFolderHeld, type LockedFolder, lockFolder, shareFolder } from './folder-lock.ts';
import { inKnownFormat } from './format.ts';
import { makeGroupCommit, type Outcome } from './group-commit.ts';
import { hasLog, readLog } from './left-log.ts';
import {
  causeOf,
  isStopped,
  LMDB_FILE_NAME,
  type LmdbDatabase,
  openDatabase,
  read,
} from './lmdb-database.ts';
import { checkLmdbFile } from './lmdb-file.ts';
import { putAll, writeGroupAlone, writeGroupShared, writeGroupToLog } from './lmdb-groups.ts';
import { listKeys, listWithLog } from './lmdb-listing.ts';
import { COUNTER_KEY, encodeWrite, type LmdbWrite, VERSION_BYTES, versionOf } from './lmdb-records.ts';
import { makeReaderChecks } from './lmdb-shared.ts';
import type { LogRecord } from './log-file.ts';
import { pathBytes } from './path.ts';
import { roomIn } from './room.ts';
import { makeTemporaryFolder } from './temporary-folder.ts';
import { WriteAheadLog } from './write-ahead-log.ts';

export interface LmdbOptions {
  /** Data folder of `file`; made with mode 0700 where it is missing. */
  readonly folder?: string;
  /** `inmem`: a temporary folder that is removed at close, without syncs to disk. */
  readonly type: 'file' | 'inmem';
  /** Of `file`: other processes of this machine may have it open too, if they say so as well. */
  readonly shared?: boolean;
}

/**
 * Opens the embedded store and takes its folder for this process.
 * @throws StorageFailed with one sentence: folder taken, not writable, damaged, or of a newer format.
 */
export async function openLmdb(options: LmdbOptions): Promise<Storage> {
  const { type } = options;
  const shared = type === 'file' && options.shared === true;
  if (shared) await withoutLog(options.folder ?? '');
  const place = type === 'inmem' ? makeTemporaryFolder() : takeFolder(options.folder ?? '', shared);
  if (shared && hasLog(place.folder)) {
    // Who had the folder for itself made a log and died while we waited. From now on nobody can.
    place.release();
    return openLmdb(options);
  }
  let storage: Storage;
  try {
    storage = makeLmdb(() => openDatabase(place.folder, type, shared), place, type, shared);
  } catch (error) {
    place.release();
    throw error;
  }
  return inKnownFormat(storage);
}

/**
 * A process that had the file for itself and died has left a log: what it holds is moved before several use the file. Of these the first does
 * it, and the others wait.
 */
async function withoutLog(folder: string): Promise<void> {
  const giveUpAt = performance.now() + LOG_RECOVERED_MS;
  while (hasLog(folder)) {
    try {
      await (await openLmdb({ folder, type: 'file' })).close();
    } catch (error) {
      if (!isFolderHeld(folder)) throw error;
    }
    if (!hasLog(folder)) return;
    if (performance.now() > giveUpAt)
      throw new StorageFailed(`the write-ahead log in ${folder} could not be moved into the store`, true);
    await pause(FOLDER_LOOK_MS);
  }
}

/** A shared file is looked at by whoever comes first: to the others it may change while they look. */
function takeFolder(folder: string, shared: boolean): LockedFolder {
  return shared ? shareFolder(folder, () => checkLmdbFile(join(folder, LMDB_FILE_NAME))) : lockFolder(folder);
}

function makeLmdb(
  openDb: () => LmdbDatabase,
  place: LockedFolder,
  type: LmdbOptions['type'],
  shared: boolean,
): Storage {
  let db = openDb();
  const file = join(place.folder, LMDB_FILE_NAME);
  /** An `inmem` store may lose its name: nothing of it is to outlive this process. */
  const inode = type === 'file' ? statSync(file).ino : undefined;
  let closed: Promise<void> | undefined;
  /** Set while the file is closed and opened again; rejects, and stays so, when it does not open. */
  let reopening: Promise<void> | undefined;
  const checkReaders = makeReaderChecks();
  const room = roomIn(place.folder);

  const log = type === 'file' && !shared ? openLog() : undefined;
  if (shared) refuseLostLog();
  const commits = makeGroupCommit<LmdbWrite>({
    async write(group, join) {
      if (reopening !== undefined) await reopening;
      refuseRemoved(true);
      // All that the log holds is to find room in LMDB too, beside what it has there now.
      if (log) room.refuseFullLog(group, 2 * log.heldBytes);
      else room.refuseFull(group);
      const joined = () => {
        const more = join();
        if (more.length > 0) room.refuseFull([...group, ...more]);
        return more;
      };
      const outcomes = await (shared ? writeGroupShared(db, group, joined) : writeGroup(group));
      if (shared) checkReaders(db);
      // The log has looked after its own file, and whatever it moved was looked after there.
      if (!log) refuseRemoved(false);
      return outcomes;
    },
    explain,
  });

  /** No log lies in the folder: then the counter record must not know of one. */
  function refuseLostLog(): void {
    try {
      if ((db.getBinary(COUNTER_KEY)?.length ?? 0) > VERSION_BYTES)
        readLog(place.folder, db.getBinary(COUNTER_KEY));
    } catch (error) {
      void db.close();
      throw error;
    }
  }

  function openLog(): WriteAheadLog {
    try {
      return new WriteAheadLog(place.folder, readLog(place.folder, db.getBinary(COUNTER_KEY)), {
        write: writeBehindLog,
      });
    } catch (error) {
      void db.close();
      throw error;
    }
  }

  async function writeBehindLog(records: readonly LogRecord[], counter: Buffer | undefined): Promise<void> {
    if (reopening !== undefined) await reopening;
    refuseRemoved(true);
    room.refuseFull([{ count: records.length, bytes: recordBytes(records) }]);
    try {
      await putAll(db, records, counter);
    } catch (error) {
      throw await explain(error);
    }
    // Whoever moved it would use that part of the log again.
    refuseRemoved(false);
    // What is read next is to be seen from here on.
    db.resetReadTxn();
  }

  function writeGroup(group: readonly LmdbWrite[]): Promise<Outcome[]> {
    return log === undefined ? writeGroupAlone(db, group) : writeGroupToLog(db, log, group);
  }

  /** A file that lost its name takes writes as before, and all of them are gone when this process ends. */
  function refuseRemoved(outcomeKnown: boolean): void {
    if (inode === undefined || statSync(file, { throwIfNoEntry: false })?.ino === inode) return;
    throw new StorageFailed(
      `the data file ${file} was removed or replaced under the server; it takes no more writes`,
      outcomeKnown,
    );
  }

  async function explain(error: unknown): Promise<Error> {
    if (error instanceof StorageFailed) return error;
    const cause = await causeOf(error);
    // Pages come before the meta page: unless that one failed, nothing was written.
    const known = !isStopped(db);
    if (!known) await reopen();
    return new StorageFailed(`the store in ${place.folder} could not write: ${cause.message}`, known, cause);
  }

  /** After a failed meta page LMDB refuses everything, and lmdb-js would wait for ever for a transaction. A new start helps. */
  async function reopen(): Promise<void> {
    // A move and a commit may both have met the same failure.
    if (reopening !== undefined) return reopening.catch(() => {});
    const old = db;
    reopening = old.close().then(() => {
      // Where the file is gone, opening would make a new one.
      refuseRemoved(true);
      db = openDb();
    });
    try {
      await reopening;
      reopening = undefined;
    } catch {
      // Each later call gets the reason from `reopening`.
    }
  }

  async function ready(signal: AbortSignal | undefined): Promise<void> {
    refuseClosed();
    signal?.throwIfAborted();
    if (reopening !== undefined) await reopening;
    // What others have committed since this turn's first read is to be seen too.
    if (shared) db.resetReadTxn();
  }

  function refuseClosed(): void {
    if (closed !== undefined) throw new StorageFailed('the store is closed', true);
  }

  async function shutDown(): Promise<void> {
    await commits.idle();
    try {
      await log?.close();
    } finally {
      await db.close();
      place.release();
    }
  }

  return {
    type,
    async get(path, signal) {
      await ready(signal);
      const key = pathBytes(path);
      const logged = log?.read(path);
      const record = logged === undefined ? read(() => db.getBinary(key)) : logged;
      if (record === undefined || record === null) return undefined;
      return { value: record.subarray(VERSION_BYTES), version: versionOf(record) };
    },
    commit(changes, conditions, signal) {
      try {
        refuseClosed();
        return commits.submit(encodeWrite(changes, conditions), signal);
      } catch (error) {
        return Promise.reject(error);
      }
    },
    async list(prefix, after, limit, signal) {
      await ready(signal);
      return read(() =>
        log ? listWithLog(db, log, prefix, after, limit) : listKeys(db, prefix, after, limit),
      );
    },
    close() {
      closed ??= shutDown();
      return closed;
    },
  };
}

function recordBytes(records: readonly LogRecord[]): number {
  let bytes = 0;
  for (const { key, record } of records) bytes += key.length + (record?.length ?? 0);
  return bytes;
}
