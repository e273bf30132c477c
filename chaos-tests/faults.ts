/**
 * Planted faults (protocol §21): each breaks one rule in the parts that are handed in, so that it can be shown that the simulator would find
 * out. `foundBy` is the invariant that must say so, `seed` one run in which it does.
 *
 * @module
 */
import type { LocalCluster } from '../src/cluster/local.ts';
import type { Storage } from '../src/model/storage.ts';
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
}

export const FAULTS = {
  'commit-unconditional': {
    about: 'no condition on commit, neither fence nor version',
    scenario: 'kv',
    foundBy: ['I1', 'I2'],
    seed: 5,
    operations: 200,
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
  'wall-clock-expiry': {
    about: "expiry is decided by the node's wall clock",
    scenario: 'tokens',
    foundBy: ['I7'],
    seed: 111,
    operations: 200,
    server: { usesWallClock: true },
  },
  'use-counted-after': {
    about: 'a use is counted after the operation that it allowed',
    scenario: 'tokens',
    foundBy: ['I9'],
    seed: 2,
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
} as const satisfies Record<string, PlantedFault>;

export type FaultName = keyof typeof FAULTS;

export function isFaultName(name: string): name is FaultName {
  return Object.hasOwn(FAULTS, name);
}

export function plantedIn(fault: FaultName | undefined): Partial<PlantedFault> {
  return fault === undefined ? {} : FAULTS[fault];
}

/** A token whose parent nobody sees. */
function orphaned<T>(state: T): T {
  const parent = (state as { parent?: string } | undefined)?.parent;
  return parent === undefined ? state : { ...state, parent: undefined };
}

function withoutAncestors(cluster: LocalCluster): LocalCluster {
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
