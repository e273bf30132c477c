/**
 * A coordinator for a run: a few records, changed by conditional steps. It keeps the log of all it did, by which views are judged.
 *
 * @module
 */
import {
  type Coordinator,
  type CoordinatorOutcome,
  type CoordinatorRecord,
  type CoordinatorRecords,
  type CoordinatorStep,
  checkCoordinatorKey,
} from '../../src/model/coordinator.ts';
import { COORDINATOR_STEP_MS } from '../../src/model/limits.ts';
import type { SimProcess } from './process.ts';
import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';
import { makeService, type Weather } from './service.ts';

/** How long a node waits for an answer, ms of its own clock. */
const ANSWER_MS = COORDINATOR_STEP_MS;
/** How long a hint takes, and how often it does not come at all. */
const HINT_MS: readonly [number, number] = [0.2, 20];
const HINT_LOST = 0.1;

/** A record as a step left it. */
export interface CoordinatorChange {
  readonly atMs: number;
  readonly by: string;
  readonly key: string;
  readonly version: number;
  /** Undefined: deleted. */
  readonly value: Uint8Array | undefined;
}

export interface SimCoordinator {
  readonly weather: Weather;
  readonly records: ReadonlyMap<string, CoordinatorRecord>;
  readonly changes: readonly CoordinatorChange[];
  /** Told of each record that a node puts. */
  onPut: ((key: string, value: Uint8Array, by: string) => void) | undefined;
  /** The coordinator as `process` sees it in its present life. */
  connect(process: SimProcess, options?: { readonly keeps?: (key: string) => boolean }): Coordinator;
  /** What an operator does by hand. */
  remove(key: string): void;
}

interface Watcher {
  readonly process: SimProcess;
  readonly life: number;
  readonly key: string;
  readonly onHint: () => void;
}

export function makeCoordinator(scheduler: Scheduler, random: Random): SimCoordinator {
  const records = new Map<string, CoordinatorRecord>();
  const changes: CoordinatorChange[] = [];
  const watchers = new Set<Watcher>();
  const service = makeService('coordinator', scheduler, random);
  let version = 0;

  function hint(key: string): void {
    for (const watcher of watchers) {
      if (watcher.key !== key || random.chance(HINT_LOST)) continue;
      const { process, life, onHint } = watcher;
      const run = () => watchers.has(watcher) && onHint();
      scheduler.after(random.between(...HINT_MS), `hint ${key}`, run, process, life);
    }
  }

  function put(by: string, key: string, value: Uint8Array | undefined): void {
    if (value === undefined) records.delete(key);
    else records.set(key, { value, version });
    if (value) coordinator.onPut?.(key, value, by);
    changes.push({ atMs: scheduler.nowMs, by, key, version, value });
    hint(key);
  }

  function perform(by: string, step: CoordinatorStep, keeps: (key: string) => boolean): CoordinatorOutcome {
    const broken = step.conditions.filter((one) => (records.get(one.key)?.version ?? 0) !== one.version);
    const isRefused = broken.some(({ key }) => keeps(key));
    const found = new Map<string, CoordinatorRecord>();
    const note = (key: string) => {
      const record = records.get(key);
      if (record) found.set(key, record);
    };
    if (!isRefused) {
      if (step.changes.length > 0) version++;
      for (const { key, value } of step.changes) put(by, key, value);
    }
    for (const key of step.reads ?? []) note(key);
    for (const prefix of step.lists ?? []) {
      for (const key of [...records.keys()].sort()) if (key.startsWith(prefix)) note(key);
    }
    if (!isRefused) return { outcome: 'ok', version, records: found as CoordinatorRecords };
    for (const { key } of step.conditions) note(key);
    return { outcome: 'refused', records: found as CoordinatorRecords };
  }

  const coordinator: SimCoordinator = {
    weather: service.weather,
    records,
    changes,
    onPut: undefined,
    remove(key) {
      version++;
      put('operator', key, undefined);
    },
    connect(process, { keeps = () => true } = {}) {
      const { life } = process;
      return {
        type: 'simulated',
        sharesClock: false,
        step(step) {
          for (const { key } of [...step.conditions, ...step.changes]) checkCoordinatorKey(key);
          const label =
            step.changes.map(({ key, value }) => `${value ? 'put' : 'delete'} ${key}`).join(' ') || 'read';
          return new Promise((answered) =>
            service.ask(process, life, ANSWER_MS, {
              label,
              perform: () => perform(process.name, step, keeps),
              answered,
              gaveUp: () => answered({ outcome: 'unknown', cause: new Error('no answer') }),
            }),
          );
        },
        watch(key, onHint) {
          const watcher = { process, life, key, onHint };
          watchers.add(watcher);
          return { stop: () => void watchers.delete(watcher) };
        },
        async close() {},
      };
    },
  };
  return coordinator;
}
