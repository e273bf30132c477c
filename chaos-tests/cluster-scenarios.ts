/**
 * Three nodes that own shards by their views and hand requests on: what clients of any of them see, while nodes come and go.
 *
 * @module
 */
import type { History } from './checkers/history.ts';
import { linearizable, lostWrites, watchRecords } from './checkers/store.ts';
import type { KvInput, KvOutput } from './checkers/versioned-kv.ts';
import type { Scenario, Workload } from './scenario.ts';
import type { SimNode, World } from './sim/world.ts';
import { checkKv, KvWorkload } from './workloads/kv.ts';
import { LoginWorkload } from './workloads/logins.ts';
import { MembershipWorkload } from './workloads/membership.ts';
import { MoveWorkload } from './workloads/moves.ts';
import { NamespaceWorkload } from './workloads/namespaces.ts';
import {
  CLOCK_FAULTS,
  COORDINATOR_FAULTS,
  type Faults,
  MEMBER_FAULTS,
  NETWORK_FAULTS,
  NODE_FAULTS,
  OVERTAKEN,
  STORE_FAULTS,
  UNHEARD,
} from './workloads/nemesis.ts';
import { PolicyWorkload } from './workloads/policies.ts';
import { SecretIdWorkload } from './workloads/secret-ids.ts';
import { TokenWorkload } from './workloads/tokens.ts';
import { WrappingWorkload } from './workloads/wrapping.ts';

const FAULTS: Faults = {
  ...COORDINATOR_FAULTS,
  ...STORE_FAULTS,
  ...NODE_FAULTS,
  ...NETWORK_FAULTS,
  ...MEMBER_FAULTS,
  ...OVERTAKEN,
};

interface ClusterWorld {
  readonly world: World;
  readonly operations: number;
  anyNode(): SimNode;
  /** One that came too late to be let in again answers 503. */
  anyMember(): SimNode;
}

/** With clients of one kind, and what is asked of every cluster: views, fences, and that no acknowledged commit was overwritten. */
function cluster(own: Partial<Scenario>, start: (cluster: ClusterWorld) => Workload): Scenario {
  return {
    nodes: 3,
    kind: 'cluster',
    isOpen: true,
    faults: FAULTS,
    faultEveryMs: [50, 900],
    calmMs: 20_000,
    ...own,
    begin(world, operations) {
      const random = world.random.fork('cluster');
      const { sealing } = world;
      const views = new MembershipWorkload(world, 0);
      watchRecords(world);
      const clients = start({
        world,
        operations,
        anyNode: () => random.pick(world.nodes),
        anyMember: () =>
          random.pick(world.nodes.filter(({ member, isOpen }) => isOpen && member?.isInTime())),
      });
      sealing?.start(() => clients.isOver);
      return {
        get isOver() {
          return clients.isOver && sealing?.isOver !== false;
        },
        finish: clients.finish,
        check: () => [
          ...clients.check(),
          ...lostWrites(world),
          ...(sealing?.check() ?? []),
          ...views.check(),
        ],
      };
    },
  };
}

interface KvMix {
  readonly clients: number;
  readonly keys: number;
  readonly pauseMs: readonly [number, number];
  readonly reads?: number;
  readonly forgets?: number;
  readonly operationsPerKey?: number;
}

const kv =
  (mix: KvMix) =>
  ({ world, operations, anyNode, anyMember }: ClusterWorld): Workload => {
    const clients = new KvWorkload(world, { operations, ...mix });
    clients.start(anyNode);
    return {
      get isOver() {
        return clients.isOver;
      },
      finish: () => clients.readAll(world.client('reader'), anyMember),
      check: () => linearizable(world),
    };
  };

function tokens({ world, operations, anyNode }: ClusterWorld): Workload {
  const clients = new TokenWorkload(world, { clients: 30, operations });
  clients.start(anyNode);
  return clients;
}

/** What may be had once, or so many times: wrapped replies, guesses of a password. */
function once({ world, operations, anyNode }: ClusterWorld): Workload {
  const half = Math.ceil(operations / 2);
  const parts = [
    new WrappingWorkload(world, { clients: 14, operations: half }),
    new LoginWorkload(world, { clients: 14, operations: half }),
  ];
  for (const part of parts) part.start(anyNode);
  return {
    get isOver() {
      return parts.every((part) => part.isOver);
    },
    check: () => parts.flatMap((part) => part.check()),
  };
}

/** Mounts made by clients keep so many versions. */
const VERSIONS_OF_MOUNTS = 10;

/** Mounts that move from path to path, and from namespace to namespace, under writers through all nodes. */
function moves({ world, operations, anyNode, anyMember }: ClusterWorld): Workload {
  const movers = new MoveWorkload(world, { mounts: 3, movers: 2, pauseMs: [100, 2_500] });
  const clients = new KvWorkload(world, {
    ...{ operations, clients: 26, keys: 9, pauseMs: [0, 150], operationsPerKey: 40 },
    where: (key) => movers.visit(key),
    isReady: () => movers.isReady,
  });
  movers.start(anyNode);
  clients.start(anyNode);
  return {
    get isOver() {
      if (clients.isOver) movers.stop();
      return clients.isOver && movers.isOver;
    },
    async finish() {
      const reader = world.client('reader');
      await clients.readAll(reader, anyMember);
      await movers.readLeft(reader);
    },
    check() {
      const { violations, undecided } = checkKv(
        world.history as History<KvInput, KvOutput>,
        VERSIONS_OF_MOUNTS,
      );
      world.undecided += undecided;
      return [...movers.check(), ...violations];
    },
  };
}

function namespaces({ world, operations, anyNode }: ClusterWorld): Workload {
  const clients = new NamespaceWorkload(world, { owners: 5, users: 20, operations });
  clients.start(anyNode);
  return {
    get isOver() {
      return clients.isOver;
    },
    finish: () => clients.finish(world.client('reader')),
    check: () => clients.check(),
  };
}

function secretIds({ world, operations, anyNode }: ClusterWorld): Workload {
  const clients = new SecretIdWorkload(world, { clients: 24, operations });
  clients.start(anyNode);
  return clients;
}

function policies({ world, operations, anyNode }: ClusterWorld): Workload {
  const clients = new PolicyWorkload(world, { users: 14, tighteners: 12, operations });
  clients.start(anyNode);
  return clients;
}

const deletes = cluster({}, (parts) => {
  // Longer than what is left of a deleted actor is kept.
  parts.world.store.weather.lateMs = [500, 60_000];
  return kv({ clients: 20, keys: 16, pauseMs: [0, 600], reads: 0.25, forgets: 0.4, operationsPerKey: 40 })(
    parts,
  );
});

export const CLUSTER_SCENARIOS: Readonly<Record<string, Scenario>> = {
  cluster: cluster({}, kv({ clients: 30, keys: 12, pauseMs: [0, 150] })),
  // So many reads of so few paths that all nodes hold them.
  'cluster-replicas': cluster(
    { faults: { ...FAULTS, ...UNHEARD } },
    kv({ clients: 42, keys: 6, pauseMs: [0, 120], reads: 0.8, operationsPerKey: 150 }),
  ),
  // What is deleted comes to life again by nothing that was sent before.
  'cluster-deletes': deletes,
  // Nothing starts anywhere under a token that was revoked, or below one.
  'cluster-tokens': cluster(
    { isOpen: false, sealsAlone: 0.9, faults: { ...FAULTS, ...CLOCK_FAULTS } },
    tokens,
  ),
  'cluster-once': cluster({ isOpen: false }, once),
  // What is moved is found at its new path, with all that was written at the old one.
  'cluster-moves': cluster({ isOpen: false, hasPolicies: true, hasSpaces: true }, moves),
  // What is deleted with its namespace is gone everywhere, and from the store.
  'cluster-namespaces': cluster({ isOpen: false, hasPolicies: true, hasSpaces: true }, namespaces),
  'cluster-secret-ids': cluster({ isOpen: false }, secretIds),
  // Nothing starts anywhere under a policy that was tightened, and all members hold one catalog.
  'cluster-policies': cluster({ isOpen: false, hasPolicies: true, sealsAlone: 0.9 }, policies),
  // With operators who seal it and open it again.
  'cluster-sealing': cluster({ sealsAlone: 0.4 }, kv({ clients: 30, keys: 12, pauseMs: [0, 400] })),
};
