/**
 * lmdb-js as we use it: how a file is opened, and what it says when something failed.
 *
 * Each transaction syncs its pages, then writes and syncs the meta page that makes them visible (LMDB's ordinary order).
 * lmdb-js's default, `overlappingSync`, shows a commit to readers before it is on disk and was no faster here under group
 * commit; so it is off. LMDB runs in the main thread only: its Node binding is not safe in worker threads.
 *
 * @module
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { open, type RootDatabase } from 'lmdb';
import { CodedError } from '../model/errors.ts';
import { StorageFailed } from '../model/storage.ts';
import { checkLmdbFile } from './lmdb-file.ts';
import { COUNTER_KEY } from './lmdb-records.ts';
import { syncFolder } from './sync-folder.ts';

export const LMDB_FILE_NAME = 'coffer.mdb';

export type LmdbDatabase = RootDatabase<Buffer, Buffer>;

/**
 * @param type - of an `inmem` store nothing is synced to disk.
 * @param shared - others may have it open: it was looked at before.
 * @throws StorageFailed where the file is damaged, or does not open.
 */
export function openDatabase(folder: string, type: 'file' | 'inmem', shared: boolean): LmdbDatabase {
  const path = join(folder, LMDB_FILE_NAME);
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
      // A batch begins when it is complete, and as soon as one more write follows it: see `putAll`.
      batchStartThreshold: Number.POSITIVE_INFINITY,
      txnStartThreshold: 1,
      permissionsMode: 0o600,
    } as Parameters<typeof open>[0]) as LmdbDatabase;
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

/** LMDB answers reads too with an error once a meta page failed. */
export function isStopped(db: LmdbDatabase): boolean {
  try {
    db.resetReadTxn();
    db.getBinary(COUNTER_KEY);
    return false;
  } catch {
    return true;
  }
}

/** Reads by `take`. @throws StorageFailed in place of what LMDB says. */
export function read<T>(take: () => T): T {
  try {
    return take();
  } catch (error) {
    if (error instanceof CodedError) throw error;
    throw new StorageFailed(`the store could not read: ${(error as Error).message}`, true, error);
  }
}

/** lmdb-js rejects with one text for all failures and keeps the reason in a promise beside it. */
export async function causeOf(error: unknown): Promise<Error> {
  const { commitError } = error as { commitError?: Promise<never> };
  if (commitError === undefined) return error as Error;
  return commitError.catch((cause: Error) => cause);
}
