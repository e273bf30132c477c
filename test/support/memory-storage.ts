/**
 * A store in memory that keeps the contract of `Storage` and refuses commits no store of ours would take.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { COMMIT_OPERATIONS } from '../../src/model/limits.ts';
import { Conflict, type Storage, type Stored } from '../../src/model/storage.ts';

export interface MemoryStorage extends Storage {
  readonly records: Map<string, Stored>;
  /** Paths that begin with `prefix`, sorted. */
  paths(prefix: string): string[];
  /** Paths of the records that stand beside a head. */
  recordPaths(): string[];
  commits: number;
  /** Awaited before a record is looked up. */
  beforeGet: ((path: string) => Promise<void> | void) | undefined;
  /** Awaited before a commit; may throw. */
  beforeCommit: (() => Promise<void> | void) | undefined;
}

export function makeMemoryStorage(): MemoryStorage {
  const records = new Map<string, Stored>();
  let version = 0;
  const paths = (prefix: string) => [...records.keys()].filter((path) => path.startsWith(prefix)).sort();
  const storage: MemoryStorage = {
    type: 'memory',
    records,
    paths,
    recordPaths: () => paths('').filter((path) => path.includes('!')),
    commits: 0,
    beforeGet: undefined,
    beforeCommit: undefined,
    async get(path) {
      await storage.beforeGet?.(path);
      return records.get(path);
    },
    async commit(changes, conditions) {
      await storage.beforeCommit?.();
      assert(
        changes.length + conditions.length <= COMMIT_OPERATIONS,
        `${changes.length} changes in one commit`,
      );
      assert.equal(new Set(changes.map(({ path }) => path)).size, changes.length, 'a path changes once');
      for (const condition of conditions) {
        if ((records.get(condition.path)?.version ?? 0) !== condition.version)
          throw new Conflict(condition.path);
      }
      version++;
      storage.commits++;
      for (const { path, value } of changes) {
        if (value === undefined) records.delete(path);
        else records.set(path, { value: Uint8Array.from(value), version });
      }
      return version;
    },
    async list(prefix, after, limit) {
      return paths(prefix)
        .filter((path) => path > after)
        .slice(0, limit);
    },
    async close() {},
  };
  return storage;
}
