/**
 * The coordinator, as the cluster's membership sees it: a few small records that say who is alive and which view holds. It is trusted with
 * order alone, never with time: nothing here expires by itself (protocol §2).
 *
 * @module
 */

/** A record and its version. A version is never used twice, not even after a delete, and a later one is greater. */
export interface CoordinatorRecord {
  readonly value: Uint8Array;
  readonly version: number;
}

/** Present records by key; what is absent is not in it. */
export type CoordinatorRecords = ReadonlyMap<string, CoordinatorRecord>;

export interface CoordinatorStep {
  /** Each holds when the record at `key` has exactly this version; 0: nothing is there. */
  readonly conditions: readonly { readonly key: string; readonly version: number }[];
  /** Undefined: delete. A key may stand here once. Two values put under one key after each other must differ. */
  readonly changes: readonly { readonly key: string; readonly value: Uint8Array | undefined }[];
  /** Keys to read. */
  readonly reads?: readonly string[];
  /** Prefixes under which everything is read; it should be little. */
  readonly lists?: readonly string[];
}

/**
 * `ok`: all of it was done. `version` is what the written records have now; `records` what is at `reads` and under `lists`
 * after it, in the same atomic step.
 * `refused`: a condition did not hold, and nothing was done by this try. (A step with conditions may be tried twice, at another
 * endpoint say: then an earlier try may be what made the condition fail.) `records` also shows what is at the conditions' keys,
 * read linearizably after the refusal.
 * `unknown`: time-out, connection lost, no leader. It was done, or not, or will be yet.
 */
export type CoordinatorOutcome =
  | { readonly outcome: 'ok'; readonly version: number; readonly records: CoordinatorRecords }
  | { readonly outcome: 'refused'; readonly records: CoordinatorRecords }
  | { readonly outcome: 'unknown'; readonly cause: unknown };

/** Proof of death, where all processes are on one machine: the kernel lets go of a dead process's lock. */
export interface ProcessLocks {
  /** Before the record of `inc` is made. */
  hold(inc: string): void;
  /** After the record is gone: the process has nothing more to do under `inc`. */
  release(inc: string): void;
  /** True: the process that held `inc` is gone. False says nothing. */
  isDead(inc: string): boolean;
  /** Removes what is left of a dead one. */
  forget(inc: string): void;
}

export interface Coordinator {
  /** `etcd`, `consul`, `embedded`. */
  readonly type: string;
  /** All processes read the same monotonic clock, so that rates cannot differ (σ = 1). */
  readonly sharesClock: boolean;
  /** One linearizable transaction. Never rejects. Reads that must be current go through here, too. */
  step(step: CoordinatorStep): Promise<CoordinatorOutcome>;
  /**
   * Calls `onHint` when something at `key` may have changed; also for no reason, late, or never. Proof is only what `step` reads.
   * Comes back by itself after the coordinator was away.
   */
  watch(key: string, onHint: () => void): { stop(): void };
  readonly locks?: ProcessLocks;
  close(): Promise<void>;
}

/** Keys are short and plain, so that every coordinator can take them as they are. @throws otherwise. */
export function checkCoordinatorKey(key: string): void {
  if (!/^[a-z0-9/._-]{1,200}$/i.test(key)) throw new Error('no key for a coordinator');
}
