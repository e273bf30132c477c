/**
 * Links and grants, as the rest of the cluster sees them (protocol §7).
 *
 * @module
 */
import type { ActorId } from '../../model/actor.ts';
import type { PeerId } from '../../model/transport.ts';
import type { View } from '../view.ts';

/** An actor's snapshot on a node that does not own it. */
export interface Replica {
  /** As decoded by its kind; undefined from the turn on in which the grant or the link is not good any more, or this node is out of time. */
  readonly state: unknown;
  /** Monotonic ms until which it is good as things stand. */
  readonly goodUntilMs: number;
  /** Of the head, as the owner had it. */
  readonly version: number;
}

export interface Grants {
  // What a holder does
  /** The replica, if it is good in this turn. */
  peek(key: string): Replica | undefined;
  /** Asks the actor's owner, once however many ask at the same time. Undefined: not granted, or lost on the way: send the operation instead. */
  ask(id: ActorId): Promise<Replica | undefined>;
  /** Until the returned function is called, an `end` for these actors is not answered; nor does `end` below resolve for own ones. */
  pin(keys: readonly string[]): () => void;
  /** Earliest end of the replicas of `keys`, monotonic ms; own actors count until the session's deadline. -Infinity: one is not good. */
  goodUntilMs(keys: readonly string[]): number;

  // What an owner does
  /** Undefined: nobody holds it, in this turn. Otherwise resolves when no holder may answer from it any more. */
  end(key: string): Promise<void> | undefined;
  /** From now on the actor is not granted, until `release`: a commit or a reload is under way. */
  block(key: string): void;
  release(key: string): void;
  /** As `end`, for all actors of these shards. */
  endShards(shards: ReadonlySet<number>): Promise<void>;

  // Both
  /** The receiver's clock as its latest heartbeat showed it, and when that came by our own; for `by` (protocol §8). */
  clockOf(peer: PeerId): { readonly stampMs: number; readonly heardMs: number } | undefined;
  /** Members by `inc` that were not heard for UNREACHABLE_MS; for the membership. */
  unreachable(): readonly string[];
  onView(view: View): void;
  /** Evicted, sealed, stopped: all replicas and notes go in this turn. */
  dropAll(): void;
  /** How many replicas are held, how many grants are given; for metrics. */
  counts(): { readonly held: number; readonly given: number };
  stop(): void;
}
