/**
 * Actors as declared and as addressed. An actor is the only writer of one thing's state; its id names namespace, mount, kind and name.
 *
 * @module
 */
import type { Caller } from './caller.ts';
import type { Mount } from './mount.ts';
import type { Request } from './request.ts';

export interface ActorId {
  readonly kind: string;
  readonly namespace: string;
  /** The mount's uuid. */
  readonly mount: string;
  /** A canonical path or name; `/` separates segments, which rest sealed one by one. */
  readonly name: string;
}

/** One text for one actor; two actors never share one, since only the name may hold `/`. */
export function actorKey(id: ActorId): string {
  if (id !== lastId) {
    lastKey = `${id.kind}:${id.namespace}/${id.mount}/${id.name}`;
    lastId = id;
  }
  return lastKey;
}

/** A message's way asks for the same one several times in one turn, and a text that was looked up once is hashed already. */
let lastId: ActorId | undefined;
let lastKey = '';

/** Reads one of the actor's further records (see `RecordChange`), as last committed. */
export type ReadRecord = (name: string) => Promise<Uint8Array | undefined>;

/**
 * Thrown by a read whose record is not there: a change took it away after the read had begun. The owner runs the read again, in the
 * mailbox, where nothing changes under it; if the record is missing there too, the store has lost it.
 */
export class RecordGone extends Error {
  constructor(name: string) {
    super(`the record ${name} is missing`);
    this.name = 'RecordGone';
  }
}

/** A record beside the head. `name` is a short word of ours, such as `v/3`: never a secret, it rests readable. */
export interface RecordChange {
  readonly name: string;
  /** Undefined: delete. */
  readonly value: Uint8Array | undefined;
}

/** An index entry that this actor alone writes, `by/<index>/<group>/<entry>`: a hint, its reader asks the actor. */
export interface IndexEntry {
  readonly index: string;
  readonly group: string;
  readonly entry: string;
}

/**
 * A kind of actor: declared, not coded. `S` is its state, never changed in place: an operation returns the next one.
 * The state of an actor of which nothing is stored is what `decode(undefined)` gives.
 */
export interface ActorKind<S> {
  readonly kind: string;
  /** Active at most on one node; beyond it one that was not used lately is passivated first. */
  readonly activeMax: number;
  readonly idleMs: number;
  /** Waiting messages; one more is answered `overloaded`. */
  readonly mailboxMax: number;
  /** Keep it active though nothing is stored of it: for names of ours, which nobody can guess up by the thousand. */
  readonly keepsAbsent?: true;
  decode(head: Uint8Array | undefined, id: ActorId, read: ReadRecord): S | Promise<S>;
  /** The head record; undefined: nothing is left, the head is deleted. */
  encode(state: S): Uint8Array | undefined;
  /** Wall-clock ms at which `onDue` wants to run; kept in the timer index by the same commit. */
  dueAt?(state: S): number | undefined;
  /** Runs at `dueAt`, on the owner, once the state still says so. It sends its own operations. */
  onDue?(state: S, id: ActorId, cluster: Cluster): Promise<void>;
  indexes?(state: S, id: ActorId): readonly IndexEntry[];
  /** Zeroes key bytes before the state is let go. */
  wipe?(state: S): void;
  /**
   * Other nodes may hold read-only snapshots: `always` asked for at the first read, `hot` where reads outnumber changes. A snapshot crosses as
   * `encode` and `decode` make it. Absent: never.
   */
  readonly replicas?: 'always' | 'hot';
  /** Cluster time, ms, until which a snapshot may be answered from. Undefined: no end. */
  goodUntilMs?(state: S): number | undefined;
  /**
   * The owner awaits it after each commit, before it replies, and after each load, before the first change runs: what must be known everywhere
   * before it counts (protocol §10).
   */
  announce?(state: S, id: ActorId): Promise<void>;
}

/** What a changing operation leaves. Without `next` nothing changes and nothing is committed. */
export interface Outcome<S, R> {
  readonly reply: R;
  readonly next?: { readonly state: S; readonly records?: readonly RecordChange[] };
}

/**
 * The authority under which a message was sent. The owner asks `good()` in the turn in which the operation starts
 * (protocol §8); false: answered `stale_claims`, and the sender authorizes anew.
 */
export interface Claims {
  good(): boolean;
  /** For operations that create or update: which of the two the policies allow. */
  readonly mayCreate: boolean;
  readonly mayUpdate: boolean;
  /** What `good` rests on, for an operation that starts on another node. Absent: the program's own authority. */
  readonly basis?: () => AuthorityBasis;
}

/** What a request was authorized by, as it stands in the turn in which it is asked for. */
export interface AuthorityBasis {
  /** The token's actor and those of all its ancestors; none on open routes. */
  readonly actors: readonly ActorId[];
  /** Sequence numbers of the catalog's sections as applied here, in the order of its sections. */
  readonly sections: readonly number[];
}

/** Authority of the program itself: timers, sweeps, start-up. */
export const OWN_CLAIMS: Claims = { good: () => true, mayCreate: true, mayUpdate: true };

/** What an operation inside an actor is given besides state and params. */
export interface ActorContext {
  readonly id: ActorId;
  readonly claims: Claims;
  /** Wall clock, ms. */
  now(): number;
  randomBytes(bytes: number): Buffer;
  record: ReadRecord;
  /** Absent where the program itself sends the message. */
  readonly caller?: Caller;
  readonly mount?: Mount;
}

/** An operation of an actor. `id` is unique in the program: it is what a message between nodes names. */
export interface ActorOperation<S, P, R> {
  readonly id: string;
  readonly actor: ActorKind<S>;
  /** `read`: runs on the committed snapshot at once, queues behind nothing. `change`: runs in the mailbox, one at a time. */
  readonly mode: 'read' | 'change';
  /** It uses something up: asked for twice it is two uses, also where a client calls both one request. */
  readonly isUse?: true;
  /** A change that mostly changes nothing: then it is answered at once where nothing waits that it could overtake. It may be run twice. */
  readonly mostlyKeeps?: true;
  /**
   * It makes an actor under a name that hardly anybody has used, a random one, of a kind whose state is undefined where nothing is stored: it runs
   * as if that were so, without a look at the store, and its commit finds out; where it was not so it runs again.
   */
  readonly creates?: true;
  /** With `creates`: hardly anybody asks soon for what it has made, so that it is let go of once it is stored. */
  readonly leaves?: true;
  run(state: S, params: P, ctx: ActorContext): Outcome<S, R> | Promise<Outcome<S, R>>;
}

// biome-ignore lint/suspicious/noExplicitAny: operations on states of many kinds stand in one list
export type AnyActorOperation = ActorOperation<any, any, any>;

export interface SendOptions {
  readonly claims: Claims;
  readonly caller?: Caller;
  readonly mount?: Mount;
  /** The request it is for: once that is over, nothing of it starts any more. */
  readonly request?: Pick<Request, 'isOver' | 'clientId'>;
}

/**
 * An active actor, seen from outside. It may be kept: `state` is always the committed one, and undefined once the actor is active no more.
 */
export interface Peeked {
  readonly state: unknown;
  /** It is another node's: what ends by time ends by that one's clock, and with it the replica. */
  readonly isReplica?: true;
  /** Set it where a kept one is used, or the actor is taken for idle. */
  touched: boolean;
}

/** How everything reaches actors, wherever they are. */
export interface Cluster {
  send<S, P, R>(op: ActorOperation<S, P, R>, id: ActorId, params: P, options: SendOptions): Promise<R>;
  /** The actor's committed state if it may be answered from in this turn; undefined: it has to be sent to. */
  peek(id: ActorId): Peeked | undefined;
  /** Names one level below `prefix` ('' or ending in `/`): actors, and `folder/` where there are more below; sorted by bytes. */
  list(
    kind: string,
    namespace: string,
    mount: string,
    prefix: string,
    options?: { after?: string; limit?: number },
  ): Promise<string[]>;
  /** Entries of an index group, at most `limit`, unsorted. */
  index(index: string, group: string, limit: number): Promise<string[]>;
  /** May a change of this request have taken effect of which it has heard nothing? Absent: none ever may. */
  isUnsettled?(request: object): boolean;
}
