/**
 * Planted faults of the membership (protocol §21): each drops one rule, so that the simulator can show that it would find out. Handed in
 * by tests alone.
 *
 * @module
 */

export type Faults = ReadonlySet<string>;

export const FAULT = {
  /** Evicts who missed a beat. */
  evictionWaitSkipped: 'eviction-wait-skipped',
  /** W is not above σ·D, and nobody refuses to start with it. */
  evictionWaitBelowDeadline: 'eviction-wait-below-deadline',
  /** The record may have been beaten meanwhile, and is deleted all the same. */
  evictionWithoutRecordVersion: 'eviction-without-record-version',
  /** Silence goes on counting while the coordinator was away from the one who counts. */
  countNotRestarted: 'count-not-restarted',
  /** Also moves shards between those who live. */
  evictionMovesLivingShards: 'eviction-moves-living-shards',
  activationWithoutAcknowledgements: 'activation-without-acknowledgements',
  olderViewAccepted: 'older-view-accepted',
  cancelledNumberReused: 'cancelled-number-reused',
  /** The deadline counts from the answer to a beat, not from its sending. */
  sessionCountedFromArrival: 'session-counted-from-arrival',
  /** The node serves as long as nobody told it that it is evicted. */
  deadlineIgnored: 'deadline-ignored',
} as const;
