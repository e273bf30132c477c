/**
 * Alarms: actors that want to be woken at a time and note that they were, as leases of what lies outside will. Real kinds look at the clock
 * again before they do anything; these do not, so that a run shows whether timers themselves keep their promise (protocol §14).
 *
 * @module
 */
import { type ActorKind, type ActorOperation, OWN_CLAIMS } from '../../src/model/actor.ts';
import { changing, engine, reading } from '../../src/model/engine.ts';
import * as p from '../../src/model/params.ts';

/** Cluster times, ms. */
export interface Ring {
  readonly dueMs: number;
  readonly atMs: number;
}

export interface Alarm {
  /** Null: it is not set. */
  readonly dueMs: number | null;
  readonly rings: readonly Ring[];
}

const alarm: ActorKind<Alarm> = {
  kind: 'alarm',
  activeMax: 1_000,
  idleMs: 5_000,
  mailboxMax: 1_024,
  decode: (head) => (head ? JSON.parse(Buffer.from(head).toString()) : { dueMs: null, rings: [] }),
  encode: (state) => Buffer.from(JSON.stringify(state)),
  dueAt: ({ dueMs }) => dueMs ?? undefined,
  async onDue({ dueMs }, id, cluster) {
    if (dueMs !== null) await cluster.send(ring, id, { dueMs }, { claims: OWN_CLAIMS });
  },
};

const ring: ActorOperation<Alarm, { dueMs: number }, void> = {
  id: 'alarm/ring',
  actor: alarm,
  mode: 'change',
  run: (state, { dueMs }, ctx) =>
    state.dueMs === dueMs
      ? {
          reply: undefined,
          next: { state: { dueMs: null, rings: [...state.rings, { dueMs, atMs: ctx.now() }] } },
        }
      : { reply: undefined },
};

const set = changing({
  id: 'alarm/set',
  actor: alarm,
  summary: 'Sets it, or puts it off.',
  params: { in_ms: p.int('From now on, ms.', { absent: 0 }) },
  run(state, { in_ms }, ctx) {
    const dueMs = ctx.now() + in_ms;
    return { reply: { data: { due_ms: dueMs } }, next: { state: { ...state, dueMs } } };
  },
});

const read = reading({
  id: 'alarm/read',
  actor: alarm,
  summary: 'Shows when it is due, and when it has rung.',
  params: {},
  run: ({ dueMs, rings }) => ({ data: { due_ms: dueMs, rings: rings.map((one) => ({ ...one })) } }),
});

export const alarmKind = alarm;
export const alarms = engine('alarm', 'Alarms.', { ':name': { read, update: set } }, [ring]);
