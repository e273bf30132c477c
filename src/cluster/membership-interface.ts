/**
 * A node's membership as the rest of the node sees it.
 *
 * @module
 */
import type { Clock } from '../model/clock.ts';
import type { Coordinator } from '../model/coordinator.ts';
import type { Log } from '../model/log.ts';
import type { Faults } from './faults.ts';
import type { MemberRecord, NodeDescription } from './member-record.ts';
import type { MembershipHooks } from './membership-hooks.ts';
import type { MembershipTimes } from './times.ts';
import type { View } from './view.ts';

export interface MembershipOptions {
  readonly clock: Clock;
  readonly coordinator: Coordinator;
  readonly hooks: MembershipHooks;
  readonly log: Log;
  /** What the record says of this node; read anew for each beat. */
  describe(): NodeDescription;
  randomBytes(bytes: number): Uint8Array;
  readonly times?: MembershipTimes;
  /** The highest protocol that the operator allows; absent: no bound. */
  readonly protocolMax?: number;
  readonly faults?: Faults;
}

export interface Membership {
  /** Begins to beat, sealed, as no member. @throws CodedError where W < σ·D. */
  start(): void;
  /** The keys are in memory, or are no more. Unsealed, it joins. */
  setSealed(sealed: boolean): void;
  /**
   * Keys may be on their way to this node, or are not any more: its record says so, and a seal of the cluster waits for it though it is
   * no member. Whoever gives keys first sees the record.
   */
  expectKeys(expected: boolean): void;
  /** This life's id; another after each eviction. */
  inc(): string;
  view(): View | undefined;
  /** Reads view and members now, linearizably. False: the coordinator does not answer. */
  lookNow(): Promise<boolean>;
  /** Records of all nodes as last seen, by `inc`; also of such as are no members. */
  members(): ReadonlyMap<string, MemberRecord>;
  /** It beat lately, as far as this node can tell. */
  isBeating(inc: string): boolean;
  /** For how long its record has stood still, as far as this node can tell, ms. */
  silenceMs(inc: string): number;
  /** It may still be at work, as far as this node can tell: its record is there, and not silent for W. */
  isAlive(inc: string): boolean;
  /**
   * It may answer: in time, and a member that has entered. To be asked in the same turn of the event loop in which the state is
   * read.
   */
  isInTime(): boolean;
  /** d on this node's monotonic clock; nothing that it grants may last longer. */
  deadlineMs(): number;
  /** True as soon as `isInTime`, false after HOLD: then 503 with Retry-After: 1. */
  whenInTime(): Promise<boolean>;
  /** Own by the view, not given away, and entered: it may be claimed and served, in time. */
  mayServe(shard: number): boolean;
  /** Own by the view, but given away in a pending proposal: messages wait for the next view record. */
  isGivenAway(shard: number): boolean;
  /** Beats now: what `describe` or the hooks say for the record has changed. */
  publish(): void;
  /** Drains, and is a member no more. Stays out until `start`. */
  leave(): Promise<void>;
  /** Drops everything at once, and takes itself out of the view if the coordinator answers. */
  stop(): Promise<void>;
  /** Seals the cluster. Resolves when no node that is left has keys; at once where there is no view. */
  sealCluster(): Promise<void>;
}
