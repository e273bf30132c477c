/**
 * Planted faults (protocol §21): each drops one rule, so that the simulator can show that it would find out. Handed in
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
  /** A seal of the cluster returns once the view says so, whoever still has keys. */
  sealNotWaitedFor: 'seal-not-waited-for',
  /** A node that leaves says so while requests still run on it. */
  leavingAuthorizes: 'leaving-authorizes',

  /** A change is acknowledged while holders still answer with what was before. */
  invalidationNotAwaited: 'invalidation-not-awaited',
  /** Any answer to an `end` ends the grant that runs, also one about a grant before it. */
  oldEndAnswerCounts: 'old-end-answer-counts',
  /** A snapshot that was asked for before an `end` came is kept when it comes after it. */
  endLeavesOpenAsk: 'end-leaves-open-ask',
  /** A link's term counts from the answer to a heartbeat, not from its sending. */
  linkCountedFromArrival: 'link-counted-from-arrival',
  /** The owner grants for as long as ever, though its own deadline is nearer. */
  grantOutlivesDeadline: 'grant-outlives-deadline',
  /** The receiver's clock counts as read when it was asked for, not when it came. */
  stampCountedFromAsking: 'stamp-counted-from-asking',
  /** An `end` is answered though requests that the replica authorized are on their way. */
  pinsIgnored: 'pins-ignored',
  /** The owner runs what was authorized under an older catalog. */
  claimsUnchecked: 'claims-unchecked',
  /** The owner runs what came when nothing the sender had read need be good any more. */
  byIgnored: 'by-ignored',
  /** Messages are written by the newest version that their sender speaks. */
  writesByOwnNewest: 'writes-by-own-newest',
  /** The view's version is raised to what its keeper speaks, whatever the others do. */
  raisedForKeeper: 'raised-for-keeper',
  /** Who does not speak the view's version may join. */
  joinerUnheard: 'joiner-unheard',
  /** Evicted, a node keeps what it was granted. */
  evictedKeepsReplicas: 'evicted-keeps-replicas',
} as const;

/** Of the catalog. */
export const CATALOG_FAULT = {
  /** A section's owner answers a change before the members have applied it. */
  acknowledgedEarly: 'catalog-acknowledged-early',
  /** A member says that it has applied a catalog change, and does so later. */
  appliedLate: 'catalog-applied-late',
  /** Members of the proposed view need not apply catalog changes. */
  joinerNotWaitedFor: 'catalog-joiner-not-waited-for',
  /** A joiner rests on the catalog that it loaded before the others had acknowledged it. */
  notCaughtUp: 'catalog-not-caught-up',
  /** A section's new owner does not tell what its forerunner committed last. */
  headNotResent: 'catalog-head-not-resent',
} as const;

/** Of claims; those of the actors themselves stand with them. */
export const SHARD_FAULT = {
  /** A shard is claimed though a later epoch stands in its fence. */
  claimWithoutEpoch: 'claim-without-epoch',
  /** Actors are loaded while their shard's claim is under way. */
  loadBeforeClaim: 'load-before-claim',
} as const;
