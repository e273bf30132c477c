/**
 * Links and grants, as the rest of the cluster sees them (protocol §7).
 *
 * @module
 */
import type { ActorId, ActorKind } from '../../model/actor.ts';
import type { Clock } from '../../model/clock.ts';
import type { PeerId } from '../../model/transport.ts';
import type { Faults } from '../faults.ts';
import type { Membership } from '../membership-interface.ts';
import type { Post } from '../post.ts';
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

/** What an owner hands out: the committed state as its kind encodes it. */
export interface Snapshot {
  /** Undefined: nothing is stored. */
  readonly head: Uint8Array | undefined;
  readonly version: number;
  /** It is good for no longer than this, ms: a token with little time left. */
  readonly termMs?: number;
}

export interface GrantsOptions {
  readonly clock: Clock;
  readonly post: Post;
  membership(): Pick<Membership, 'inc' | 'view' | 'members' | 'isInTime' | 'deadlineMs' | 'mayServe'>;
  readonly kinds: readonly ActorKind<never>[];
  /** σ: how much longer another's clock may take for what mine calls the same time. */
  readonly sigma: number;
  /**
   * The committed state of an own actor; undefined where it is not active, is not worth it, or a change, a commit or a reload of it is under way.
   * What is answered is on its way in the same turn.
   */
  snapshotOf(id: ActorId): Snapshot | undefined;
  /** Makes it active, so that `snapshotOf` has something to say; then that is asked once more. Absent: who asks is sent away. */
  activate?(id: ActorId): Promise<void>;
  /**
   * How long a holder is not granted what was hardly read before a change ended it, the first time, ms; 0: all that is asked for is
   * granted. GRANT_COLD_MS where absent.
   */
  readonly coldMs?: number;
  fault(what: string, error: unknown): void;
  readonly faults?: Faults;
}

export interface Grants {
  // What a holder does
  /** The replica, if it is good in this turn. */
  peek(key: string): Replica | undefined;
  /** The replica, good or not: its `state` tells. */
  held(key: string): Replica | undefined;
  /**
   * The replica's state however old: for `partition_reads`, out of time (protocol §16). Undefined where none is held, and once a term of its own is
   * over.
   */
  peekStale(key: string): unknown;
  /** Of this node; in time again after it answered from old ones, before the first other answer. */
  dropReplicas(): void;
  /**
   * Asks the actor's owner, once however many ask at the same time. Undefined: not granted, or lost on the way: send the operation instead.
   * @param spanMs - within which its last REPLICA_READS_WORTH reads here fell, for `hot` ones; 0 where absent.
   */
  ask(id: ActorId, spanMs?: number): Promise<Replica | undefined>;
  /**
   * Until the returned function is called, an `end` for these actors is not answered; nor does `end` below resolve for own ones. To be called
   * in the turn in which `goodUntilMs` was asked and the letter leaves; released when it is answered, or when that time has come. The actor
   * that the letter goes to must not be among them: its change would wait for itself.
   */
  pin(keys: readonly string[]): () => void;
  /**
   * Earliest end of the replicas of `keys`, monotonic ms; own actors count until the session's deadline. -Infinity: one is not good, or is an own
   * one whose change is under way (between `block` and `release`): what rested on it now would not be waited for. Whether they are still what
   * the request was authorized by is asked elsewhere, in the same turn.
   */
  goodUntilMs(keys: readonly string[]): number;
  /** Undefined: of no own actor among these a change is under way. Otherwise resolves when one more of them is through. */
  whenReleased(keys: readonly string[]): Promise<void> | undefined;

  // What an owner does
  /**
   * Undefined: nobody holds it, in this turn. Otherwise resolves when no holder may answer from it any more.
   * @throws Moved where `dropAll` came first: holders may still answer, and so nothing may be acknowledged.
   */
  end(key: string): Promise<void> | undefined;
  /** From now on the actor is not granted, until `release`: a commit or a reload is under way. Counts: each `block` wants its `release`. */
  block(key: string): void;
  release(key: string): void;
  /** As `end`, for all actors of these shards. */
  endShards(shards: ReadonlySet<number>): Promise<void>;

  // Both
  /**
   * The receiver's clock as its latest heartbeat showed it, and when that came by our own; for `by` (protocol §8). It is the clock of that
   * life's process: only to be used in a letter to the member `inc`.
   */
  clockOf(
    peer: PeerId,
  ): { readonly inc: string; readonly stampMs: number; readonly heardMs: number } | undefined;
  /** Members by `inc` that did not answer for UNREACHABLE_MS; for the membership. */
  unreachable(): readonly string[];
  onView(view: View): void;
  /** Evicted, sealed, stopped: all replicas and notes go in this turn. */
  dropAll(): void;
  /**
   * Resolves when nothing that was granted before `dropAll` can be used any more, and nothing that was authorized here can start: before
   * that, a node that stops by its own will gives its shards to nobody.
   */
  quiet(): Promise<void>;
  /** How many replicas are held, how many grants are given; for metrics. */
  counts(): { readonly held: number; readonly given: number };
  stop(): void;
}
