/**
 * Planted faults (protocol §21): each breaks one rule in the parts that are handed in, so that it can be shown that the simulator would find
 * out. `foundBy` is the invariant that must say so, `seed` one run in which it does.
 *
 * @module
 */
import { ACTOR_FAULT } from '../src/actors/faults.ts';
import { CATALOG_FAULT, FAULT, SHARD_FAULT } from '../src/cluster/faults.ts';
import { FENCE_PREFIX } from '../src/cluster/fences.ts';
import { decodeView, encodeView, VIEW_KEY } from '../src/cluster/view.ts';
import type { Cluster } from '../src/model/actor.ts';
import type { Coordinator } from '../src/model/coordinator.ts';
import type { Change, Condition, Storage } from '../src/model/storage.ts';

import type { ServerPlant } from './sim/server.ts';
import type { ConnectOptions } from './sim/storage.ts';

export interface PlantedFault {
  readonly about: string;
  readonly scenario: string;
  readonly foundBy: readonly string[];
  readonly seed: number;
  /** Of that run. */
  readonly operations: number;
  readonly connect?: ConnectOptions;
  readonly storage?: (storage: Storage) => Storage;
  readonly server?: ServerPlant;
  readonly coordinator?: (coordinator: Coordinator) => Coordinator;
  /** One of `src/cluster/faults.ts`. */
  readonly membership?: string;
}

export const FAULTS = {
  'commit-unconditional': {
    about: 'no condition on commit, neither fence nor version',
    scenario: 'kv',
    foundBy: ['I1', 'I2'],
    seed: 3,
    operations: 1000,
    connect: { keeps: () => false },
  },
  'silence-trusted': {
    about: 'a commit of unknown outcome counts as done',
    scenario: 'kv',
    foundBy: ['I1'],
    seed: 1,
    operations: 200,
    connect: { trustsSilence: true },
  },
  'commit-unconditional-shared': {
    about: 'no condition on commit, and several nodes write',
    scenario: 'shared',
    foundBy: ['I2'],
    seed: 1,
    operations: 200,
    connect: { keeps: () => false },
  },
  'ancestors-ignored': {
    about: 'a token is good though an ancestor is revoked',
    scenario: 'tokens',
    foundBy: ['I7'],
    seed: 1,
    operations: 200,
    server: { cluster: withoutAncestors },
  },
  'use-counted-after': {
    about: 'a use is counted after the operation that it allowed',
    scenario: 'tokens',
    foundBy: ['I9'],
    seed: 3,
    operations: 200,
    server: { countsUsesAfter: true },
  },
  'timers-not-scanned': {
    about: 'a node that starts does not look for timers of before',
    scenario: 'tokens',
    foundBy: ['I10'],
    seed: 1,
    operations: 200,
    storage: withoutTimersAtStart,
  },
  'eviction-wait-skipped': {
    about: 'who missed a beat is evicted',
    scenario: 'membership',
    foundBy: ['I3'],
    seed: 1,
    operations: 100,
    membership: FAULT.evictionWaitSkipped,
  },
  'eviction-wait-below-deadline': {
    about: 'the silence before an eviction is shorter than the deadline',
    scenario: 'membership',
    foundBy: ['I3'],
    seed: 3,
    operations: 100,
    membership: FAULT.evictionWaitBelowDeadline,
  },
  'eviction-without-record-version': {
    about: 'an eviction does not look whether the record was beaten meanwhile',
    scenario: 'membership',
    foundBy: ['I3'],
    seed: 22,
    operations: 100,
    membership: FAULT.evictionWithoutRecordVersion,
  },
  'count-not-restarted': {
    about: 'silence counts on through an outage of the coordinator',
    scenario: 'membership',
    foundBy: ['I14'],
    seed: 1,
    operations: 100,
    membership: FAULT.countNotRestarted,
  },
  'eviction-moves-living-shards': {
    about: 'an eviction also moves shards between the living',
    scenario: 'membership',
    foundBy: ['I3', 'I11'],
    seed: 1,
    operations: 100,
    coordinator: movingLivingShards,
  },
  'activation-without-acknowledgements': {
    about: 'a proposal is activated before all have acknowledged it',
    scenario: 'membership',
    foundBy: ['I11', 'I3'],
    seed: 1,
    operations: 100,
    membership: FAULT.activationWithoutAcknowledgements,
  },
  'older-view-accepted': {
    about: 'an older view record overwrites a newer',
    scenario: 'membership',
    foundBy: ['I3', 'I14'],
    seed: 23,
    operations: 100,
    membership: FAULT.olderViewAccepted,
  },
  'cancelled-number-reused': {
    about: 'a cancelled number is used again',
    scenario: 'membership',
    foundBy: ['I11'],
    seed: 1,
    operations: 100,
    membership: FAULT.cancelledNumberReused,
  },
  'session-counted-from-arrival': {
    about: 'a session is counted from the answer to a beat',
    scenario: 'membership',
    foundBy: ['I3'],
    seed: 23,
    operations: 100,
    membership: FAULT.sessionCountedFromArrival,
  },
  'deadline-ignored': {
    about: 'an owner does not look at its deadline',
    scenario: 'membership',
    foundBy: ['I3'],
    seed: 1,
    operations: 100,
    membership: FAULT.deadlineIgnored,
  },
  'no-fence': {
    about: 'no fence in the commit',
    scenario: 'cluster',
    foundBy: ['I1', 'I2'],
    seed: 7,
    operations: 800,
    connect: { keeps: isNoFence },
  },
  'commit-without-version': {
    about: 'no record version in the commit: a late one overwrites what came after',
    scenario: 'cluster',
    foundBy: ['I1', 'I2'],
    seed: 123,
    operations: 800,
    membership: ACTOR_FAULT.commitWithoutVersion,
  },
  'claim-without-epoch': {
    about: 'a shard is claimed though a later epoch stands in its fence',
    scenario: 'cluster',
    foundBy: ['I3', 'I1'],
    seed: 16,
    operations: 2000,
    membership: SHARD_FAULT.claimWithoutEpoch,
  },
  'answered-before-grants-end': {
    about: 'a change is answered before grants have ended',
    scenario: 'cluster',
    foundBy: ['I1', 'I4', 'I5'],
    seed: 52,
    operations: 800,
    membership: ACTOR_FAULT.answeredBeforeGrantsEnd,
  },
  'outcomes-forgotten': {
    about: 'outcomes are forgotten on take-over',
    scenario: 'cluster',
    foundBy: ['I1', 'I2', 'I8'],
    seed: 3,
    operations: 800,
    membership: ACTOR_FAULT.outcomesForgotten,
  },
  'outcomes-of-last-few': {
    about: 'only the outcomes of the last few changes are kept',
    scenario: 'cluster',
    foundBy: ['I1', 'I2', 'I8'],
    seed: 27,
    operations: 300,
    membership: ACTOR_FAULT.outcomesOfLastFew,
  },
  'timers-not-scanned-at-claim': {
    about: 'timers are not looked for when a shard is claimed',
    scenario: 'cluster-tokens',
    foundBy: ['I10'],
    seed: 1,
    operations: 300,
    membership: ACTOR_FAULT.timersNotScanned,
  },
  'owner-ignores-deadline': {
    about: 'an owner answers though its deadline has passed',
    scenario: 'cluster',
    foundBy: ['I1', 'I3'],
    seed: 1,
    operations: 300,
    membership: FAULT.deadlineIgnored,
  },
  'catalog-acknowledged-early': {
    about: 'a catalog change is answered before all members have applied it',
    scenario: 'cluster-policies',
    foundBy: ['I6', 'I12'],
    seed: 1,
    operations: 800,
    membership: CATALOG_FAULT.acknowledgedEarly,
  },
  'catalog-applied-late': {
    about: 'a member says that it has applied a catalog change, and has not yet',
    scenario: 'cluster-policies',
    foundBy: ['I6', 'I12'],
    seed: 1,
    operations: 800,
    membership: CATALOG_FAULT.appliedLate,
  },
  'catalog-not-caught-up': {
    about: 'a joiner rests on the catalog that it loaded before the others acknowledged it',
    scenario: 'cluster-policies',
    foundBy: ['I6', 'I12'],
    seed: 14,
    operations: 200,
    membership: CATALOG_FAULT.notCaughtUp,
  },
  'catalog-joiner-not-waited-for': {
    about: 'a catalog change does not wait for members of the proposed view',
    scenario: 'cluster-policies',
    foundBy: ['I6', 'I12'],
    seed: 6,
    operations: 200,
    membership: CATALOG_FAULT.joinerNotWaitedFor,
  },
  'catalog-head-not-resent': {
    about: "a section's new owner does not tell what its forerunner committed last",
    scenario: 'cluster-policies',
    foundBy: ['I6', 'I12'],
    seed: 48,
    operations: 300,
    membership: CATALOG_FAULT.headNotResent,
  },
  'pins-ignored': {
    about: 'a revocation does not wait for what the token has authorized and is on its way',
    scenario: 'cluster-tokens',
    foundBy: ['I7'],
    seed: 7,
    operations: 800,
    membership: FAULT.pinsIgnored,
  },
  'by-ignored': {
    about: 'an owner starts what comes when the token it was authorized by need not be good any more',
    scenario: 'cluster-tokens',
    foundBy: ['I7'],
    seed: 100,
    operations: 400,
    membership: FAULT.byIgnored,
  },
  'invalidation-not-awaited': {
    about: 'a change is answered while other nodes still answer with what was before',
    scenario: 'cluster-replicas',
    foundBy: ['I1'],
    seed: 15,
    operations: 1500,
    membership: FAULT.invalidationNotAwaited,
  },
  'end-leaves-open-ask': {
    about: 'a snapshot that a change passed on its way is kept',
    scenario: 'cluster-replicas',
    foundBy: ['I1'],
    seed: 4,
    operations: 1500,
    membership: FAULT.endLeavesOpenAsk,
  },
  'claims-unchecked': {
    about: 'an owner runs what was authorized under an older catalog',
    scenario: 'cluster-policies',
    foundBy: ['I6'],
    seed: 6,
    operations: 800,
    membership: FAULT.claimsUnchecked,
  },
  'seal-not-waited-for': {
    about: 'a seal of the cluster returns while other nodes have keys',
    scenario: 'cluster-sealing',
    foundBy: ['I13'],
    seed: 1,
    operations: 400,
    membership: FAULT.sealNotWaitedFor,
  },
} as const satisfies Record<string, PlantedFault>;

export type FaultName = keyof typeof FAULTS;

export function isFaultName(name: string): name is FaultName {
  return Object.hasOwn(FAULTS, name);
}

export function plantedIn(fault: FaultName | undefined): Partial<PlantedFault> {
  return fault === undefined ? {} : FAULTS[fault];
}

/** A claim still has its condition. */
function isNoFence({ path }: Condition, changes: readonly Change[]): boolean {
  return !path.startsWith(FENCE_PREFIX) || changes.some((change) => change.path === path);
}

/** A token whose parent nobody sees. */
function orphaned<T>(state: T): T {
  const parent = (state as { parent?: string } | undefined)?.parent;
  return parent === undefined ? state : { ...state, parent: undefined };
}

function withoutAncestors(cluster: Cluster): Cluster {
  return {
    ...cluster,
    async send(op, id, params, options) {
      const reply = await cluster.send(op, id, params, options);
      return op.id === 'token/read' ? orphaned(reply) : reply;
    },
    peek(id) {
      const found = cluster.peek(id);
      return found && id.kind === 'token' ? { state: orphaned(found.state), touched: true } : found;
    },
  };
}

function withoutTimersAtStart(storage: Storage): Storage {
  return {
    ...storage,
    list: async (prefix, after, limit, signal) =>
      prefix.startsWith('timer/') && limit === 1 ? [] : storage.list(prefix, after, limit, signal),
  };
}

/** Where a view is written together with the end of a record, every shard goes to the next member. */
function movingLivingShards(coordinator: Coordinator): Coordinator {
  const moved = (value: Uint8Array): Uint8Array => {
    const view = decodeView(value);
    const incs = view.members.map(({ inc }) => inc);
    return encodeView({
      ...view,
      shards: view.shards.map((owner) => incs[(incs.indexOf(owner) + 1) % incs.length]!),
    });
  };
  return {
    ...coordinator,
    step(step) {
      if (!step.changes.some(({ value }) => value === undefined)) return coordinator.step(step);
      const changes = step.changes.map(({ key, value }) => ({
        key,
        value: value && key === VIEW_KEY ? moved(value) : value,
      }));
      return coordinator.step({ ...step, changes });
    },
  };
}
