/**
 * The coordinator of one machine: several processes over one LMDB file. A step is one synchronous write transaction, in which conditions are
 * looked at; it holds up the others while it lasts, so it does nothing else, and nothing is flushed inside it.
 *
 * What is in the file concerns living processes alone. When the machine has been down none of them lives any more, so the file is
 * named by the machine's boot, needs no syncs, and a new boot begins with none. Where the system names no boot, it is synced.
 *
 * @module
 */
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { open, type RootDatabase } from 'lmdb';
import type { Clock } from '../../model/clock.ts';
import {
  type Coordinator,
  type CoordinatorOutcome,
  type CoordinatorRecord,
  type CoordinatorStep,
  checkCoordinatorKey,
} from '../../model/coordinator.ts';
import { EMBEDDED_LOOK_MS } from '../../model/limits.ts';
import { checkLmdbFile } from '../../storage/lmdb-file.ts';
import { afterPrefix } from '../../storage/path.ts';
import { watchByLooking } from './looks.ts';
import { makeProcessLocks } from './process-locks.ts';

export interface EmbeddedCoordinatorOptions {
  /** Shared by the processes, on a file system of this machine; made with mode 0700 where it is missing. */
  readonly folder: string;
  readonly clock: Clock;
}

const FILE = /^view-.*\.mdb(-lock)?$/;
const VERSION_BYTES = 8;
/** 0xFF begins no UTF-8 text. */
const COUNTER_KEY = Buffer.from([0xff]);

type Database = RootDatabase<Buffer, Buffer>;

/** @throws StorageFailed, Error where the folder or the file cannot be used. */
export function makeEmbeddedCoordinator({ folder, clock }: EmbeddedCoordinatorOptions): Coordinator {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const db = openFile(folder);
  const locks = makeProcessLocks(join(folder, 'locks'));
  let closed = false;

  function attempt(asked: CoordinatorStep): CoordinatorOutcome {
    if (closed) throw new Error('the coordinator is closed');
    if (asked.changes.length > 0) return db.transactionSync(() => run(db, asked));
    // Whatever was committed by anybody before now is in the snapshot.
    db.resetReadTxn();
    return run(db, asked);
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
    locks: {
      ...locks,
      forget(inc) {
        locks.forget(inc);
        // Its snapshot would keep old pages from being used again.
        db.readerCheck();
      },
    },
    async close() {
      if (closed) return;
      closed = true;
      locks.close();
      await db.close();
    },
  };
  return coordinator;
}

/** Inside a transaction, or on one snapshot. */
function run(
  db: Database,
  { conditions, changes, reads = [], lists = [] }: CoordinatorStep,
): CoordinatorOutcome {
  const isGood = conditions.every(({ key, version }) => (get(db, key)?.version ?? 0) === version);
  let version = 0;
  if (isGood && changes.length > 0) {
    // One counter for all, so that no version comes twice, not even after a delete.
    version = Number(db.getBinary(COUNTER_KEY)?.readBigUInt64BE() ?? 0n) + 1;
    const stamp = Buffer.alloc(VERSION_BYTES);
    stamp.writeBigUInt64BE(BigInt(version));
    db.putSync(COUNTER_KEY, stamp);
    for (const { key, value } of changes) {
      if (value === undefined) db.removeSync(bytesOf(key));
      else db.putSync(bytesOf(key), Buffer.concat([stamp, value]));
    }
  }
  const records = new Map<string, CoordinatorRecord>();
  for (const key of isGood ? reads : [...reads, ...conditions.map((condition) => condition.key)]) {
    const record = get(db, key);
    if (record) records.set(key, record);
  }
  for (const prefix of lists) {
    const start = bytesOf(prefix);
    for (const { key, value } of db.getRange({ start, end: afterPrefix(start)! })) {
      records.set(Buffer.from(key).toString('utf8'), recordOf(value));
    }
  }
  return isGood ? { outcome: 'ok', version, records } : { outcome: 'refused', records };
}

function get(db: Database, key: string): CoordinatorRecord | undefined {
  const stored = db.getBinary(bytesOf(key));
  return stored && recordOf(stored);
}

function recordOf(stored: Buffer): CoordinatorRecord {
  return {
    version: Number(stored.readBigUInt64BE()),
    value: Buffer.from(stored.subarray(VERSION_BYTES)),
  };
}

function bytesOf(key: string): Buffer {
  checkCoordinatorKey(key);
  return Buffer.from(key);
}

function openFile(folder: string): Database {
  const boot = bootId();
  const name = `view-${boot ?? 'kept'}.mdb`;
  for (const old of readdirSync(folder)) {
    if (FILE.test(old) && !old.startsWith(name)) rmSync(join(folder, old), { force: true });
  }
  const path = join(folder, name);
  checkLmdbFile(path);
  return open<Buffer, Buffer>({
    path,
    keyEncoding: 'binary',
    encoding: 'binary',
    overlappingSync: false,
    noSync: boot !== undefined,
    eventTurnBatching: false,
    permissionsMode: 0o600,
  } as Parameters<typeof open>[0]) as Database;
}

function bootId(): string | undefined {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return undefined;
  }
}
