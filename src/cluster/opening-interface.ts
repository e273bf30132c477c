/**
 * How a node comes to have its keys and to serve, and the way back: what the rest of the program asks for, whether the node is alone
 * (`pipeline/lifecycle.ts`) or one of several (`opening.ts`), and what the latter needs.
 *
 * @module
 */
import type { Clock } from '../model/clock.ts';
import type { SealStatus } from '../model/seal.ts';
import type { SealDraft } from '../seal/rekeying.ts';
import type { Seal } from '../seal/seal.ts';
import type { Faults } from './faults.ts';
import type { Membership } from './membership.ts';
import type { MembershipHooks } from './membership-hooks.ts';
import type { Post } from './post.ts';

export interface Initialized {
  readonly keys: Uint8Array[];
  readonly rootToken: string;
}

export interface SealRequest {
  /** This node alone; it stays sealed until it is given shares or started again. Otherwise the cluster. */
  readonly nodeOnly?: boolean;
  /** The one who asks is among the requests that run here, and cannot be waited for. */
  readonly isRequest?: boolean;
}

export interface Lifecycle {
  /** True until everything is open: this node is to serve. */
  isSealed(): boolean;
  /** Other nodes serve. Absent: it is alone. */
  othersServe?(): boolean;
  /** Sealed until all is open. In a cluster progress is what all nodes were given together. */
  status(): Promise<SealStatus>;
  /**
   * Makes keys and founds the store, all of it or nothing: after a crash on the way it is as if it had not begun.
   * @param more - done before the store counts as initialised: by whom the keys must not be lost, or who has more to found.
   * @throws CodedError `bad_request` where it is initialised; `unavailable` where another node is at it, or the cluster cannot be entered.
   */
  init(
    config: { shares: number; threshold: number },
    more?: (made: Initialized) => Promise<void>,
  ): Promise<Initialized>;
  /** Gives one share. @throws CodedError where it does not fit. */
  unseal(share: Uint8Array): Promise<SealStatus>;
  /** Forgets the shares given so far. */
  reset(): Promise<void>;
  /**
   * Resolves when the keys are gone: in a cluster those of every node, unless it is `nodeOnly`. Where `isSealed`,
   * nothing. @throws CodedError `unavailable` where it is this node that is sealed, while others serve.
   */
  seal(request?: SealRequest): Promise<void>;
  /** Begins a new term; resolves when every member encrypts with it. */
  rotate(): Promise<void>;
  /** The same where the term in use is older than is configured. To be called now and then, by each node. */
  rotateIfDue(): Promise<void>;
  /**
   * Puts another seal in force, and resolves when every member goes by it.
   * @param before - id of the seal that it replaces. @throws as `Rekeying.install`; CodedError `unavailable` where nothing was changed.
   */
  replaceSeal(draft: SealDraft, before: string): Promise<void>;
}

export interface OpeningOptions {
  readonly clock: Clock;
  readonly seal: Seal;
  readonly post: Pick<Post, 'transport' | 'request' | 'onRequest'>;
  membership(): Membership;
  /** This node's actors: they take messages between `start` and `stop`. Both may be repeated. */
  readonly cluster: { start(): void; stop(): Promise<void> };
  readonly catalog: { load(): Promise<void>; catchUp(): Promise<void>; clear(): void };
  /** Opens what hangs on the catalog, audit devices first; every step may be repeated. */
  open(): Promise<void>;
  /** The reverse of `open`. Must not fail. */
  close(): Promise<void>;
  /** Writes what a new store begins with. Returns the root token. */
  found(): Promise<string>;
  /** Its identity is barred for good: no share can open it. Absent: it is not. */
  isRemoved?(): boolean;
  /** Ids of the requests of clients that run here. */
  requestsRunning(): readonly string[];
  /** Told in the turn in which the node begins to serve after it was sealed; and when it no longer does. */
  changed?(open: boolean): void;
  fault(what: string, error: unknown): void;
  readonly faults?: Faults;
}

export interface Opening extends Lifecycle {
  /** What the membership asks of the seal, and of what opens with it. The others' parts are the caller's to add. */
  readonly hooks: Pick<MembershipHooks, 'prepare' | 'catchUp' | 'closeDoor' | 'onSealed'>;
  /** To be called from the hooks of the same names, and from `onView`. */
  look(): void;
  /** Asks members for the keys from now on. The membership is started before, or in the same turn. */
  start(): void;
  /** Leaves the view in peace if that is possible soon, then wipes all keys. */
  stop(): Promise<void>;
}
