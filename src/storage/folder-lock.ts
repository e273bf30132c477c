/**
 * One server per data folder, or several that agree to share it. Node offers no file lock, but the SQLite inside it does: a
 * transaction left open on an empty database holds a kernel lock (fcntl), which ends with the process, also after `kill -9`. The
 * database stays empty.
 *
 * @module
 */
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { FOLDER_ALONE_MS, FOLDER_SHARE_MS } from '../model/limits.ts';
import { StorageFailed } from '../model/storage.ts';
import { isSqliteBusy, systemReason } from '../model/system-reason.ts';

const LOCK_FILE = 'server.lock';
const PID_FILE = 'server.pid';

export interface LockedFolder {
  readonly folder: string;
  release(): void;
}

/**
 * Makes `folder` (0700) where it is missing and holds it until `release`.
 * @throws StorageFailed when it cannot be made or written, or another server holds it.
 */
export function lockFolder(folder: string): LockedFolder {
  makeFolder(folder);
  const lock = openLock(folder, 'BEGIN EXCLUSIVE');
  const pidFile = join(folder, PID_FILE);
  makePrivate(folder);
  try {
    writeFileSync(pidFile, `${process.pid}\n`, { mode: 0o600 });
  } catch {
    // Only told to a second server; on a full disk we start without it.
  }
  return {
    folder,
    release() {
      try {
        rmSync(pidFile, { force: true });
      } catch {
        // Where it cannot be removed, whatever went wrong before is worth more to be told.
      }
      lock.close();
    },
  };
}

/**
 * As `lockFolder`, but others may hold it too, if they share it as well.
 * @param first - is run while nobody else holds the folder; where somebody does, it is not run. Of several that come at once one runs it at least.
 * @throws StorageFailed as `lockFolder` does; what `first` throws.
 */
export function shareFolder(folder: string, first: () => void): LockedFolder {
  makeFolder(folder);
  let alone: DatabaseSync | undefined;
  try {
    // On its way there each keeps the others from it for a moment: without waiting, none of several may get it.
    alone = openLock(folder, 'BEGIN EXCLUSIVE', FOLDER_ALONE_MS);
  } catch (error) {
    if (!isSqliteBusy((error as Error).cause)) throw error;
  }
  try {
    if (alone) {
      makePrivate(folder);
      first();
    }
  } finally {
    alone?.close();
  }
  // Reading takes the lock that many may have; who looks at the folder alone is soon done.
  const lock = openLock(folder, 'BEGIN; SELECT count(*) FROM sqlite_schema', FOLDER_SHARE_MS);
  return { folder, release: () => lock.close() };
}

function makeFolder(folder: string): void {
  if (folder === '') throw new StorageFailed('no data folder is given', true);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new StorageFailed(
      `the data folder ${folder} cannot be made: ${whyNotMade(folder, error)}`,
      true,
      error,
    );
  }
  try {
    // SQLite would take its lock for reading only, and whatever is written first would be blamed.
    accessSync(folder, constants.W_OK);
  } catch (error) {
    throw new StorageFailed(
      `the data folder ${folder} cannot be written: ${systemReason(error)}`,
      true,
      error,
    );
  }
}

/** Node says of a folder on a read-only file system that it is not there. */
function whyNotMade(folder: string, error: unknown): string {
  for (let above = dirname(resolve(folder)); ; above = dirname(above)) {
    if (!existsSync(above) && above !== dirname(above)) continue;
    try {
      accessSync(above, constants.W_OK);
      return systemReason(error);
    } catch (cause) {
      return systemReason(cause);
    }
  }
}

function makePrivate(folder: string): void {
  try {
    chmodSync(join(folder, LOCK_FILE), 0o600);
  } catch {
    // It holds nothing, and lies in a private folder.
  }
}

/** Whether a server holds `folder`, which has been a data folder. */
export function isFolderHeld(folder: string): boolean {
  try {
    openLock(folder, 'BEGIN EXCLUSIVE').close();
    return false;
  } catch {
    return true;
  }
}

function openLock(folder: string, begin: string, waitMs = 0): DatabaseSync {
  let lock: DatabaseSync | undefined;
  try {
    lock = new DatabaseSync(join(folder, LOCK_FILE), { timeout: waitMs });
    // Otherwise SQLite leaves a journal file behind.
    lock.exec('PRAGMA journal_mode = MEMORY');
    lock.exec(begin);
    return lock;
  } catch (error) {
    if (lock?.isOpen) lock.close();
    if (isSqliteBusy(error)) {
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
