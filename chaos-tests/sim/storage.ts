/**
 * One store that all nodes of a run share, as etcd or Consul would be. It is linearizable and loses nothing; commits may arrive late, and
 * answers may not arrive. It also keeps the log by which checkers judge what nodes did.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { FENCE_PREFIX } from '../../src/cluster/fences.ts';
import { COMMIT_OPERATIONS } from '../../src/model/limits.ts';
import {
  type Change,
  type Condition,
  Conflict,
  type Storage,
  StorageFailed,
  type Stored,
} from '../../src/model/storage.ts';
import type { SimProcess } from './process.ts';
import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';
import { makeService, type Question, type Weather } from './service.ts';

/** How long a node waits for the store, ms of its own clock. */
const ANSWER_MS = 5_000;

/** A commit that took effect. */
export interface Applied {
  readonly atMs: number;
  readonly by: string;
  readonly life: number;
  readonly version: number;
  readonly paths: readonly string[];
  /** Of the first path. */
  readonly isDeletion: boolean;
  /** Of what the one who committed had asked for, what did not hold: only where a planted fault dropped the condition. */
  readonly overwrote: readonly Stored[];
  /** The answer arrived: whoever committed counts on it. */
  isAcknowledged: boolean;
}

/** Drops conditions on their way to the store. */
export type ConditionFilter = (condition: Condition, changes: readonly Change[]) => boolean;

export interface SimStore {
  readonly weather: Weather;
  readonly records: ReadonlyMap<string, Stored>;
  readonly applied: readonly Applied[];
  /** Told of each record that is put. */
  onPut: ((path: string, value: Uint8Array, atMs: number) => void) | undefined;
  /** Told of each commit that takes effect, before it does. `sentMs`: true time at which it was sent. */
  onCommit: ((changes: readonly Change[], sentMs: number, by: string) => void) | undefined;
  /** The last commit that changed the path. */
  lastAt(path: string): Applied | undefined;
  /** Paths under `prefix`, in byte order. */
  paths(prefix: string): string[];
  /** The store as `process` sees it in its present life. */
  connect(process: SimProcess, options?: ConnectOptions): Storage;
}

export interface ConnectOptions {
  /** A planted fault: only conditions that it keeps are checked. */
  readonly keeps?: ConditionFilter;
  /** A planted fault: a commit that nobody answered counts as done. */
  readonly trustsSilence?: boolean;
}

export function makeStore(scheduler: Scheduler, random: Random): SimStore {
  const records = new Map<string, Stored>();
  const applied: Applied[] = [];
  const lastAt = new Map<string, Applied>();
  const service = makeService('store', scheduler, random);
  let version = 0;
  /** Sorted; rebuilt when a path came or went. */
  let sorted: string[] | undefined;

  function paths(prefix: string): string[] {
    sorted ??= [...records.keys()].sort();
    let [from, to] = [0, sorted.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if (sorted[middle]! < prefix) from = middle + 1;
      else to = middle;
    }
    let end = from;
    while (end < sorted.length && sorted[end]!.startsWith(prefix)) end++;
    return sorted.slice(from, end);
  }

  const holds = ({ path, version: wanted }: Condition) => (records.get(path)?.version ?? 0) === wanted;

  function apply(
    process: SimProcess,
    life: number,
    sentMs: number,
    changes: readonly Change[],
    conditions: readonly Condition[],
    keeps: ConditionFilter | undefined,
  ): Applied | Conflict {
    const broken = conditions.filter((condition) => !holds(condition));
    const refused = broken.find((condition) => keeps?.(condition, changes) ?? true);
    if (refused) return new Conflict(refused.path);
    store.onCommit?.(changes, sentMs, process.name);
    version++;
    const overwrote = broken.map(({ path }) => records.get(path)).filter((stored) => stored !== undefined);
    for (const { path, value } of changes) {
      if (value === undefined) records.delete(path);
      else records.set(path, { value, version });
      if (value) store.onPut?.(path, value, scheduler.nowMs);
    }
    sorted = undefined;
    const done = { atMs: scheduler.nowMs, by: process.name, life, version, overwrote, isAcknowledged: false };
    const isDeletion = changes[0]?.value === undefined;
    const entry: Applied = { ...done, paths: changes.map(({ path }) => path), isDeletion };
    applied.push(entry);
    for (const path of entry.paths) lastAt.set(path, entry);
    return entry;
  }

  const store: SimStore = {
    weather: service.weather,
    onPut: undefined,
    onCommit: undefined,
    lastAt: (path) => lastAt.get(path),
    records,
    applied,
    paths,
    connect(process, { keeps, trustsSilence } = {}) {
      const { life } = process;
      const ask = <T>(label: string, perform: () => T, kind: Partial<Question<T>> = {}): Promise<T> =>
        new Promise((answered, reject) => {
          const gaveUp = () => reject(new StorageFailed('the store did not answer', false));
          service.ask(process, life, ANSWER_MS, { label, ...kind, perform, answered, gaveUp });
        });
      return {
        type: 'simulated',
        get: (path) => ask(`get ${path}`, () => records.get(path)),
        list: (prefix, after, limit) =>
          ask(`list ${prefix}`, () =>
            paths(prefix)
              .filter((path) => path > after)
              .slice(0, limit),
          ),
        async commit(changes, conditions) {
          assert(changes.length + conditions.length <= COMMIT_OPERATIONS, 'a commit beyond its bound');
          assert.equal(new Set(changes.map(({ path }) => path)).size, changes.length, 'a path changes once');
          const copies = changes.map(({ path, value }) => ({ path, value: value && Uint8Array.from(value) }));
          const [first] = changes;
          const label = `commit ${first?.path}${first?.value ? '' : ' gone'} if ${conditions.map((c) => c.version)}`;
          const sentMs = scheduler.nowMs;
          const isClaim = changes.some(({ path }) => path.startsWith(FENCE_PREFIX));
          let done: Applied | Conflict;
          try {
            done = await ask(label, () => apply(process, life, sentMs, copies, conditions, keeps), {
              isClaim,
              isCommit: !isClaim,
            });
          } catch (error) {
            if (trustsSilence) return version + 1;
            throw error;
          }
          if (done instanceof Conflict) throw done;
          done.isAcknowledged = true;
          return done.version;
        },
        async close() {},
      };
    },
  };
  return store;
}
