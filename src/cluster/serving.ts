/**
 * The owner's side: runs operations on the actors of this node's shards, for itself and for letters that come. In time, claimed, and under the
 * authority they came with, all of it asked in the turn in which an operation starts (protocol §5, §8).
 *
 * @module
 */
import type { Entry } from '../actors/memory.ts';
import { shardOf } from '../actors/places.ts';
import type { ActorSendOptions } from '../actors/round.ts';
import {
  type ActorId,
  type AnyActorOperation,
  type AuthorityBasis,
  actorKey,
  type Claims,
  OWN_CLAIMS,
  type SendOptions,
} from '../model/actor.ts';
import type { Clock } from '../model/clock.ts';
import { CodedError } from '../model/errors.ts';
import { VIEW_WAIT_MS } from '../model/limits.ts';
import { StorageFailed } from '../model/storage.ts';
import type { Incoming } from '../model/transport.ts';
import type { Faults } from './faults.ts';
import { claimsOf, optionsOf, RUN, readLetter } from './letters.ts';
import type { Membership } from './membership-interface.ts';
import { Moved } from './moved.ts';
import type { Operations } from './operations.ts';
import type { Post } from './post.ts';
import type { Shards } from './shards.ts';
import type { ViewWaits } from './view-waits.ts';

export interface ServingOptions {
  readonly clock: Clock;
  readonly post: Post;
  readonly waits: ViewWaits;
  operations(): Operations;
  membership(): Pick<Membership, 'inc' | 'view' | 'isInTime' | 'mayServe' | 'publish'>;
  shards(): Pick<Shards, 'claim' | 'isHeld'>;
  send(op: AnyActorOperation, id: ActorId, params: unknown, options: ActorSendOptions): Promise<unknown>;
  /** As `Actors.read`. */
  read(op: AnyActorOperation, id: ActorId, params: unknown, options: ActorSendOptions): unknown;
  /** Sequence numbers of the catalog's sections, as applied here. */
  sections(): readonly number[];
  readonly faults?: Faults;
}

export interface Serving {
  /** Runs it here. @throws Moved where this node is not the owner, or not in time any more: nothing was done. */
  run(
    op: AnyActorOperation,
    id: ActorId,
    shard: number,
    params: unknown,
    options: SendOptions,
    entry: Entry | undefined,
  ): Promise<unknown>;
  /** Of a read, where `isServed` has just said so: the reply, or a promise of it. @throws in this turn, as `run` rejects */
  read(op: AnyActorOperation, id: ActorId, shard: number, params: unknown, options: SendOptions): unknown;
  /** In this turn: in time, and the shard is claimed. */
  isServed(shard: number): boolean;
}

/** Takes the letters that have operations run. */
export function makeServing(options: ServingOptions): Serving {
  const { clock, waits } = options;
  const epoch = () => options.membership().view()?.epoch ?? 0;

  function isServed(shard: number): boolean {
    const membership = options.membership();
    return options.shards().isHeld(shard) && membership.isInTime() && membership.mayServe(shard);
  }

  /** It may start: running ones end while their shard is drained, so it need not be this node's for long. */
  function mayStart(shard: number): boolean {
    return options.shards().isHeld(shard) && options.membership().isInTime();
  }

  function checked(
    { claims, caller, mount, request }: SendOptions,
    shard: number,
    entry: Entry | undefined,
  ): ActorSendOptions {
    const check = () => {
      if (!mayStart(shard)) throw new Moved(epoch());
    };
    return { claims: new OwnerClaims(claims, check), caller, mount, request, entry };
  }

  const run: Serving['run'] = (op, id, shard, params, sent, entry) => {
    const start = () => options.send(op, id, params, checked(sent, shard, entry));
    if (!options.membership().mayServe(shard)) return Promise.reject(new Moved(epoch()));
    const claiming = options.shards().claim(shard);
    return claiming ? claiming.then(start) : start();
  };

  async function answer(value: unknown, { timeoutMs }: Incoming): Promise<unknown> {
    const endMs = timeoutMs > 0 ? clock.monotonicMs() + timeoutMs : Number.POSITIVE_INFINITY;
    const letter = readLetter(value);
    const op = options.operations().get(letter.op);
    // An operation on a state of another kind would read into it what is not there; a change without a number could run twice.
    const fits = op?.actor.kind === letter.id.kind && (op.mode === 'read' || letter.entry !== undefined);
    if (!op || !fits) throw new CodedError('unsupported');
    if (epoch() < letter.epoch) {
      options.membership().publish();
      await waits.until(() => epoch() >= letter.epoch, VIEW_WAIT_MS);
    }
    if (letter.to !== options.membership().inc()) throw new Moved(epoch());
    const { auth } = letter;
    const claims = auth
      ? claimsOf(auth, {
          monotonicMs: clock.monotonicMs,
          sections: options.sections,
          faults: options.faults,
        })
      : OWN_CLAIMS;
    const handed = optionsOf(letter, claims, () => clock.monotonicMs() >= endMs);
    try {
      return await run(op, letter.id, shardOf(actorKey(letter.id)), letter.params, handed, letter.entry);
    } catch (error) {
      // Known to the sender as what it is: it may ask again.
      if (error instanceof StorageFailed) throw new CodedError('storage_failed', undefined, { cause: error });
      throw error;
    }
  }

  options.post.onRequest(RUN, answer);
  return {
    run,
    read: (op, id, shard, params, sent) => options.read(op, id, params, checked(sent, shard, undefined)),
    isServed,
  };
}

/** Good only where this node may still answer; a class, since each message has one. */
class OwnerClaims implements Claims {
  readonly #claims: Claims;
  readonly #check: () => void;

  /** @param check - throws what the message is answered where it must not start */
  constructor(claims: Claims, check: () => void) {
    this.#claims = claims;
    this.#check = check;
  }
  good(): boolean {
    this.#check();
    return this.#claims.good();
  }
  get mayCreate(): boolean {
    return this.#claims.mayCreate;
  }
  get mayUpdate(): boolean {
    return this.#claims.mayUpdate;
  }
  get basis(): (() => AuthorityBasis) | undefined {
    return this.#claims.basis;
  }
}
