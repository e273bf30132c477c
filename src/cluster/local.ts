/**
 * A cluster of one: every actor is here, nothing needs a hop. What a cluster of many answers through `Cluster` is answered alike.
 *
 * @module
 */
import { type Actors, makeActors } from '../actors/actors.ts';
import type { Names } from '../actors/places.ts';
import { makeDueTimers } from '../actors/timers.ts';
import {
  type ActorId,
  type ActorKind,
  type ActorOperation,
  actorKey,
  type Cluster,
  OWN_CLAIMS,
} from '../model/actor.ts';
import { COMMIT_OPERATIONS } from '../model/limits.ts';
import type { Storage } from '../model/storage.ts';
import { makeLists } from './lists.ts';

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
}

export interface LocalCluster extends Cluster {
  counts(): Record<string, number>;
  /**
   * Removes all records of a mount that is in no mount table any more. Safe to repeat.
   * @throws the signal's reason where it fires first.
   */
  sweepMount(namespace: string, mount: string, signal?: AbortSignal): Promise<void>;
  /** Takes messages from now on. */
  start(): void;
  /** Begins to wake actors at their times. Everything they may send to must be ready. */
  startTimers(): Promise<void>;
  /** Ends all actors and wipes what they held. */
  stop(): Promise<void>;
}

export function makeLocalCluster(options: LocalClusterOptions): LocalCluster {
  const { storage } = options;
  const timers = makeDueTimers({ ...options, wake });
  const actors: Actors = makeActors({ ...options, timers: options, timerSet: timers.set });

  async function wake(id: ActorId, dueMs: number): Promise<'done' | 'not wanted'> {
    const kind = actors.kind(id.kind);
    if (!kind?.onDue) return 'not wanted';
    const state = await actors.send(stateNow(kind), id, undefined, { claims: OWN_CLAIMS });
    if (kind.dueAt?.(state) !== dueMs) return 'not wanted';
    await kind.onDue(state, id, cluster);
    return 'done';
  }

  const cluster: LocalCluster = {
    send: actors.send,
    peek: (id) => actors.peek(actorKey(id)),
    ...makeLists(options),
    counts: actors.counts,
    async sweepMount(namespace, mount, signal) {
      await actors.releaseMount(mount);
      const prefix = `data/${namespace}/${mount}/`;
      for (;;) {
        signal?.throwIfAborted();
        const paths = await storage.list(prefix, '', COMMIT_OPERATIONS);
        if (paths.length === 0) return;
        await storage.commit(
          paths.map((path) => ({ path, value: undefined })),
          [],
        );
      }
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

/** Through the mailbox: the entry that wakes it may be of a commit that the actor has not heard of yet. */
function stateNow(kind: ActorKind<unknown>): ActorOperation<unknown, undefined, unknown> {
  return { id: 'state', actor: kind, mode: 'change', run: (state) => ({ reply: state }) };
}
