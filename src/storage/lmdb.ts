/**
 * The embedded store: one LMDB file, used by one process, or shared by several of one machine (`lmdb-shared.ts`). Durable before
 * acknowledged, and not visible before durable.
 *
 * Each transaction syncs its pages, then writes and syncs the meta page that makes them visible (LMDB's ordinary order).
 * lmdb-js's default, `overlappingSync`, shows a commit to readers before it is on disk and was no faster here under group
 * commit; so it is off. LMDB runs in the main thread only: its Node binding is not safe in worker threads.
 *
 * A record is stored as its version (8 bytes, big-endian) and then its value. The version comes from one counter
 * of the whole store, kept under a key that is no path, so it is never used twice.
 *
 * @module
 */
import { closeSync, existsSync, fsyncSync, openSync, statfsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { open, type RootDatabase } from 'lmdb';
import { CodedError } from '../model/errors.ts';
import { STORAGE_PATH_BYTES_MAX, STORAGE_ROOM_BYTES_MIN, STORAGE_VALUE_BYTES_MAX } from '../model/limits.ts';
import { type Change, type Condition, Conflict, type Storage, StorageFailed } from '../model/storage.ts';
import { type LockedFolder, lockFolder, shareFolder } from './folder-lock.ts';
import { inKnownFormat } from './format.ts';
import { makeGroupCommit, type Outcome, type Write } from './group-commit.ts';
import { checkLmdbFile } from './lmdb-file.ts';
import { inTransaction, makeReaderChecks } from './lmdb-shared.ts';
import { afterPrefix, pathBytes, prefixBytes } from './path.ts';
import { makeTemporaryFolder } from './temporary-folder.ts';

const VERSION_BYTES = 8;
/** 0xFF begins no UTF-8 text, so no path is before or behind this by accident, and no listing shows it. */
const COUNTER_KEY = Buffer.from([0xff]);
const FILE_NAME = 'coffer.mdb';
const PAGE_BYTES = 4096;
/** New pages that one change may take: its way through the tree, and splits. */
const PAGES_PER_CHANGE_MAX = 4;

export interface LmdbOptions {
  /** Data folder of `file`; made with mode 0700 where it is missing. */
  readonly folder?: string;
  /** `inmem`: a temporary folder that is removed at close, without syncs to disk. */
  readonly type: 'file' | 'inmem';
  /** Of `file`: other processes of this machine may have it open too, if they say so as well. */
  readonly shared?: boolean;
}

type LmdbFile = RootDatabase<Buffer, Buffer>;

interface Entry {
  readonly path: string;
  readonly key: Buffer;
  /** Version bytes still zero, then the value; undefined: delete. */
  readonly record: Buffer | undefined;
}

interface LmdbWrite extends Write {
  readonly changes: readonly Entry[];
  readonly conditions: readonly { readonly key: Buffer; readonly path: string; readonly version: number }[];
}

/**
 * Opens the embedded store and takes its folder for this process.
 * @throws StorageFailed with one sentence: folder taken, not writable, damaged, or of a newer format.
 */
export async function openLmdb(options: LmdbOptions): Promise<Storage> {
  const { type } = options;
  const shared = type === 'file' && options.shared === true;
  const place = type === 'inmem' ? makeTemporaryFolder() : takeFolder(options.folder ?? '', shared);
  let storage: Storage;
  try {
    storage = makeLmdb(() => openFile(place.folder, type, shared), place, type, shared);
  } catch (error) {
    place.release();
    throw error;
  }
  return inKnownFormat(storage);
}

/** A shared file is looked at by whoever comes first: to the others it may change while they look. */
function takeFolder(folder: string, shared: boolean): LockedFolder {
  return shared ? shareFolder(folder, () => checkLmdbFile(join(folder, FILE_NAME))) : lockFolder(folder);
}

function openFile(folder: string, type: LmdbOptions['type'], shared: boolean): LmdbFile {
  const path = join(folder, FILE_NAME);
  if (!shared) checkLmdbFile(path);
  const isNew = type === 'file' && !existsSync(path);
  try {
    const db = open<Buffer, Buffer>({
      path,
      keyEncoding: 'binary',
      encoding: 'binary',
      overlappingSync: false,
      noSync: type === 'inmem',
      // We group commits ourselves; its own grouping leaves a rejected promise unhandled when a write fails.
      eventTurnBatching: false,
      // A batch begins when it is complete, and as soon as one more write follows it: see writeGroup.
      batchStartThreshold: Number.POSITIVE_INFINITY,
      txnStartThreshold: 1,
      permissionsMode: 0o600,
    } as Parameters<typeof open>[0]) as LmdbFile;
    // Names, too, must survive a power loss: the file's, and its folder's, which may be as new.
    if (isNew) for (const named of [folder, dirname(folder)]) syncFolder(named);
    return db;
  } catch (error) {
    throw new StorageFailed(
      `the data file ${path} cannot be opened: ${(error as Error).message}`,
      true,
      error,
    );
  }
}

function syncFolder(folder: string): void {
  try {
    const fd = openSync(folder, 'r');
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch {
    // Not every file system syncs folders, and the parent may not be ours to read. The data itself is synced by each commit.
  }
}

function makeLmdb(
  openDb: () => LmdbFile,
  place: LockedFolder,
  type: LmdbOptions['type'],
  shared: boolean,
): Storage {
  let db = openDb();
  const file = join(place.folder, FILE_NAME);
  /** An `inmem` store may lose its name: nothing of it is to outlive this process. */
  const inode = type === 'file' ? statSync(file).ino : undefined;
  let closed: Promise<void> | undefined;
  /** Set while the file is closed and opened again; rejects, and stays so, when it does not open. */
  let reopening: Promise<void> | undefined;
  const checkReaders = makeReaderChecks();

  const commits = makeGroupCommit<LmdbWrite>({
    async write(group) {
      if (reopening !== undefined) await reopening;
      refuseRemoved(true);
      refuseFull(group);
      const outcomes = await (shared ? writeGroupShared(db, group) : writeGroup(db, group));
      if (shared) checkReaders(db);
      refuseRemoved(false);
      return outcomes;
    },
    explain,
  });

  /** A file that lost its name takes writes as before, and all of them are gone when this process ends. */
  function refuseRemoved(outcomeKnown: boolean): void {
    if (inode === undefined || statSync(file, { throwIfNoEntry: false })?.ino === inode) return;
    throw new StorageFailed(
      `the data file ${file} was removed or replaced under the server; it takes no more writes`,
      outcomeKnown,
    );
  }

  /**
   * Looked at before each transaction: the LMDB inside lmdb-js 3.5 writes the text of a page that could not be written into a buffer that
   * may be too short for it, which damages our memory. Nothing is written then, so the outcome is known.
   */
  function refuseFull(group: readonly LmdbWrite[]): void {
    let wanted = STORAGE_ROOM_BYTES_MIN;
    for (const { bytes, count } of group) wanted += bytes + count * PAGES_PER_CHANGE_MAX * PAGE_BYTES;
    const { bavail, bsize } = statfsSync(place.folder);
    if (bavail * bsize >= wanted) return;
    throw new StorageFailed(`the disk that holds ${place.folder} is full; nothing was written`, true);
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
    await db.close();
    place.release();
  }

  return {
    type,
    async get(path, signal) {
      await ready(signal);
      const key = pathBytes(path);
      const record = read(() => db.getBinary(key));
      if (record === undefined) return undefined;
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
      return read(() => listKeys(db, prefix, after, limit));
    },
    close() {
      closed ??= shutDown();
      return closed;
    },
  };
}

/** LMDB answers reads too with an error once a meta page failed. */
function isStopped(db: LmdbFile): boolean {
  try {
    db.resetReadTxn();
    db.getBinary(COUNTER_KEY);
    return false;
  } catch {
    return true;
  }
}

interface Plan {
  readonly outcomes: Outcome[];
  readonly records: readonly Entry[];
  /** The counter's new record; undefined where no write of the group changes anything. */
  readonly counter: Buffer | undefined;
}

/** Looks at the conditions of a group, as things are stored now, and gives out versions. */
function planGroup(db: LmdbFile, group: readonly LmdbWrite[]): Plan {
  const counter = db.getBinaryFast(COUNTER_KEY);
  const before = counter === undefined ? 0 : versionOf(counter);
  let version = before;
  /** What earlier writes of the group leave, as versions; conditions of later ones see it. */
  const changed = new Map<string, number>();
  const records: Entry[] = [];
  const outcomes = group.map((write): Outcome => {
    for (const { path, key, version } of write.conditions) {
      if ((changed.get(path) ?? storedVersion(db, key)) !== version) return new Conflict(path);
    }
    if (write.changes.length === 0) return version;
    version++;
    for (const change of write.changes) {
      change.record?.writeBigUInt64BE(BigInt(version), 0);
      changed.set(change.path, change.record === undefined ? 0 : version);
      records.push(change);
    }
    return version;
  });
  if (version === before) return { outcomes, records, counter: undefined };
  const counterRecord = Buffer.alloc(VERSION_BYTES);
  counterRecord.writeBigUInt64BE(BigInt(version), 0);
  return { outcomes, records, counter: counterRecord };
}

function putAll(db: LmdbFile, records: readonly Entry[]): void {
  for (const { key, record } of records) {
    if (record === undefined) void db.remove(key);
    else void db.put(key, record);
  }
}

/**
 * One transaction. Conditions are looked at here and not inside it: this process alone writes, one group after the other, so what is
 * stored now stays so until the transaction begins; and its thread need not wait for ours, which has requests to serve.
 */
async function writeGroup(db: LmdbFile, group: readonly LmdbWrite[]): Promise<Outcome[]> {
  const { outcomes, records, counter } = planGroup(db, group);
  if (counter === undefined) return outcomes;
  // What each call returns is the transaction's promise, or one that is kept already: the batch's is enough.
  const durable = db.batch(() => putAll(db, records));
  // lmdb-js begins a lone batch in the next turn, and at once when one more write follows it: in the same transaction.
  void db.put(COUNTER_KEY, counter);
  await durable;
  return outcomes;
}

/** One transaction, with the conditions looked at inside it: other processes write too. */
function writeGroupShared(db: LmdbFile, group: readonly LmdbWrite[]): Promise<Outcome[]> {
  return inTransaction(db, () => {
    const { outcomes, records, counter } = planGroup(db, group);
    putAll(db, records);
    if (counter !== undefined) void db.put(COUNTER_KEY, counter);
    return outcomes;
  });
}

function storedVersion(db: LmdbFile, key: Buffer): number {
  const record = db.getBinaryFast(key);
  return record === undefined ? 0 : versionOf(record);
}

function versionOf(record: Uint8Array): number {
  const view = new DataView(record.buffer, record.byteOffset, VERSION_BYTES);
  return Number(view.getBigUint64(0));
}

/** Copies the values: the caller may change or wipe its own once the call returns. */
function encodeWrite(changes: readonly Change[], conditions: readonly Condition[]): LmdbWrite {
  let bytes = 0;
  const encoded = changes.map(({ path, value }) => {
    const key = pathBytes(path);
    bytes += key.length + (value?.length ?? 0);
    if (value === undefined) return { path, key, record: undefined };
    if (value.length > STORAGE_VALUE_BYTES_MAX) {
      throw new CodedError('too_large', `a record may have at most ${STORAGE_VALUE_BYTES_MAX} bytes`);
    }
    const record = Buffer.allocUnsafe(VERSION_BYTES + value.length);
    record.set(value, VERSION_BYTES);
    return { path, key, record };
  });
  return {
    changes: encoded,
    conditions: conditions.map(({ path, version }) => {
      const key = encoded.find((entry) => entry.path === path)?.key ?? pathBytes(path);
      return { key, path, version };
    }),
    count: changes.length,
    bytes,
  };
}

function listKeys(db: LmdbFile, prefix: string, after: string, limit: number): string[] {
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

function read<T>(take: () => T): T {
  try {
    return take();
  } catch (error) {
    if (error instanceof CodedError) throw error;
    throw new StorageFailed(`the store could not read: ${(error as Error).message}`, true, error);
  }
}

/** lmdb-js rejects with one text for all failures and keeps the reason in a promise beside it. */
async function causeOf(error: unknown): Promise<Error> {
  const { commitError } = error as { commitError?: Promise<never> };
  if (commitError === undefined) return error as Error;
  return commitError.catch((cause: Error) => cause);
}
