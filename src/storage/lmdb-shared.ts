/**
 * One LMDB file used by several processes of one machine: what is different from one process alone.
 *
 * Conditions are looked at inside the write transaction, since others write too. It begins in a thread of its own once no other
 * process writes, then our event loop runs the group, then the thread commits. A process that is killed meanwhile lets go of the lock (LMDB's
 * mutexes are robust); one that is stopped keeps it. So a group waits for its transaction a while only, and is then known not to be written.
 *
 * @module
 */
import type { RootDatabase } from 'lmdb';
import { LMDB_LOCK_MS, LMDB_READERS_CHECK } from '../model/limits.ts';
import { StorageFailed } from '../model/storage.ts';

type Database = Pick<RootDatabase<Buffer, Buffer>, 'transaction'> & { readerCheck(): number };

/**
 * Runs `act` inside a write transaction and resolves with what it returned, once it is durable. What `act` reads is the newest, and stays so.
 * @param act - synchronous. Where it throws nothing may have been put yet.
 * @param waitMs - how long to wait for others.
 * @throws StorageFailed, outcome known, where another process does not let go of the store; what `act` threw; what LMDB says.
 */
export async function inTransaction<T>(db: Database, act: () => T, waitMs = LMDB_LOCK_MS): Promise<T> {
  let phase: 'waiting' | 'running' | 'given up' = 'waiting';
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      if (phase !== 'waiting') return;
      phase = 'given up';
      reject(
        new StorageFailed(
          `another process has held the store for ${waitMs} ms and does not go on; nothing was written`,
          true,
        ),
      );
    }, waitMs);
  });
  // An error thrown inside ends up in none of lmdb-js's promises.
  let outcome: { readonly value: T } | { readonly error: unknown } | undefined;
  const done = db.transaction(() => {
    if (phase === 'given up') return;
    phase = 'running';
    try {
      outcome = { value: act() };
    } catch (error) {
      outcome = { error };
    }
  });
  try {
    await Promise.race([done, late]);
  } finally {
    clearTimeout(timer);
    // Of a transaction that was given up nobody waits for the end.
    done.catch(() => {});
  }
  if (outcome === undefined)
    throw new StorageFailed('the transaction did not run; nothing was written', true);
  if ('error' in outcome) throw outcome.error;
  return outcome.value;
}

/** To be called once for each transaction: now and then it frees what processes that died while they read have kept from being used again. */
export function makeReaderChecks(every = LMDB_READERS_CHECK): (db: Database) => void {
  let count = 0;
  return (db) => {
    count++;
    if (count % every === 0) db.readerCheck();
  };
}
