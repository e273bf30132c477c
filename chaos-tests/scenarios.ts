/**
 * What is run under a seed. Scenarios of clusters have a file of their own.
 *
 * @module
 */
import { doubleVersions, linearizable, lostWrites } from './checkers/store.ts';
import { CLUSTER_SCENARIOS } from './cluster-scenarios.ts';
import type { Scenario } from './scenario.ts';
import { BudgetWorkload } from './workloads/budgets.ts';
import { KvWorkload } from './workloads/kv.ts';
import { MembershipWorkload } from './workloads/membership.ts';
import {
  CLOCK_FAULTS,
  COORDINATOR_FAULTS,
  MEMBER_FAULTS,
  NETWORK_FAULTS,
  NODE_FAULTS,
  STORE_FAULTS,
} from './workloads/nemesis.ts';
import { TokenWorkload } from './workloads/tokens.ts';

/** Between two operations of a client. */
const PAUSE_MS: readonly [number, number] = [0, 80];

/** One node, which crashes and comes back, with the store of a cluster. */
const kv: Scenario = {
  nodes: 1,
  kind: 'servers',
  faults: { ...STORE_FAULTS, ...NODE_FAULTS },
  faultEveryMs: [50, 1_200],
  calmMs: 12_000,
  begin(world, operations) {
    const node = world.nodes[0]!;
    const workload = new KvWorkload(world, { clients: 5, keys: 4, operations, pauseMs: PAUSE_MS });
    workload.start(() => node);
    return {
      get isOver() {
        return workload.isOver;
      },
      finish: () => workload.readAll(world.client('reader'), () => node),
      check: () => [...linearizable(world), ...lostWrites(world)],
    };
  },
};

/** As `kv`, with tokens that are made, used and revoked. */
const tokens: Scenario = {
  nodes: 1,
  kind: 'servers',
  faults: { ...STORE_FAULTS, ...NODE_FAULTS, ...CLOCK_FAULTS },
  faultEveryMs: [50, 1_200],
  calmMs: 12_000,
  begin(world, operations) {
    const node = world.nodes[0]!;
    // Without a fence, what an earlier life sent could land after the timers were looked through, and nobody would look again.
    world.store.weather.dropsTheDead = true;
    const workload = new TokenWorkload(world, { clients: 5, operations });
    workload.start(() => node);
    return {
      get isOver() {
        return workload.isOver;
      },
      check: () => workload.check(),
    };
  },
};

/**
 * Three nodes that write the same paths and know nothing of one another: no owner, so what they read may be old, but nothing that was
 * acknowledged is ever overwritten unseen.
 */
const shared: Scenario = {
  nodes: 3,
  kind: 'servers',
  faults: { ...STORE_FAULTS, ...NODE_FAULTS },
  faultEveryMs: [50, 1_200],
  calmMs: 12_000,
  begin(world, operations) {
    const random = world.random.fork('shared');
    const workload = new KvWorkload(world, { clients: 6, keys: 3, operations, pauseMs: PAUSE_MS });
    workload.start(() => random.pick(world.nodes));
    return {
      get isOver() {
        return workload.isOver;
      },
      check: () => [...lostWrites(world), ...doubleVersions(world)],
    };
  },
};

/** Processes that encrypt under one keyring, over a store that answers late or not at all: no key is used more often than was debited for it. */
const budgets: Scenario = {
  nodes: 1,
  kind: 'servers',
  faults: STORE_FAULTS,
  faultEveryMs: [50, 1_200],
  calmMs: 12_000,
  begin: (world, operations) => new BudgetWorkload(world, { holders: 4, operations }),
};

/** Nodes that join, leave, crash, pause and lose sight of the coordinator: who owns what, and when. */
const membership: Scenario = {
  nodes: 4,
  kind: 'members',
  faults: { ...COORDINATOR_FAULTS, ...NODE_FAULTS, ...NETWORK_FAULTS, ...MEMBER_FAULTS },
  faultEveryMs: [200, 5_000],
  // A proposal that was begun under faults may have to run out first, and the next one waits a little.
  calmMs: 20_000,
  begin: (world, operations) => new MembershipWorkload(world, operations),
};

export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  kv,
  tokens,
  shared,
  budgets,
  membership,
  ...CLUSTER_SCENARIOS,
};
