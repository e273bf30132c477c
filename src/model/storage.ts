/**
 * Durable bytes under paths, as every layer above `storage/` sees them.
 *
 * @module
 */

/** A record and its version. A version is never used twice in one store, not even after a delete. */
export interface Stored {
  readonly value: Uint8Array;
  readonly version: number;
}

export interface Change {
  readonly path: string;
  /** New bytes, or undefined: delete. */
  readonly value: Uint8Array | undefined;
}

/** Holds when the record at `path` has exactly this version; 0: nothing is stored there. */
export interface Condition {
  readonly path: string;
  readonly version: number;
}

/** Thrown by `commit` when a condition no longer holds; nothing of it was written. `path` names the first that failed. */
export class Conflict extends Error {
  readonly path: string;
  constructor(path: string) {
    super('a stored record changed meanwhile');
    this.name = 'Conflict';
    this.path = path;
  }
}

/** Thrown when the store could not do it (full disk, read-only folder, closed). `outcomeKnown`: true means nothing was written. */
export class StorageFailed extends Error {
  readonly outcomeKnown: boolean;
  constructor(message: string, outcomeKnown: boolean, cause?: unknown) {
    super(message, { cause });
    this.name = 'StorageFailed';
    this.outcomeKnown = outcomeKnown;
  }
}

/** Durable bytes under a path. Not trusted: all it is given has been sealed. Safe to call concurrently. */
export interface Storage {
  /** What `storage_type` shows: `file`, `inmem`, … */
  readonly type: string;
  /** The record at `path` with its version, or undefined where nothing is stored. Linearizable; only what is durable. */
  get(path: string, signal?: AbortSignal): Promise<Stored | undefined>;
  /**
   * All of `changes` or none; durable once it resolves. Concurrent calls are grouped into one flush, each with its own outcome.
   * @returns the version that the written records have now: one number for the whole commit.
   * @throws Conflict, StorageFailed
   */
  commit(changes: readonly Change[], conditions: readonly Condition[], signal?: AbortSignal): Promise<number>;
  /** The next `limit` paths under `prefix` after `after` (exclusive; '' from the start), in byte order. Linearizable, page by page. */
  list(prefix: string, after: string, limit: number, signal?: AbortSignal): Promise<string[]>;
  /**
   * Only of a store that keeps large values in chunks. Removes those that no record names: of replaced and deleted records, and of commits that
   * never came. They must have been found without a record by this process at two calls STORE_ORPHAN_MS apart.
   * @returns how many values' chunks were removed.
   */
  sweepOrphans?(signal?: AbortSignal): Promise<number>;
  /** Finishes what is running, then releases the folder. */
  close(): Promise<void>;
}
