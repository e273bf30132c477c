/**
 * Planted faults (protocol §21): each breaks one rule in the parts that are handed in, so that it can be shown that the simulator would find
 * out. `foundBy` is the invariant that must say so, `seed` one run in which it does. Those of clusters that serve have a file of their own.
 *
 * @module
 */
import { FAULT } from '../src/cluster/faults.ts';
import { movingLivingShards, withoutAncestors, withoutTimersAtStart } from './broken-parts.ts';
import { CLUSTER_FAULTS } from './cluster-faults.ts';
import type { PlantedFault } from './planted-fault.ts';

export const FAULTS = {
  'commit-unconditional': {
    about: 'no condition on commit, neither fence nor version',
    scenario: 'kv',
    foundBy: ['I1', 'I2'],
    seed: 13,
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
  'slice-before-commit': {
    about: 'a slice of a key’s budget is handed out before its commit is known',
    scenario: 'budgets',
    foundBy: ['I9'],
    seed: 1,
    operations: 300,
    connect: { trustsSilence: true },
  },
  'slice-unconditional': {
    about: 'a slice is debited from what the keyring said before others debited theirs',
    scenario: 'budgets',
    foundBy: ['I9'],
    seed: 1,
    operations: 300,
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
    seed: 1,
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
  ...CLUSTER_FAULTS,
} as const satisfies Record<string, PlantedFault>;

export type FaultName = keyof typeof FAULTS;

export function isFaultName(name: string): name is FaultName {
  return Object.hasOwn(FAULTS, name);
}

export function plantedIn(fault: FaultName | undefined): Partial<PlantedFault> {
  return fault === undefined ? {} : FAULTS[fault];
}
