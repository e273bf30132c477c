/**
 * A cluster of one: every actor is here, nothing needs a hop. What a cluster of many answers through `Cluster` is answered alike.
 *
 * @module
 */
import { type Actors, makeActors } from '../actors/actors.ts';
import type { Names } from '../actors/places.ts';
import { makeDueTimers } from '../actors/timers.ts';
import { type ActorId, type ActorKind, actorKey, type Cluster } from '../model/actor.ts';
import type { Storage } from '../model/storage.ts';
import { makeLists } from './lists.ts';
import { sweepMountRecords } from './mount-sweep.ts';
import { makeWake } from './waking.ts';

export interface LocalClusterOptions {
  /** Sealed: what is given is sealed on the way down. */
  readonly storage: Storage;
  readonly names: Names;
  readonly kinds: readonly ActorKind<never>[];
  now(): number;
  randomBytes(bytes: number): Buffer;
  setInterval(run: () => void, ms: number): { clear(): void };
  after(run: () => void, ms: number): { clear(): void };
  fault(what: string, error: unknown): void;
  activated?(id: ActorId): void;
}

export interface LocalCluster extends Cluster {
  counts(): Record<string, number>;
  /**
   * Removes all records of a mount that is in no mount table any more. Safe to repeat.
   * @throws the signal's reason where it fires first.
   */
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

export function makeLocalCluster(options: LocalClusterOptions): LocalCluster {
  const { storage } = options;
  const wake = makeWake(
    () => actors,
    () => cluster,
  );
  const timers = makeDueTimers({ ...options, wake });
  const actors: Actors = makeActors({ ...options, timers: options, timerSet: timers.set });

  const cluster: LocalCluster = {
    send: actors.send,
    peek: (id) => actors.peek(actorKey(id)),
    ...makeLists(options),
    counts: actors.counts,
    async sweepMount(namespace, mount, signal, removed) {
      await actors.releaseMount(mount);
      await sweepMountRecords(storage, namespace, mount, signal, removed);
    },
    start: actors.start,
    startTimers: timers.start,
    async stop() {
      // Both at once: a due actor with much to do is told `sealed` at its next step, and goes on after the next start.
      await Promise.all([timers.stop(), actors.stop()]);
    },
  };
  return cluster;
}
