/**
 * The one who owns true time. Events run one at a time in the order of their instants; between two of them every promise that can go on
 * has gone on, so that one event with all that follows from it is one turn of its process's event loop.
 *
 * @module
 */
import type { SimProcess } from './process.ts';
import type { Trace } from './trace.ts';

/** Taken before anybody replaces it. */
const realSetImmediate = setImmediate;

export interface Scheduled {
  /** It will not run. */
  cancel(): void;
}

interface Event {
  atMs: number;
  /** Order among those of one instant. */
  number: number;
  readonly label: string;
  readonly run: () => void;
  /** Whose turn it is; undefined: the world's (a wire, a store, a fault). */
  readonly process: SimProcess | undefined;
  /** Of the process when this was scheduled: what a dead one had in mind does not happen. */
  readonly life: number;
  ifStill: (() => boolean) | undefined;
  isCancelled: boolean;
}

export interface Scheduler {
  /** True time, ms since the run began. */
  readonly nowMs: number;
  /** Events that ran. */
  readonly events: number;
  /** Whose turn it is. */
  readonly current: SimProcess | undefined;
  /**
   * @param label - for the trace; '': it leaves none.
   * @param life - of the process, where it is not the one it has now: an answer to what it asked in an earlier life finds nobody.
   * @param ifStill - asked when it would be the event's turn; false: it does not happen. Not asked again of what a pause held back.
   */
  at(
    atMs: number,
    label: string,
    run: () => void,
    process?: SimProcess,
    life?: number,
    ifStill?: () => boolean,
  ): Scheduled;
  /** As `at`, `ms` of true time from now. */
  after(
    ms: number,
    label: string,
    run: () => void,
    process?: SimProcess,
    life?: number,
    ifStill?: () => boolean,
  ): Scheduled;
  /** Runs until `isOver`, or until nothing is left to do. @throws what an event threw, or a promise that nobody caught. */
  run(isOver: () => boolean): Promise<void>;
}

/** Held back events of a paused process run this far apart when it goes on. */
const CATCH_UP_MS = 0.001;

export function makeScheduler(trace: Trace): Scheduler {
  const heap: Event[] = [];
  let nowMs = 0;
  let numbers = 0;
  let events = 0;
  let current: SimProcess | undefined;

  function isBefore(a: Event, b: Event): boolean {
    return a.atMs < b.atMs || (a.atMs === b.atMs && a.number < b.number);
  }

  function push(event: Event): void {
    let at = heap.push(event) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(event, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = event;
  }

  function pop(): Event {
    const first = heap[0]!;
    const last = heap.pop()!;
    if (heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return first;
  }

  const scheduler: Scheduler = {
    get nowMs() {
      return nowMs;
    },
    get events() {
      return events;
    },
    get current() {
      return current;
    },
    at(atMs, label, run, process, life = process?.life ?? 0, ifStill = undefined) {
      const event: Event = {
        atMs: Math.max(atMs, nowMs),
        number: numbers++,
        label,
        run,
        process,
        life,
        ifStill,
        isCancelled: false,
      };
      push(event);
      return {
        cancel() {
          event.isCancelled = true;
        },
      };
    },
    after: (ms, ...event) => scheduler.at(nowMs + ms, ...event),
    async run(isOver) {
      let uncaught: { error: unknown } | undefined;
      const onUncaught = (error: unknown) => {
        uncaught ??= { error };
      };
      process.on('unhandledRejection', onUncaught);
      try {
        while (heap.length > 0 && !isOver()) {
          const event = pop();
          const { process: owner } = event;
          if (event.isCancelled) continue;
          if (owner && (!owner.isAlive || owner.life !== event.life)) continue;
          if (event.ifStill?.() === false) continue;
          event.ifStill = undefined;
          if (owner?.isPaused) {
            owner.hold(() => {
              event.atMs = nowMs + CATCH_UP_MS;
              event.number = numbers++;
              push(event);
            });
            continue;
          }
          nowMs = event.atMs;
          events++;
          if (event.label !== '') trace.add(`${nowMs.toFixed(3)} ${owner?.name ?? '-'} ${event.label}`);
          current = owner;
          event.run();
          await new Promise<void>((resolve) => realSetImmediate(resolve));
          current = undefined;
          if (uncaught) throw uncaught.error;
        }
      } finally {
        current = undefined;
        process.off('unhandledRejection', onUncaught);
      }
    },
  };
  return scheduler;
}
