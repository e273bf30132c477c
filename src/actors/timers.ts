/**
 * The timer index at work: one look at each shard's first entry when this node gets it, then each due actor is woken at its time. The cost of
 * starting does not grow with the number of timers.
 *
 * @module
 */
import { type ActorId, actorKey } from '../model/actor.ts';
import { SHARDS_AT_ONCE, TIMER_PAGE, TIMER_RETRY_MS, TIMERS_AT_ONCE } from '../model/limits.ts';
import { type Condition, Conflict, type Storage } from '../model/storage.ts';
import { ACTOR_FAULT } from './faults.ts';
import { decodeActorId, dueOf, type Names, SHARDS, shardOf, timedActor, timerPrefix } from './places.ts';

export interface DueTimersOptions {
  readonly storage: Storage;
  readonly names: Names;
  now(): number;
  /** Runs `run` once after `ms`. */
  after(run: () => void, ms: number): { clear(): void };
  /** Wakes the actor. It commits what makes the entry go away, or there is nothing it wants at that time any more. */
  wake(id: ActorId, dueMs: number): Promise<'done' | 'not wanted'>;
  fault(what: string, error: unknown): void;
  /** What a commit compares besides; undefined: the shard is not this node's. Absent: this node is alone, and all are. */
  fence?(shard: number): Condition | undefined;
  readonly faults?: ReadonlySet<string>;
}

export interface DueTimers {
  /** Resolves when the timers of all shards that are this node's are known. */
  start(): Promise<void>;
  /** These are this node's from now on. Resolves when their timers are known; before `start`, at once. */
  open(shards: readonly number[]): Promise<void>;
  /** It is not this node's any more. */
  close(shard: number): void;
  /** A durable entry was put at `path`. */
  set(path: string, dueMs: number): void;
  stop(): Promise<void>;
}

/** Longest sleep, so that a stepped wall clock is noticed. */
const LOOK_EVERY_MS = 1_000;

export function makeDueTimers(options: DueTimersOptions): DueTimers {
  const { storage, names, now } = options;
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

  function isOpen(shard: number): boolean {
    return !options.fence || options.fence(shard) !== undefined;
  }

  async function fireShard(shard: number): Promise<void> {
    if (!isOpen(shard)) return close(shard);
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
      for (let from = 0; from < due.length && !stopped && isOpen(shard); from += TIMERS_AT_ONCE) {
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
      const id = entry.value.length > 0 ? decodeActorId(entry.value) : timedActor(names, path);
      // Whoever holds the store could have put it elsewhere, where nobody can wake this actor.
      const isHere = shardOf(actorKey(id)) === shard;
      const outcome = isHere ? await options.wake(id, dueOf(path)) : 'not wanted';
      // Its actor wants nothing at that time: the entry is a left-over that nobody else will remove.
      if (outcome === 'not wanted') await remove(shard, path, entry.version);
    } catch (error) {
      if (!stopped) options.fault('timer', error);
    }
  }

  async function remove(shard: number, path: string, version: number): Promise<void> {
    const fence = options.fence?.(shard);
    if (options.fence && !fence) return;
    try {
      await storage.commit(
        [{ path, value: undefined }],
        fence ? [fence, { path, version }] : [{ path, version }],
      );
    } catch (error) {
      // Its actor took it away or put it anew meanwhile: then it is no left-over.
      if (!(error instanceof Conflict)) throw error;
    }
  }

  function note(shard: number, dueMs: number): void {
    if (dueMs < next[shard]!) next[shard] = dueMs;
  }

  function close(shard: number): void {
    next[shard] = Number.POSITIVE_INFINITY;
  }

  async function look(shard: number): Promise<void> {
    const [first] = await storage.list(timerPrefix(shard), '', 1);
    if (first !== undefined && isOpen(shard)) note(shard, dueOf(first));
  }

  /** As `look`; what cannot be read now is looked at as if something were due. */
  async function lookLater(shard: number): Promise<void> {
    try {
      await look(shard);
    } catch (error) {
      if (stopped || !isOpen(shard)) return;
      options.fault('timers', error);
      note(shard, now() + TIMER_RETRY_MS);
    }
  }

  async function open(shards: readonly number[]): Promise<void> {
    if (stopped || options.faults?.has(ACTOR_FAULT.timersNotScanned)) return;
    const left = [...shards];
    const worker = async (): Promise<void> => {
      for (let shard = left.pop(); shard !== undefined; shard = left.pop()) await lookLater(shard);
    };
    await Promise.all(Array.from({ length: SHARDS_AT_ONCE }, worker));
    plan();
  }

  return {
    async start() {
      stopped = false;
      const all = Array.from({ length: SHARDS }, (_, shard) => shard);
      if (options.fence) return open(all.filter(isOpen));
      // Of a node that is alone all are read before it serves, or it does not.
      for (const shard of all) await look(shard);
      plan();
    },
    open,
    close,
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
