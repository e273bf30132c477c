/**
 * How everything reaches actors from this node, wherever they are: here, on a replica, or one hop away (protocol §8). What finds nobody
 * who may answer is tried again until the request is over, changes under the same number (§9).
 *
 * @module
 */
import type { Entry } from '../actors/memory.ts';
import { type Names, shardOf } from '../actors/places.ts';
import type { ActorSendOptions } from '../actors/round.ts';
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
import {
  ROUTE_AGAIN_MAX_MS,
  ROUTE_AGAIN_MS,
  ROUTE_RETRY_MS,
  ROUTE_STORE_MS,
  SHARDS_NOTED,
} from '../model/limits.ts';
import { type Storage, StorageFailed } from '../model/storage.ts';
import { makeChangeLines, Unsettled } from './change-lines.ts';
import type { Faults } from './faults.ts';
import type { Grants, Replica } from './grants/grants-interface.ts';
import { makeLists } from './lists.ts';
import type { Membership } from './membership-interface.ts';
import { Moved } from './moved.ts';
import type { Operations } from './operations.ts';
import { type Post, wasAnswered } from './post.ts';
import { makeReplicaReads } from './replica-reads.ts';
import { makeSending } from './sending.ts';
import { makeServing } from './serving.ts';
import type { Shards } from './shards.ts';
import { ownerOf } from './view.ts';
import { makeViewWaits } from './view-waits.ts';

export interface RoutingOptions {
  readonly clock: Clock;
  readonly post: Post;
  /** Sealed: names and records come out plain. */
  readonly storage: Storage;
  readonly names: Names;
  /** σ: how much longer another's clock may take for what mine calls the same time. */
  readonly sigma: number;
  /** All that may be sent; asked at the first message. */
  operations(): Operations;
  membership(): Pick<
    Membership,
    'inc' | 'view' | 'members' | 'isInTime' | 'whenInTime' | 'deadlineMs' | 'mayServe' | 'publish'
  >;
  shards(): Pick<Shards, 'claim' | 'isHeld'>;
  actors(): {
    send(op: AnyActorOperation, id: ActorId, params: unknown, options: ActorSendOptions): Promise<unknown>;
    read(op: AnyActorOperation, id: ActorId, params: unknown, options: ActorSendOptions): unknown;
    peek(key: string): Peeked | undefined;
  };
  grants(): Pick<Grants, 'peek' | 'held' | 'ask' | 'pin' | 'goodUntilMs' | 'whenReleased' | 'clockOf'>;
  /** Sequence numbers of the catalog's sections as applied here, in the order of its sections. */
  sections(): readonly number[];
  /** Cluster time, ms. */
  now(): number;
  randomBytes(bytes: number): Buffer;
  /** @see ReplicaReadsOptions.hotReads */
  readonly hotReads?: number;
  readonly faults?: Faults;
}

export interface RoutingCounts {
  /** Operations since the start, by where they ran. */
  readonly here: number;
  readonly replica: number;
  readonly remote: number;
  /** Tries that found nobody who may answer. */
  readonly again: number;
  /** Changes that are unanswered, or wait for one that is. */
  readonly changes: number;
}

export interface Routing extends Cluster {
  /** Resolves when this node is in time, or soon is. @throws CodedError `unavailable`. */
  inTime(): Promise<void>;
  /** A newer view record has come. */
  onView(): void;
  counts(): RoutingCounts;
}

export function makeRouting(options: RoutingOptions): Routing {
  const { clock, membership, grants } = options;
  const waits = makeViewWaits(clock);
  const serving = makeServing({
    ...options,
    waits,
    send: (op, id, params, sent) => options.actors().send(op, id, params, sent),
    read: (op, id, params, sent) => options.actors().read(op, id, params, sent),
  });
  const sending = makeSending(options);
  const replicas = makeReplicaReads(options);
  const lists = makeLists(options);
  const lines = makeChangeLines(clock, () => membership().inc());
  const ran = { here: 0, replica: 0, remote: 0, again: 0 };

  const shards = new Map<string, number>();
  function shardNoted(key: string): number {
    let shard = shards.get(key);
    if (shard === undefined) {
      if (shards.size >= SHARDS_NOTED) shards.clear();
      shard = shardOf(key);
      shards.set(key, shard);
    }
    return shard;
  }

  async function inTime(): Promise<void> {
    if (!membership().isInTime() && !(await membership().whenInTime())) throw new CodedError('unavailable');
  }

  /** One try. @throws Moved where nobody who is known may answer. */
  async function attempt(message: Message): Promise<unknown> {
    const { op, id, key, params, sent, entry } = message;
    const shard = shardNoted(key);
    await inTime();
    const view = membership().view();
    const owner = view && ownerOf(view, shard);
    if (owner === undefined) throw new Moved(0);
    if (owner === membership().inc()) {
      const reply = await serving.run(op, id, shard, params, sent, entry);
      ran.here++;
      return reply;
    }
    if (op.mode === 'read') {
      const wanted = replicas.wanted(op, id, key);
      if (wanted) await wanted;
      const found = await replicas.run(op, id, key, params, sent);
      if (found) {
        ran.replica++;
        return found.reply;
      }
    }
    const reply = await sending.send({ op, id, key, params, sent, entry, shard, owner });
    ran.remote++;
    return reply;
  }

  /** A change, until somebody answers. Of an actor here the first try is begun in this turn, without the promises of `attempt`. */
  function routeChange(message: Message): Promise<unknown> {
    const { op, id, key, params, sent, entry } = message;
    const shard = shardNoted(key);
    if (!serving.isServed(shard) || sent.request?.isOver) return route(message);
    const startMs = clock.monotonicMs();
    return serving.run(op, id, shard, params, sent, entry).then(
      (reply) => {
        ran.here++;
        return reply;
      },
      (error) => route(message, { error, startMs }),
    );
  }

  /** Until somebody answers. @param first - one try has failed, which began then. */
  async function route(message: Message, first?: FailedTry): Promise<unknown> {
    let failed = first;
    let endMs = (first?.startMs ?? clock.monotonicMs()) + ROUTE_RETRY_MS;
    let pauseMs = ROUTE_AGAIN_MS;
    /** A try may have taken effect of which nobody told us. */
    let isUnknown = false;
    for (;;) {
      if (!failed && message.sent.request?.isOver) throw new CodedError('deadline');
      try {
        if (failed) throw failed.error;
        return await attempt(message);
      } catch (error) {
        failed = undefined;
        if (isUnknown && message.entry && isStale(error)) throw new Unsettled(error);
        if (isOfStore(error)) endMs = Math.min(endMs, clock.monotonicMs() + ROUTE_STORE_MS);
        else if (!mayPass(error)) throw error;
        // An owner that lets go says so too of what it has committed, and not told yet.
        isUnknown ||= error instanceof Moved ? error.epoch > 0 : isOfStore(error) || !wasAnswered(error);
      }
      ran.again++;
      if (clock.monotonicMs() + pauseMs > endMs) throw new CodedError('unavailable');
      await waits.next(pauseMs);
      pauseMs = Math.min(2 * pauseMs, ROUTE_AGAIN_MAX_MS);
    }
  }

  /** Until the store has answered, or long did not. */
  async function untilRead<T>(read: () => Promise<T>): Promise<T> {
    const endMs = clock.monotonicMs() + ROUTE_STORE_MS;
    for (let pauseMs = ROUTE_AGAIN_MS; ; pauseMs *= 2) {
      await inTime();
      try {
        return await read();
      } catch (error) {
        if (!isOfStore(error)) throw error;
        if (clock.monotonicMs() + pauseMs > endMs)
          throw new CodedError('unavailable', undefined, { cause: error });
      }
      await waits.next(pauseMs);
    }
  }

  /** A read that can be answered in this turn, or as soon as the actor is loaded. */
  function readHere(message: Message): Promise<unknown> | undefined {
    const { op, id, key, params, sent } = message;
    const shard = shardNoted(key);
    if (serving.isServed(shard)) {
      ran.here++;
      const failed = (error: unknown) =>
        error instanceof Moved || isOfStore(error) ? route(message) : Promise.reject(error);
      try {
        const reply = serving.read(op, id, shard, params, sent);
        return reply instanceof Promise ? reply.catch(failed) : Promise.resolve(reply);
      } catch (error) {
        return failed(error);
      }
    }
    if (!op.actor.replicas) return undefined;
    const found = replicas.run(op, id, key, params, sent);
    if (!found) return undefined;
    if (found instanceof Promise) return found.then((one) => (one ? one.reply : route(message)));
    ran.replica++;
    return Promise.resolve(found.reply);
  }

  function send(op: AnyActorOperation, id: ActorId, params: unknown, sent: SendOptions): Promise<unknown> {
    // Here too: what is sent from here today is sent from elsewhere tomorrow.
    if (!options.operations().get(op.id))
      return Promise.reject(new Error(`${op.id} is not among the operations`));
    const key = actorKey(id);
    if (op.mode === 'change') {
      const { request, caller } = sent;
      const accessor = caller?.accessor ?? '';
      const standing = { key, op: op.id, isUse: op.isUse, request, accessor, max: op.actor.mailboxMax };
      return lines.inTurn(standing, (entry) => routeChange({ op, id, key, params, sent, entry }));
    }
    const message: Message = { op, id, key, params, sent, entry: undefined };
    try {
      return readHere(message) ?? route(message);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  return {
    inTime,
    send: send as Cluster['send'],
    peek(id) {
      const key = actorKey(id);
      const shard = shardNoted(key);
      if (serving.isServed(shard)) {
        const peeked = options.actors().peek(key);
        return peeked && new OwnPeek(peeked, () => serving.isServed(shard));
      }
      const replica = grants().peek(key);
      return replica && new ReplicaPeek(replica);
    },
    list: (...asked) => untilRead(() => lists.list(...asked)),
    index: (...asked) => untilRead(() => lists.index(...asked)),
    isUnsettled: lines.isUnsettled,
    onView() {
      sending.onView();
      waits.onView();
    },
    counts: () => ({ ...ran, changes: lines.count() }),
  };
}

interface FailedTry {
  readonly error: unknown;
  readonly startMs: number;
}

interface Message {
  readonly op: AnyActorOperation;
  readonly id: ActorId;
  readonly key: string;
  readonly params: unknown;
  readonly sent: SendOptions;
  readonly entry: Entry | undefined;
}

function isStale(error: unknown): error is CodedError {
  return error instanceof CodedError && error.code === 'stale_claims';
}

/** The store did not do its part; it may have, where that was a change. */
function isOfStore(error: unknown): boolean {
  return error instanceof StorageFailed || (error instanceof CodedError && error.code === 'storage_failed');
}

/** May another try find what this one did not? */
function mayPass(error: unknown): boolean {
  if (error instanceof Moved) return true;
  if (!(error instanceof CodedError)) return false;
  // Too much waits at another node, or it is just being sealed; or nobody knows what became of the letter.
  if (wasAnswered(error)) return error.code === 'overloaded' || error.code === 'sealed';
  return error.code === 'connection_lost';
}

/** An own actor's state, for as long as this node may answer. */
class OwnPeek implements Peeked {
  readonly #peeked: Peeked;
  readonly #isServed: () => boolean;
  constructor(peeked: Peeked, isServed: () => boolean) {
    this.#peeked = peeked;
    this.#isServed = isServed;
  }
  get state(): unknown {
    return this.#isServed() ? this.#peeked.state : undefined;
  }
  get touched(): boolean {
    return this.#peeked.touched;
  }
  set touched(touched: boolean) {
    this.#peeked.touched = touched;
  }
}

class ReplicaPeek implements Peeked {
  readonly #replica: Replica;
  readonly isReplica = true;
  touched = true;
  constructor(replica: Replica) {
    this.#replica = replica;
  }
  get state(): unknown {
    return this.#replica.state;
  }
}
