/**
 * One server per data folder. Node offers no file lock, but the SQLite inside it does: a transaction left open on an empty database
 * holds a kernel lock (fcntl), which ends with the process, also after `kill -9`. The database stays empty.
 *
 * @module
 */
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StorageFailed } from '../model/storage.ts';

const LOCK_FILE = 'server.lock';
const PID_FILE = 'server.pid';
const SQLITE_BUSY = 5;

export interface LockedFolder {
  readonly folder: string;
  release(): void;
}

/**
 * Makes `folder` (0700) where it is missing and holds it until `release`.
 * @throws StorageFailed when it cannot be made or written, or another server holds it.
 */
export function lockFolder(folder: string): LockedFolder {
  if (folder === '') throw new StorageFailed('no data folder is given', true);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new StorageFailed(
      `the data folder ${folder} cannot be made: ${(error as Error).message}`,
      true,
      error,
    );
  }
  const lock = openLock(folder);
  const pidFile = join(folder, PID_FILE);
  try {
    chmodSync(join(folder, LOCK_FILE), 0o600);
    writeFileSync(pidFile, `${process.pid}\n`, { mode: 0o600 });
  } catch {
    // Only told to a second server; on a full disk we start without it.
  }
  return {
    folder,
    release() {
      rmSync(pidFile, { force: true });
      lock.close();
    },
  };
}

/** Whether a server holds `folder`, which has been a data folder. */
export function isFolderHeld(folder: string): boolean {
  try {
    openLock(folder).close();
    return false;
  } catch {
    return true;
  }
}

function openLock(folder: string): DatabaseSync {
  let lock: DatabaseSync | undefined;
  try {
    lock = new DatabaseSync(join(folder, LOCK_FILE));
    // Otherwise SQLite leaves a journal file behind.
    lock.exec('PRAGMA journal_mode = MEMORY');
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    if (lock?.isOpen) lock.close();
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) {
      throw new StorageFailed(`another server${holder(folder)} uses the data folder ${folder}`, true, error);
    }
    const why = (error as Error).message;
    throw new StorageFailed(`the data folder ${folder} cannot be written (lock file: ${why})`, true, error);
  }
}

function holder(folder: string): string {
  try {
    const pid = readFileSync(join(folder, PID_FILE), 'utf8').trim();
    return /^\d+$/.test(pid) ? ` (process ${pid})` : '';
  } catch {
    return '';
  }
}
