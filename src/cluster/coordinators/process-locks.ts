/**
 * Locks that die with their process: one file for each life of a node, locked by SQLite through the kernel as in
 * `storage/folder-lock.ts`. Whoever can take another's lock has proof that its process is gone.
 *
 * @module
 */
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import type { ProcessLocks } from '../../model/coordinator.ts';

/** All that this process holds: a lock that is collected as garbage is let go, and its owner is taken for dead. */
const everyLock = new Set<DatabaseSync>();

export function makeProcessLocks(folder: string): ProcessLocks & { close(): void } {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const held = new Map<string, DatabaseSync>();
  const fileOf = (inc: string): string => join(folder, `${inc}.lock`);

  function release(inc: string): void {
    const lock = held.get(inc);
    if (!lock) return;
    held.delete(inc);
    everyLock.delete(lock);
    // First the name: whoever finds no file has no proof, and waits.
    rmSync(fileOf(inc), { force: true });
    lock.close();
  }

  return {
    hold(inc) {
      const lock = take(fileOf(inc), 'rwc');
      if (!lock) throw new Error('the lock of a new life is taken');
      held.set(inc, lock);
      everyLock.add(lock);
    },
    release,
    isDead(inc) {
      if (held.has(inc) || !existsSync(fileOf(inc))) return false;
      const lock = take(fileOf(inc), 'rw');
      // Who lets go removes the name first: what we have then is no proof, and was open before.
      const isProof = lock !== undefined && existsSync(fileOf(inc));
      lock?.close();
      return isProof;
    },
    forget(inc) {
      if (!held.has(inc)) rmSync(fileOf(inc), { force: true });
    },
    close() {
      for (const inc of held.keys()) release(inc);
    },
  };
}

/**
 * Undefined where somebody holds it, and where it cannot be told: that is no proof.
 * @param mode - SQLite's: `rwc` makes the file where it is missing. Of another's lock that would be one that nobody holds.
 */
function take(file: string, mode: 'rw' | 'rwc'): DatabaseSync | undefined {
  const url = pathToFileURL(file);
  url.searchParams.set('mode', mode);
  let lock: DatabaseSync | undefined;
  try {
    lock = new DatabaseSync(url);
    // Otherwise SQLite leaves a journal file behind.
    lock.exec('PRAGMA journal_mode = MEMORY');
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch {
    if (lock?.isOpen) lock.close();
    return undefined;
  }
}
