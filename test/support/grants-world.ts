/**
 * Grants of a few nodes over a simulated network, in one seed: beats and a coordinator by the protocol's rules (§2, §4) but much simplified, a store that
 * knows fences and versions, owners that write, everybody reads and authorizes. Checked at every read and start:
 *
 * - I1, I4, I5: no answer is older than one acknowledged or read before;
 * - I7: nothing starts under what had changed, once the change was acknowledged.
 *
 * @module
 */
import { makeNetwork, type SimNetwork } from '../../chaos-tests/sim/network.ts';
import { makeProcess, randomClock } from '../../chaos-tests/sim/process.ts';
import { makeRandom, type Random } from '../../chaos-tests/sim/random.ts';
import { makeScheduler, type Scheduler } from '../../chaos-tests/sim/scheduler.ts';
import { makeTrace } from '../../chaos-tests/sim/trace.ts';
import { SHARDS, shardOf } from '../../src/actors/places.ts';
import type { Faults } from '../../src/cluster/faults.ts';
import type { MemberRecord } from '../../src/cluster/member-record.ts';
import type { View } from '../../src/cluster/view.ts';
import { type ActorId, type ActorKind, actorKey } from '../../src/model/actor.ts';
import { EVICTION_SILENCE_MS } from '../../src/model/limits.ts';
import { bootGrantsNode, type GrantsNode } from './grants-node.ts';

export class GrantsViolation extends Error {
  readonly world: GrantsWorld;
  constructor(text: string, world: GrantsWorld) {
    super(text);
    this.world = world;
  }
}

export interface GrantsWorldOptions {
  readonly seed: number;
  readonly nodes?: number;
  readonly faults?: Faults;
  /** Clocks of one rate, nothing slow, every answer comes. */
  readonly isCalm?: boolean;
}

export interface StoredRecord {
  version: number;
  fence: number;
}

/** Counts up with each change; that is all there is to see. */
export const COUNTER: ActorKind<number> = {
  kind: 'counter',
  activeMax: 100,
  idleMs: 1_000,
  mailboxMax: 100,
  replicas: 'always',
  decode: (head) => (head ? Number(Buffer.from(head).toString()) : 0),
  encode: (state) => Buffer.from(String(state)),
};

export function counterId(name: string): ActorId {
  return { kind: COUNTER.kind, namespace: 'root', mount: 'm', name };
}

export interface GrantsWorld {
  readonly seed: number;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly network: SimNetwork;
  readonly nodes: readonly GrantsNode[];
  readonly ids: readonly ActorId[];
  readonly store: Map<string, StoredRecord>;
  readonly records: Map<string, MemberRecord>;
  readonly isCalm: boolean;
  readonly faults: Faults | undefined;
  /** What happened, to be read after a violation. */
  readonly told: string[];
  tell(what: string): void;
  readonly counts: {
    reads: number;
    replicaReads: number;
    starts: number;
    acknowledged: number;
    evictions: number;
  };
  /** The coordinator's. */
  view(): View;
  setView(view: View): void;
  /** A beat was taken. */
  taken(inc: string): void;
  join(node: GrantsNode): void;
  answered(key: string, version: number, by: string): void;
  acknowledged(key: string, version: number): void;
  /** Something authorized by that version starts. */
  started(key: string, version: number, by: string): void;
  latest(key: string): number;
  /** @throws GrantsViolation */
  run(ms: number): Promise<void>;
  /** @throws GrantsViolation; Error where it does not come true. */
  until(is: () => boolean, ms?: number): Promise<void>;
}

/** True time after which a silent member's deadline has passed, whatever its clock: W by the fastest clock of who looks. */
const SILENT_MS = EVICTION_SILENCE_MS / 1.05;

/** Nodes that start begin within this. */
const BEGIN_MS = 20;

export function makeGrantsWorld(options: GrantsWorldOptions): GrantsWorld {
  const { seed, nodes: count = 3, faults, isCalm = false } = options;
  const random = makeRandom(seed, 'grants');
  const scheduler = makeScheduler(makeTrace());
  const network = makeNetwork(scheduler, random.fork('network'));
  if (isCalm) network.weather.slow = 0;
  const ids = ['a', 'b', 'c', 'd', 'e', 'f'].map(counterId);
  const lastTakenMs = new Map<string, number>();
  const highest = new Map<string, number>();
  const acknowledged = new Map<string, number>();
  let violation: GrantsViolation | undefined;
  let view: View = {
    epoch: 1,
    last: 1,
    members: [],
    shards: [],
    next: undefined,
    protocol: 1,
    sealed: false,
  };

  function violated(text: string): void {
    // Not thrown here: it would go to a peer as its refusal.
    violation ??= new GrantsViolation(`seed ${seed}, ${scheduler.nowMs.toFixed(1)} ms: ${text}`, world);
  }

  function spread(members: View['members'], before: readonly string[]): string[] {
    return Array.from({ length: SHARDS }, (_, shard) => {
      const owner = before[shard];
      if (owner !== undefined && members.some(({ inc }) => inc === owner)) return owner;
      return members[shard % members.length]!.inc;
    });
  }

  function evictSilent(): void {
    scheduler.after(20, '', evictSilent);
    const silent = view.members.filter(
      ({ inc }) =>
        scheduler.nowMs - lastTakenMs.get(inc)! > SILENT_MS + (isCalm ? 0 : random.between(0, 300)),
    );
    if (silent.length === 0 || silent.length === view.members.length) return;
    for (const { inc } of silent) {
      world.records.delete(inc);
      world.counts.evictions++;
    }
    const members = view.members.filter((member) => !silent.includes(member));
    world.setView({ ...view, epoch: view.epoch + 1, members, shards: spread(members, view.shards) });
  }

  const world: GrantsWorld = {
    seed,
    scheduler,
    random,
    network,
    nodes: [],
    ids,
    store: new Map(ids.map((id) => [actorKey(id), { version: 1, fence: 0 }])),
    records: new Map(),
    isCalm,
    faults,
    told: [],
    tell: (what) => void world.told.push(`${scheduler.nowMs.toFixed(1)} ${what}`),
    counts: { reads: 0, replicaReads: 0, starts: 0, acknowledged: 0, evictions: 0 },
    view: () => view,
    setView(next) {
      view = next;
      const owners = ids.map((id) => next.shards[shardOfId(id)]);
      world.tell(`view ${next.epoch}: ${next.members.map(({ inc }) => inc)}; owners ${owners}`);
      for (const node of world.nodes)
        scheduler.after(random.between(0.2, 5), '', () => node.seeView(next), node.process);
    },
    taken: (inc) => void lastTakenMs.set(inc, scheduler.nowMs),
    join(node) {
      lastTakenMs.set(node.inc(), scheduler.nowMs);
      const members = [...view.members, { inc: node.inc(), nodeId: node.process.name, weight: 1 }];
      // Before anything is loaded shards may move freely.
      const before = scheduler.nowMs < BEGIN_MS ? [] : view.shards;
      world.setView({ ...view, epoch: view.epoch + 1, members, shards: spread(members, before) });
    },
    answered(key, version, by) {
      world.counts.reads++;
      const least = highest.get(key) ?? 0;
      if (version < least) violated(`${by} answers ${key} with version ${version} after ${least}`);
      highest.set(key, version);
    },
    acknowledged(key, version) {
      world.tell(`${key} version ${version} acknowledged`);
      world.counts.acknowledged++;
      highest.set(key, Math.max(highest.get(key) ?? 0, version));
      acknowledged.set(key, Math.max(acknowledged.get(key) ?? 0, version));
    },
    started(key, version, by) {
      world.counts.starts++;
      const least = acknowledged.get(key) ?? 0;
      if (version < least) violated(`${by} starts under version ${version} of ${key} after ${least}`);
    },
    latest: (key) => acknowledged.get(key) ?? 1,
    async run(ms) {
      const endMs = scheduler.nowMs + ms;
      await scheduler.run(() => violation !== undefined || scheduler.nowMs >= endMs);
      if (violation) throw violation;
    },
    async until(is, ms = 20_000) {
      const endMs = scheduler.nowMs + ms;
      await scheduler.run(() => violation !== undefined || is() || scheduler.nowMs >= endMs);
      if (violation) throw violation;
      if (!is()) throw new Error(`not within ${ms} ms`);
    },
  };
  const nodes = Array.from({ length: count }, (_, n) => {
    const name = `n${n + 1}`;
    const own = random.fork(name);
    const clock = isCalm ? { rate: 1, wallOffsetMs: 0 } : randomClock(own);
    return bootGrantsNode(world, makeProcess(name, scheduler, own, clock));
  });
  (world.nodes as GrantsNode[]).push(...nodes);
  for (const node of nodes) node.start();
  scheduler.after(20, '', evictSilent);
  return world;
}

/** The shard of an actor. */
export function shardOfId(id: ActorId): number {
  return shardOf(actorKey(id));
}
