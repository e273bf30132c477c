/**
 * Group commit: calls that come while a transaction runs wait, and the next transaction takes them all, each with its own
 * outcome. One sync to disk then serves many writers. A store that is idle takes what one turn of the event loop brings, so
 * that the calls of the same moment share a transaction. Where a transaction has a way to go, a few run side by side: the store works on
 * one while we answer another and make the next.
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

/** Writes that are under way, and what they touch. */
export interface Touched<W> {
  add(write: W): void;
  remove(write: W): void;
  /** Must `write` wait for one of them? */
  meets(write: W): boolean;
}

/** Groups that are written at the same time: none holds a write that must wait for one of another. */
export interface SideBySide<W> {
  readonly groups: number;
  newTouched(): Touched<W>;
}

export interface GroupCommitParts<W extends Write> {
  /** Absent: one group at a time. */
  readonly sideBySide?: SideBySide<W>;
  /**
   * Writes the group in one transaction and resolves when it is durable; one outcome each, in order. The next group comes only
   * after that, unless several may be written side by side. A rejection means nothing of it is known to be written; its reason is given to every write of the group.
   * @param join - what waits by now, to be written with the group, behind it: for a store whose transactions wait for those of others.
   */
  write(group: readonly W[], join: () => readonly W[]): Promise<readonly Outcome[]>;
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
  const { sideBySide } = parts;
  const groupsMax = sideBySide?.groups ?? 1;
  const underWay = sideBySide?.newTouched();
  let waiting: Waiting<W>[] = [];
  let running = 0;
  /** A turn is waited for. */
  let isGathering = false;
  let idleAwaited: (() => void)[] = [];

  function take(): Waiting<W>[] {
    const group: Waiting<W>[] = [];
    /** Those that stay, in their order, and what they touch: nothing overtakes them that must wait for one of them. */
    const left: Waiting<W>[] = [];
    let leftTouched: Touched<W> | undefined;
    let count = 0;
    let bytes = 0;
    let looked = 0;
    for (const entry of waiting) {
      const { write, signal } = entry;
      if (signal?.aborted) {
        entry.reject(signal.reason);
      } else if (underWay && running > 0 && (underWay.meets(write) || leftTouched?.meets(write))) {
        leftTouched ??= sideBySide!.newTouched();
        leftTouched.add(write);
        left.push(entry);
      } else {
        count += write.count;
        bytes += write.bytes;
        const tooMuch = count > STORAGE_GROUP_CHANGES_MAX || bytes > STORAGE_GROUP_BYTES_MAX;
        if (tooMuch && group.length > 0) break;
        group.push(entry);
      }
      looked++;
    }
    waiting = looked === waiting.length ? left : [...left, ...waiting.slice(looked)];
    return group;
  }

  async function writeOne(first: readonly Waiting<W>[]): Promise<void> {
    const group = [...first];
    const join = (): readonly W[] => {
      // What is under way beside it would have to know of these.
      const more = sideBySide ? [] : take();
      group.push(...more);
      return more.map((entry) => entry.write);
    };
    let outcomes: readonly Outcome[];
    try {
      outcomes = await parts.write(
        first.map((entry) => entry.write),
        join,
      );
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

  async function run(group: readonly Waiting<W>[]): Promise<void> {
    running++;
    if (underWay) for (const { write } of group) underWay.add(write);
    await writeOne(group);
    running--;
    if (underWay) for (const { write } of group) underWay.remove(write);
    startGroups();
  }

  function startGroups(): void {
    while (running < groupsMax && waiting.length > 0) {
      const group = take();
      if (group.length === 0) break;
      void run(group);
    }
    if (running > 0 || waiting.length > 0) return;
    const awaited = idleAwaited;
    idleAwaited = [];
    for (const resolve of awaited) resolve();
  }

  async function gather(): Promise<void> {
    isGathering = true;
    await nextTurn();
    isGathering = false;
    startGroups();
  }

  return {
    submit(write, signal) {
      if (signal?.aborted) return Promise.reject(signal.reason);
      if (waiting.length >= STORAGE_WAITING_MAX) return Promise.reject(new CodedError('overloaded'));
      return new Promise((resolve, reject) => {
        waiting.push({ write, signal, resolve, reject });
        if (!isGathering && running < groupsMax) void gather();
      });
    },
    async idle() {
      if (running > 0 || waiting.length > 0) await new Promise<void>((resolve) => idleAwaited.push(resolve));
    },
  };
}
