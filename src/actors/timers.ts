/**
 * The timer index at work: one look at each shard's first entry at start, then each due actor is woken at its time. Start-up cost does
 * not grow with the number of timers.
 *
 * @module
 */
import type { ActorId } from '../model/actor.ts';
import { SHARDS_AT_ONCE, TIMER_PAGE, TIMER_RETRY_MS, TIMERS_AT_ONCE } from '../model/limits.ts';
import { Conflict, type Storage } from '../model/storage.ts';
import { decodeActorId, dueOf, SHARDS, timerPrefix } from './places.ts';

export interface DueTimersOptions {
  readonly storage: Storage;
  now(): number;
  /** Runs `run` once after `ms`. */
  after(run: () => void, ms: number): { clear(): void };
  /** Wakes the actor. It commits what makes the entry go away, or there is nothing it wants at that time any more. */
  wake(id: ActorId, dueMs: number): Promise<'done' | 'not wanted'>;
  fault(what: string, error: unknown): void;
}

export interface DueTimers {
  start(): Promise<void>;
  /** A durable entry was put at `path`. */
  set(path: string, dueMs: number): void;
  stop(): Promise<void>;
}

/** Longest sleep, so that a stepped wall clock is noticed. */
const LOOK_EVERY_MS = 1_000;

export function makeDueTimers(options: DueTimersOptions): DueTimers {
  const { storage, now } = options;
  /** Earliest due time of each shard, or Infinity. */
  const next = new Float64Array(SHARDS).fill(Number.POSITIVE_INFINITY);
  let sleeping: { clear(): void } | undefined;
  let round: Promise<void> | undefined;
  let stopped = true;
  /** What `sleeping` waits for. */
  let plannedFor = Number.POSITIVE_INFINITY;

  function plan(): void {
    if (stopped || round) return;
    sleeping?.clear();
    let first = Number.POSITIVE_INFINITY;
    for (const due of next) if (due < first) first = due;
    plannedFor = first;
    if (first === Number.POSITIVE_INFINITY) return;
    sleeping = options.after(run, Math.min(LOOK_EVERY_MS, Math.max(first - now(), 0)));
  }

  function run(): void {
    if (stopped || round) return;
    round = fireDue()
      .catch((error: unknown) => options.fault('timers', error))
      .finally(() => {
        round = undefined;
        plan();
      });
  }

  async function fireDue(): Promise<void> {
    let shard = 0;
    const worker = async (): Promise<void> => {
      while (shard < SHARDS && !stopped) {
        const mine = shard++;
        if (next[mine]! <= now()) await fireShard(mine);
      }
    };
    await Promise.all(Array.from({ length: SHARDS_AT_ONCE }, worker));
  }

  async function fireShard(shard: number): Promise<void> {
    // Entries put while we look are noted again by `set`.
    next[shard] = Number.POSITIVE_INFINITY;
    try {
      await fireDueOf(shard);
    } catch (error) {
      if (!stopped) options.fault('timers', error);
      note(shard, now() + TIMER_RETRY_MS);
    }
  }

  async function fireDueOf(shard: number): Promise<void> {
    const prefix = timerPrefix(shard);
    let after = '';
    for (;;) {
      const paths = await storage.list(prefix, after, TIMER_PAGE);
      // One instant for the page: were the clock set back in between, an entry would be passed over.
      const at = now();
      const due = paths.filter((path) => dueOf(path) <= at);
      for (let from = 0; from < due.length && !stopped; from += TIMERS_AT_ONCE) {
        await Promise.all(due.slice(from, from + TIMERS_AT_ONCE).map((path) => fire(shard, path)));
      }
      if (due.length < paths.length) note(shard, dueOf(paths[due.length]!));
      if (due.length < paths.length || paths.length < TIMER_PAGE || stopped) return;
      after = paths.at(-1)!;
    }
  }

  async function fire(shard: number, path: string): Promise<void> {
    // Looked at once more: an actor that found it too early, by a clock that was set back, leaves the entry where it is.
    note(shard, now() + TIMER_RETRY_MS);
    try {
      const entry = await storage.get(path);
      if (!entry) return;
      const outcome = await options.wake(decodeActorId(entry.value), dueOf(path));
      // Its actor wants nothing at that time: the entry is a left-over that nobody else will remove.
      if (outcome === 'not wanted') await remove(path, entry.version);
    } catch (error) {
      if (!stopped) options.fault('timer', error);
    }
  }

  async function remove(path: string, version: number): Promise<void> {
    try {
      await storage.commit([{ path, value: undefined }], [{ path, version }]);
    } catch (error) {
      // Its actor took it away or put it anew meanwhile: then it is no left-over.
      if (!(error instanceof Conflict)) throw error;
    }
  }

  function note(shard: number, dueMs: number): void {
    if (dueMs < next[shard]!) next[shard] = dueMs;
  }

  return {
    async start() {
      stopped = false;
      for (let shard = 0; shard < SHARDS; shard++) {
        const [first] = await storage.list(timerPrefix(shard), '', 1);
        if (first !== undefined) note(shard, dueOf(first));
      }
      plan();
    },
    set(path, dueMs) {
      note(Number(path.slice('timer/'.length, 'timer/'.length + 4)), dueMs);
      if (dueMs < plannedFor) plan();
    },
    async stop() {
      stopped = true;
      sleeping?.clear();
      await round;
      next.fill(Number.POSITIVE_INFINITY);
    },
  };
}
