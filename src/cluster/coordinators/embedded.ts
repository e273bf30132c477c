/**
 * The coordinator of one machine: several processes over one SQLite file. A step is one small transaction, in which conditions are looked at.
 *
 * SQLite and not LMDB, whose write lock is waited for without end and in the event loop: one process stopped inside a transaction then
 * freezes all the others (it happened under load, by SIGSTOP). Here whoever does not get the lock soon has no answer, like one whose network
 * is down: it goes out of time by itself, and goes on when the lock is free. The kernel frees that of a dead process.
 *
 * What is in the file concerns living processes alone. When the machine has been down none of them lives any more, so the file is
 * named by the machine's boot, needs no syncs, and a new boot begins with none. Where the system names no boot, it is synced.
 *
 * @module
 */
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { Clock } from '../../model/clock.ts';
import {
  type Coordinator,
  type CoordinatorOutcome,
  type CoordinatorRecord,
  type CoordinatorStep,
  checkCoordinatorKey,
} from '../../model/coordinator.ts';
import {
  EMBEDDED_LOCK_MS,
  EMBEDDED_LOOK_MS,
  EMBEDDED_OPEN_MS,
  EMBEDDED_RETRY_MS,
} from '../../model/limits.ts';
import { isSqliteBusy } from '../../model/system-reason.ts';
import { watchByLooking } from './looks.ts';
import { makeProcessLocks } from './process-locks.ts';

export interface EmbeddedCoordinatorOptions {
  /** Shared by the processes, on a file system of this machine; made with mode 0700 where it is missing. */
  readonly folder: string;
  readonly clock: Clock;
}

/** The file, and what SQLite puts beside it. */
const FILE = /^view-.*\.db(-wal|-shm)?$/;
/** The row whose version is the last one given out: no key of ours is empty. */
const COUNTER = '';

interface Row {
  readonly key: string;
  readonly version: number;
  readonly value: Uint8Array;
}

interface Tables {
  readonly db: DatabaseSync;
  readonly get: StatementSync;
  readonly list: StatementSync;
  readonly put: StatementSync;
  readonly remove: StatementSync;
}

/** @throws Error where the folder or the file cannot be used. */
export function makeEmbeddedCoordinator({ folder, clock }: EmbeddedCoordinatorOptions): Coordinator {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const tables = openTables(folder);
  const { db } = tables;
  const locks = makeProcessLocks(join(folder, 'locks'));

  function attempt(asked: CoordinatorStep): CoordinatorOutcome {
    // Without changes one snapshot is enough, which waits for nobody; it shows all that was committed before now.
    db.exec(asked.changes.length > 0 ? 'BEGIN IMMEDIATE' : 'BEGIN');
    try {
      const outcome = run(tables, asked);
      db.exec('COMMIT');
      return outcome;
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK');
      throw error;
    }
  }

  const coordinator: Coordinator = {
    type: 'embedded',
    sharesClock: true,
    step(asked) {
      try {
        return Promise.resolve(attempt(asked));
      } catch (cause) {
        return Promise.resolve({ outcome: 'unknown', cause });
      }
    },
    watch: (key, onHint) => watchByLooking(coordinator, clock, key, EMBEDDED_LOOK_MS, onHint),
    locks,
    async close() {
      locks.close();
      if (db.isOpen) db.close();
    },
  };
  return coordinator;
}

/** Inside a transaction. */
function run(
  tables: Tables,
  { conditions, changes, reads = [], lists = [] }: CoordinatorStep,
): CoordinatorOutcome {
  for (const key of [...reads, ...lists]) checkCoordinatorKey(key);
  const isGood = conditions.every(({ key, version }) => (get(tables, key)?.version ?? 0) === version);
  let version = 0;
  if (isGood && changes.length > 0) {
    // One counter for all, so that no version comes twice, not even after a delete.
    version = (get(tables, COUNTER)?.version ?? 0) + 1;
    tables.put.run(COUNTER, version, new Uint8Array());
    for (const { key, value } of changes) {
      checkCoordinatorKey(key);
      if (value === undefined) tables.remove.run(key);
      else tables.put.run(key, version, value);
    }
  }
  const records = new Map<string, CoordinatorRecord>();
  for (const key of isGood ? reads : [...reads, ...conditions.map((condition) => condition.key)]) {
    const record = get(tables, key);
    if (record) records.set(key, record);
  }
  for (const prefix of lists) {
    for (const row of tables.list.all(prefix, afterPrefix(prefix)) as unknown as Row[]) {
      records.set(row.key, { version: row.version, value: row.value });
    }
  }
  return isGood ? { outcome: 'ok', version, records } : { outcome: 'refused', records };
}

function get({ get: statement }: Tables, key: string): CoordinatorRecord | undefined {
  const row = statement.get(key) as unknown as Row | undefined;
  return row && { version: row.version, value: row.value };
}

/** Keys are ASCII. */
function afterPrefix(prefix: string): string {
  return prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);
}

function openTables(folder: string): Tables {
  const boot = bootId();
  const name = `view-${boot ?? 'kept'}.db`;
  for (const old of readdirSync(folder)) {
    if (FILE.test(old) && !old.startsWith(name)) rmSync(join(folder, old), { force: true });
  }
  const path = join(folder, name);
  // SQLite gives the files that it makes beside it the same mode.
  closeSync(openSync(path, 'a', 0o600));
  const db = new DatabaseSync(path, { timeout: EMBEDDED_OPEN_MS });
  useLog(db);
  db.exec(`PRAGMA synchronous = ${boot === undefined ? 'FULL' : 'OFF'}`);
  db.exec(
    'CREATE TABLE IF NOT EXISTS records (key TEXT PRIMARY KEY, version INTEGER NOT NULL, value BLOB NOT NULL) WITHOUT ROWID',
  );
  db.exec(`PRAGMA busy_timeout = ${EMBEDDED_LOCK_MS}`);
  return {
    db,
    get: db.prepare('SELECT key, version, value FROM records WHERE key = ?'),
    list: db.prepare('SELECT key, version, value FROM records WHERE key >= ? AND key < ?'),
    put: db.prepare('INSERT OR REPLACE INTO records (key, version, value) VALUES (?, ?, ?)'),
    remove: db.prepare('DELETE FROM records WHERE key = ?'),
  };
}

/** Who turns on SQLite's log while others do is told so at once, however long it would wait: both hold what the other one wants. */
function useLog(db: DatabaseSync): void {
  const deadline = performance.now() + EMBEDDED_OPEN_MS;
  for (;;) {
    try {
      db.exec('PRAGMA journal_mode = WAL');
      return;
    } catch (error) {
      if (!isSqliteBusy(error) || performance.now() > deadline) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, EMBEDDED_RETRY_MS);
    }
  }
}

function bootId(): string | undefined {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return undefined;
  }
}
