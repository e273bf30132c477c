/**
 * The actors of a node that is one of several, put together: claims of its shards, actors that compare their fences, the timers of what is
 * claimed, and the removal of what deleted actors leave behind.
 *
 * @module
 */
import { type Actors, makeActors } from '../actors/actors.ts';
import { makeGoneSweep } from '../actors/gone-sweep.ts';
import type { Ownership } from '../actors/ownership.ts';
import { type Names, shardOf } from '../actors/places.ts';
import { makeDueTimers } from '../actors/timers.ts';
import { type ActorId, type ActorKind, actorKey, type Cluster } from '../model/actor.ts';
import type { Clock } from '../model/clock.ts';
import type { Storage } from '../model/storage.ts';
import type { Faults } from './faults.ts';
import type { Grants, Snapshot } from './grants/grants-interface.ts';
import type { Membership } from './membership-interface.ts';
import { sweepMountRecords } from './mount-sweep.ts';
import { Moved } from './moved.ts';
import { makeShards, type Shards } from './shards.ts';
import { makeWake } from './waking.ts';

export interface OwnActorsOptions {
  /** Sealed: what is given is sealed on the way down. */
  readonly storage: Storage;
  /** As it is below the barrier. */
  readonly fences: Storage;
  readonly names: Names;
  readonly kinds: readonly ActorKind<never>[];
  readonly clock: Clock;
  /** Cluster time, ms. */
  now(): number;
  randomBytes(bytes: number): Buffer;
  membership(): Pick<Membership, 'inc' | 'view' | 'mayServe' | 'isInTime'>;
  grants(): Pick<Grants, 'end' | 'block' | 'release' | 'endShards'>;
  /** How what due actors want reaches it, and others: with hops. */
  cluster(): Cluster;
  /** As in `makeGoneSweep`. */
  readonly goneSweep?: { readonly goneMs: number; readonly lookMs: number };
  fault(what: string, error: unknown): void;
  activated?(id: ActorId): void;
  readonly faults?: Faults;
}

export interface OwnActors {
  /** Of what is claimed; all else is told `Moved`. */
  readonly actors: Actors;
  readonly shards: Shards;
  /** What others may be given of an actor, in this turn; undefined where it is absent, at work, or not this node's to give. */
  snapshotOf(id: ActorId): Snapshot | undefined;
  /** Claims and loads it, so that `snapshotOf` has something to say. @throws Moved */
  activate(id: ActorId): Promise<void>;
  sweepMount(
    namespace: string,
    mount: string,
    signal?: AbortSignal,
    removed?: (count: number) => Promise<void>,
  ): Promise<void>;
  /** Takes messages from now on. */
  start(): void;
  /** Begins to wake actors at their times. Everything they may send to must be ready. */
  startTimers(): Promise<void>;
  /** Ends all actors and wipes what they held. */
  stop(): Promise<void>;
}

export function makeOwnActors(options: OwnActorsOptions): OwnActors {
  const { storage, clock, fault, faults, membership, grants } = options;
  const after = clock.after;
  // Never 0: what ran here may have been committed.
  const moved = () => new Moved(membership().view()?.epoch ?? 1);

  const timers = makeDueTimers({
    storage,
    names: options.names,
    now: options.now,
    after,
    wake: makeWake(() => actors, options.cluster, faults),
    fault,
    fence: (shard) => shards.fence(shard),
    faults,
  });
  const shards = makeShards({
    storage: options.fences,
    clock,
    membership,
    actors: () => actors,
    grants,
    opened: (opened) => void timers.open(opened),
    closed: timers.close,
    fault,
    faults,
  });
  const ownership: Ownership = {
    holding: shards.holding,
    moved,
    grants: {
      end: (key) => grants().end(key),
      block: (key) => grants().block(key),
      release: (key) => grants().release(key),
    },
    faults,
  };
  const actors = makeActors({
    storage,
    names: options.names,
    kinds: options.kinds,
    timers: { setInterval: (run, ms) => every(clock, run, ms) },
    now: options.now,
    randomBytes: options.randomBytes,
    after,
    timerSet: timers.set,
    fault,
    activated: options.activated,
    ownership,
  });
  const sweep = makeGoneSweep({
    ...options.goneSweep,
    storage,
    now: options.now,
    after,
    held: shards.held,
    fence: shards.fence,
    claimAnew: shards.claimAnew,
    fault,
    faults,
  });

  return {
    actors,
    shards,
    snapshotOf(id) {
      if (!membership().isInTime() || !shards.mayGrant(shardOf(actorKey(id)))) return undefined;
      const snapshot = actors.snapshotOf(id);
      // Of what is not there anybody may ask by the thousand; but some is mostly not there, and read all the time.
      if (!snapshot || (!snapshot.bytes && !actors.kind(id.kind)?.keepsAbsent)) return undefined;
      const { bytes: head, version } = snapshot;
      const endMs = actors.kind(id.kind)?.goodUntilMs?.(actors.peek(actorKey(id))?.state);
      if (endMs === undefined) return { head, version };
      const termMs = endMs - options.now();
      return termMs > 0 ? { head, version, termMs } : undefined;
    },
    async activate(id) {
      await shards.claim(shardOf(actorKey(id)));
      await actors.activate(id);
    },
    async sweepMount(namespace, mount, signal, removed) {
      await actors.releaseMount(mount);
      await sweepMountRecords(storage, namespace, mount, signal, removed);
    },
    start() {
      actors.start();
      sweep.start();
    },
    startTimers: timers.start,
    async stop() {
      // All at once: a due actor with much to do is told `sealed` at its next step, and goes on elsewhere.
      await Promise.all([timers.stop(), sweep.stop(), actors.stop()]);
    },
  };
}

function every(clock: Clock, run: () => void, ms: number): { clear(): void } {
  let timer: { clear(): void };
  const plan = () => {
    timer = clock.after(() => {
      plan();
      run();
    }, ms);
  };
  plan();
  return { clear: () => timer.clear() };
}
