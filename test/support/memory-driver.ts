/**
 * A store behind no network: what `remote.ts` needs, in memory, with places where a test may make it fail.
 *
 * @module
 */
import type { Driver, DriverOutcome, DriverWrite } from '../../src/storage/driver.ts';
import { CallFailed, type FailureKind } from '../../src/storage/store-calls.ts';

export interface MemoryDriver extends Driver {
  readonly records: Map<string, { value: Uint8Array; version: number }>;
  /** Transactions, in the order in which they came. */
  readonly sent: (readonly DriverWrite[])[];
  /** Awaited before a transaction; may throw. */
  beforeSend: ((writes: readonly DriverWrite[]) => Promise<void> | void) | undefined;
  beforeGet: ((key: string) => Promise<void> | void) | undefined;
  beforePut: ((key: string) => Promise<void> | void) | undefined;
  keys(prefix: string): string[];
}

export const failed = (kind: FailureKind): CallFailed => new CallFailed(kind, `made up: ${kind}`);

/** Chunks of ten bytes, beyond twenty in a commit; four commits in a transaction. */
export function makeMemoryDriver(): MemoryDriver {
  const records: MemoryDriver['records'] = new Map();
  let version = 0;
  const keys = (prefix: string) => [...records.keys()].filter((key) => key.startsWith(prefix)).sort();

  function outcome(write: DriverWrite): DriverOutcome {
    const wrong = write.conditions.findIndex(
      (each) => (records.get(each.key)?.version ?? 0) !== each.version,
    );
    if (wrong >= 0) return { failed: wrong };
    for (const { key, value } of write.changes) {
      if (value === undefined) records.delete(key);
      else records.set(key, { value, version });
    }
    return { version };
  }

  const driver: MemoryDriver = {
    type: 'memory',
    inlineBytes: 20,
    chunkBytes: 10,
    records,
    sent: [],
    beforeSend: undefined,
    beforeGet: undefined,
    beforePut: undefined,
    keys,
    async get(key) {
      await driver.beforeGet?.(key);
      return records.get(key);
    },
    async list(prefix, after, limit) {
      return keys(prefix)
        .filter((key) => key > after)
        .slice(0, limit);
    },
    batch() {
      let commits = 0;
      return {
        take(write) {
          if (commits === 4 || write.changes.length > 10) return false;
          commits++;
          return true;
        },
      };
    },
    async send(writes) {
      await driver.beforeSend?.(writes);
      driver.sent.push(writes);
      version++;
      return writes.map(outcome);
    },
    async put(key, value) {
      await driver.beforePut?.(key);
      records.set(key, { value: Buffer.from(value), version: ++version });
    },
    async removeAll(prefix) {
      for (const key of keys(prefix)) records.delete(key);
    },
    close() {},
  };
  return driver;
}
