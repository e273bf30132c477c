/**
 * The deadlines of many calls, behind one timer. A timer for each call that is set and cleared again costs more than it looks: while calls
 * follow each other without a pause, what was cleared stays in memory with all that waited for it until the whole heap is collected.
 *
 * @module
 */
import type { Clock } from '../model/clock.ts';
import { STORE_STALL_MS } from '../model/limits.ts';

export interface Deadlines {
  /**
   * Runs `expire` when `ms` are over. After a stall of this process it waits a moment more: the answer may lie in the socket, and timers come
   * before what sockets hold.
   */
  after(ms: number, expire: () => void): { clear(): void };
  /** Once nothing is pending any more, no timer is left. Until then one may be, though nothing waits for it. */
  close(): void;
}

interface Deadline {
  readonly dueMs: number;
  /** Undefined: it is over. */
  expire: (() => void) | undefined;
  /** Where it stands among those that are pending. */
  place: number;
}

export function makeDeadlines(clock: Clock): Deadlines {
  /** In no order. */
  const pending: Deadline[] = [];
  let timer: { clear(): void } | undefined;
  /** When it is to run; nothing is due before. */
  let setForMs = Number.POSITIVE_INFINITY;
  let isClosed = false;

  function remove(deadline: Deadline): void {
    deadline.expire = undefined;
    const last = pending.pop()!;
    if (last === deadline) return;
    last.place = deadline.place;
    pending[last.place] = last;
  }

  function set(dueMs: number, run: () => void): void {
    timer?.clear();
    setForMs = dueMs;
    timer = clock.after(run, dueMs - clock.monotonicMs());
  }

  function setNext(): void {
    timer = undefined;
    setForMs = Number.POSITIVE_INFINITY;
    let next = Number.POSITIVE_INFINITY;
    for (const { dueMs } of pending) next = Math.min(next, dueMs);
    if (next < Number.POSITIVE_INFINITY) set(next, look);
  }

  function look(): void {
    const now = clock.monotonicMs();
    if (now - setForMs < STORE_STALL_MS) expireDue();
    else set(now + STORE_STALL_MS, expireDue);
  }

  function expireDue(): void {
    const now = clock.monotonicMs();
    const due = pending.filter(({ dueMs }) => dueMs <= now);
    // One that ends may end others.
    for (const deadline of due) {
      const { expire } = deadline;
      if (expire === undefined) continue;
      remove(deadline);
      expire();
    }
    setNext();
  }

  return {
    after(ms, expire) {
      const deadline: Deadline = { dueMs: clock.monotonicMs() + ms, expire, place: pending.length };
      pending.push(deadline);
      if (deadline.dueMs < setForMs) set(deadline.dueMs, look);
      return {
        clear() {
          if (deadline.expire === undefined) return;
          remove(deadline);
          if (isClosed && pending.length === 0) timer?.clear();
        },
      };
    },
    close() {
      isClosed = true;
      if (pending.length === 0) timer?.clear();
    },
  };
}
