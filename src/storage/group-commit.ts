/**
 * Group commit: calls that come while a transaction runs wait, and the next transaction takes them all, each with its own
 * outcome. One sync to disk then serves many writers. A store that is idle takes what one turn of the event loop brings, so
 * that the calls of the same moment share a transaction.
 *
 * @module
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { CodedError } from '../model/errors.ts';
import { STORAGE_GROUP_BYTES_MAX, STORAGE_GROUP_CHANGES_MAX, STORAGE_WAITING_MAX } from '../model/limits.ts';

export interface Write {
  /** Number of changes; counts towards STORAGE_GROUP_CHANGES_MAX. */
  readonly count: number;
  readonly bytes: number;
}

/** What one write got: the version it was given, or why nothing of it was written. */
export type Outcome = number | Error;

export interface GroupCommitParts<W extends Write> {
  /**
   * Writes the group in one transaction and resolves when it is durable; one outcome each, in order. The next group comes only
   * after that. A rejection means nothing of it is known to be written; its reason is given to every write of the group.
   */
  write(group: readonly W[]): Promise<readonly Outcome[]>;
  /** Turns what `write` rejected with into what the callers get. */
  explain(error: unknown): Promise<Error>;
}

interface Waiting<W> {
  readonly write: W;
  readonly signal: AbortSignal | undefined;
  readonly resolve: (version: number) => void;
  readonly reject: (reason: unknown) => void;
}

export interface GroupCommit<W extends Write> {
  /**
   * Resolves with the outcome once it is durable.
   * @throws CodedError `overloaded` beyond STORAGE_WAITING_MAX; the signal's reason when it is aborted before a transaction took the write.
   */
  submit(write: W, signal?: AbortSignal): Promise<number>;
  /** Resolves when nothing is waiting or running. */
  idle(): Promise<void>;
}

export function makeGroupCommit<W extends Write>(parts: GroupCommitParts<W>): GroupCommit<W> {
  let waiting: Waiting<W>[] = [];
  let draining: Promise<void> | undefined;

  function take(): Waiting<W>[] {
    const group: Waiting<W>[] = [];
    let count = 0;
    let bytes = 0;
    let taken = 0;
    for (const entry of waiting) {
      if (entry.signal?.aborted) {
        entry.reject(entry.signal.reason);
        taken++;
        continue;
      }
      count += entry.write.count;
      bytes += entry.write.bytes;
      const tooMuch = count > STORAGE_GROUP_CHANGES_MAX || bytes > STORAGE_GROUP_BYTES_MAX;
      if (tooMuch && group.length > 0) break;
      group.push(entry);
      taken++;
    }
    waiting = taken === waiting.length ? [] : waiting.slice(taken);
    return group;
  }

  async function writeOne(group: readonly Waiting<W>[]): Promise<void> {
    const writes = group.map((entry) => entry.write);
    let outcomes: readonly Outcome[];
    try {
      outcomes = await parts.write(writes);
    } catch (error) {
      const reason = await parts.explain(error);
      for (const entry of group) entry.reject(reason);
      return;
    }
    group.forEach((entry, index) => {
      const outcome = outcomes[index] ?? new Error('a write got no outcome');
      if (typeof outcome === 'number') entry.resolve(outcome);
      else entry.reject(outcome);
    });
  }

  async function drain(): Promise<void> {
    await nextTurn();
    while (waiting.length > 0) {
      const group = take();
      if (group.length > 0) await writeOne(group);
    }
    draining = undefined;
  }

  return {
    submit(write, signal) {
      if (signal?.aborted) return Promise.reject(signal.reason);
      if (waiting.length >= STORAGE_WAITING_MAX) return Promise.reject(new CodedError('overloaded'));
      return new Promise((resolve, reject) => {
        waiting.push({ write, signal, resolve, reject });
        draining ??= drain();
      });
    },
    async idle() {
      while (draining !== undefined) await draining;
    },
  };
}
