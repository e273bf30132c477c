/**
 * Writing a group of commits: to the log before LMDB, to LMDB alone, or to LMDB that other processes write to as well.
 *
 * @module
 */
import type { Outcome } from './group-commit.ts';
import type { LmdbDatabase } from './lmdb-database.ts';
import {
  COUNTER_KEY,
  counterRecord,
  type LmdbWrite,
  type Plan,
  planGroup,
  versionOf,
} from './lmdb-records.ts';
import { inTransaction } from './lmdb-shared.ts';
import type { LogRecord } from './log-file.ts';
import type { WriteAheadLog } from './write-ahead-log.ts';

/** In one transaction, which has ended once this resolves. @param counter - undefined: as it was. */
export async function putAll(
  db: LmdbDatabase,
  records: readonly LogRecord[],
  counter: Buffer | undefined,
): Promise<void> {
  // What each call returns is the transaction's promise, or one that is kept already: the batch's is enough.
  await db.batch(() => put(db, records, counter));
}

function put(db: LmdbDatabase, records: readonly LogRecord[], counter: Buffer | undefined): void {
  for (const { key, record } of records) {
    if (record === undefined) void db.remove(key);
    else void db.put(key, record);
  }
  if (counter !== undefined) void db.put(COUNTER_KEY, counter);
}

/**
 * Conditions are looked at here and not inside a transaction: this process alone writes, one group after the other, so what is
 * stored now stays so until the group is written.
 */
export async function writeGroupToLog(
  db: LmdbDatabase,
  log: WriteAheadLog,
  group: readonly LmdbWrite[],
): Promise<Outcome[]> {
  await log.ready();
  const plan = planGroup(group, log.version, (key, path) => log.versionOf(path) ?? storedVersion(db, key));
  if (plan.records.length > 0) await log.append(plan.records, plan.version);
  return plan.outcomes;
}

/** As `writeGroupToLog`, without a log: nothing of `inmem` need outlive this process. */
export async function writeGroupAlone(db: LmdbDatabase, group: readonly LmdbWrite[]): Promise<Outcome[]> {
  const { outcomes, records, version } = planInLmdb(db, group);
  if (records.length > 0) await putAll(db, records, counterRecord(version));
  return outcomes;
}

/** One transaction, with the conditions looked at inside it: other processes write too. */
export function writeGroupShared(
  db: LmdbDatabase,
  group: readonly LmdbWrite[],
  joined: () => readonly LmdbWrite[],
): Promise<Outcome[]> {
  return inTransaction(db, () => {
    // It may have waited for a whole transaction of another process, with a sync to disk.
    const { outcomes, records, version } = planInLmdb(db, [...group, ...joined()]);
    if (records.length > 0) put(db, records, counterRecord(version));
    return outcomes;
  });
}

function planInLmdb(db: LmdbDatabase, group: readonly LmdbWrite[]): Plan {
  const counter = db.getBinaryFast(COUNTER_KEY);
  return planGroup(group, counter === undefined ? 0 : versionOf(counter), (key) => storedVersion(db, key));
}

function storedVersion(db: LmdbDatabase, key: Buffer): number {
  const record = db.getBinaryFast(key);
  return record === undefined ? 0 : versionOf(record);
}
