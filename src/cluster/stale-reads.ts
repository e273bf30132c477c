/**
 * `partition_reads = "allow"` (protocol §16): a node that is out of time goes on with reads of what it holds: own actors and replicas as they
 * were when it was in time last. Guarantees 4 to 6 do not hold for these answers; each says how old it may be.
 *
 * @module
 */

import { MessageContext } from '../actors/message-context.ts';
import { headPath, type Names, recordPath } from '../actors/places.ts';
import {
  type ActorId,
  type AnyActorOperation,
  actorKey,
  type Cluster,
  type Peeked,
  type SendOptions,
} from '../model/actor.ts';
import type { Clock } from '../model/clock.ts';
import { CodedError } from '../model/errors.ts';
import type { Storage } from '../model/storage.ts';
import type { Grants } from './grants/grants-interface.ts';
import type { Membership } from './membership-interface.ts';
import type { OwnActors } from './own-actors.ts';

export interface StaleReadsOptions {
  /** The way in time. */
  readonly cluster: Cluster;
  readonly clock: Clock;
  /** Sealed. */
  readonly storage: Pick<Storage, 'get'>;
  readonly names: Names;
  /** ms for which it goes on. */
  readonly maxMs: number;
  membership(): Pick<Membership, 'isInTime' | 'deadlineMs'>;
  actors(): Pick<OwnActors['actors'], 'peek'>;
  grants(): Pick<Grants, 'peekStale' | 'dropReplicas'>;
  now(): number;
  randomBytes(bytes: number): Buffer;
}

export interface StaleReads extends Cluster {
  /** ms for which this node has been out of time and answers all the same; undefined: it is in time, or answers no more. */
  ageMs(): number | undefined;
  /** It may be in time again: to be called before anything is answered then. */
  look(): void;
}

export function withStaleReads(options: StaleReadsOptions): StaleReads {
  const { cluster, clock, storage, names } = options;
  let hasAnswered = false;

  function ageMs(): number | undefined {
    const membership = options.membership();
    if (membership.isInTime()) return undefined;
    const age = clock.monotonicMs() - membership.deadlineMs();
    // Without a deadline it was never in time in this life.
    return Number.isFinite(age) && age >= 0 && age <= options.maxMs ? age : undefined;
  }

  function heldState(key: string): unknown {
    if (ageMs() === undefined) return undefined;
    return options.actors().peek(key)?.state ?? options.grants().peekStale(key);
  }

  async function readHeld(
    op: AnyActorOperation,
    id: ActorId,
    params: unknown,
    sent: SendOptions,
  ): Promise<unknown> {
    const key = actorKey(id);
    const state = heldState(key);
    if (state === undefined) throw new CodedError('unavailable');
    hasAnswered = true;
    if (!sent.claims.good()) throw new CodedError('stale_claims');
    const context = new MessageContext(id, options, sent, async (name) => {
      return (await storage.get(recordPath(headPath(names, id), name)))?.value;
    });
    return (await op.run(state, params, context)).reply;
  }

  async function send(
    op: AnyActorOperation,
    id: ActorId,
    params: unknown,
    sent: SendOptions,
  ): Promise<unknown> {
    if (op.mode === 'change' || ageMs() === undefined) return cluster.send(op, id, params, sent);
    return readHeld(op, id, params, sent);
  }

  return {
    ...cluster,
    send: send as Cluster['send'],
    peek(id) {
      const found = cluster.peek(id);
      if (found?.state !== undefined || ageMs() === undefined) return found;
      const key = actorKey(id);
      return heldState(key) === undefined ? undefined : new HeldPeek(() => heldState(key));
    },
    ageMs,
    look() {
      if (!hasAnswered || !options.membership().isInTime()) return;
      hasAnswered = false;
      options.grants().dropReplicas();
    },
  };
}

class HeldPeek implements Peeked {
  touched = true;
  readonly #state: () => unknown;
  constructor(state: () => unknown) {
    this.#state = state;
  }
  get state(): unknown {
    return this.#state();
  }
}
