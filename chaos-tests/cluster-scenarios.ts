/**
 * Three nodes that own shards by their views and hand requests on: what clients of any of them see, while nodes come and go.
 *
 * @module
 */
import type { History } from './checkers/history.ts';
import { watchProtocol } from './checkers/protocol.ts';
import { linearizable, lostWrites, watchRecords } from './checkers/store.ts';
import type { KvInput, KvOutput } from './checkers/versioned-kv.ts';
import type { Scenario, Workload } from './scenario.ts';
import type { SimNode, World } from './sim/world.ts';
import { AlarmWorkload } from './workloads/alarms.ts';
import { startChanges } from './workloads/changes.ts';
import { ExpiryWorkload } from './workloads/expiries.ts';
import { checkKv, KvWorkload } from './workloads/kv.ts';
import { LoginWorkload } from './workloads/logins.ts';
import { MembershipWorkload } from './workloads/membership.ts';
import { MoveWorkload } from './workloads/moves.ts';
import { NamespaceWorkload } from './workloads/namespaces.ts';
import {
  CLOCK_FAULTS,
  COMMITS_BETWEEN,
  COORDINATOR_FAULTS,
  type Faults,
  LATE_THEN_CUT,
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

/** Some of them. */
function of(faults: Faults, ...names: readonly string[]): Faults {
  return Object.fromEntries(names.map((name) => [name, faults[name]!]));
}

/** A cluster that begins anew goes by the wall clock of its first node. */
const { 'wall clock steps': _, ...UNSTEPPED } = FAULTS;

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
      watchProtocol(world);
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
  startChanges(world, anyNode, () => parts.every((part) => part.isOver));
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

/** What ends by itself. */
function expiries({ world, operations, anyNode, anyMember }: ClusterWorld): Workload {
  const share = Math.ceil(operations / 5);
  const alarms = new AlarmWorkload(world, { clients: 12, alarms: 24, operations: share });
  const tokens = new ExpiryWorkload(world, { clients: 20, operations: operations - share });
  tokens.start(anyNode);
  alarms.start(anyNode);
  return {
    get isOver() {
      return tokens.isOver && alarms.isOver;
    },
    finish: () => alarms.finish(world.client('reader'), anyMember),
    check: () => tokens.check(),
  };
}

function secretIds({ world, operations, anyNode }: ClusterWorld): Workload {
  const clients = new SecretIdWorkload(world, { clients: 24, operations });
  clients.start(anyNode);
  startChanges(world, anyNode, () => clients.isOver);
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
    kv({ clients: 42, keys: 6, pauseMs: [0, 240], reads: 0.8, operationsPerKey: 150 }),
  ),
  // Owners change while commits are on their way, and few changes correct what is read.
  'cluster-overtaken': cluster(
    { faults: { ...COMMITS_BETWEEN, ...UNHEARD, crash: NODE_FAULTS.crash! }, faultEveryMs: [600, 2_800] },
    kv({ clients: 30, keys: 10, pauseMs: [0, 1_000], reads: 0.93, operationsPerKey: 150 }),
  ),
  // Who holds what another owns, while that one loses its place, or is heard late.
  'cluster-evicted': cluster(
    {
      faults: {
        ...LATE_THEN_CUT,
        ...of(COORDINATOR_FAULTS, 'the coordinator does not hear', 'the coordinator holds answers'),
        ...of(NETWORK_FAULTS, 'messages are slow', 'is cut off one way'),
        ...of(NODE_FAULTS, 'pause'),
      },
      faultEveryMs: [300, 2_500],
    },
    kv({ clients: 36, keys: 9, pauseMs: [0, 200], reads: 0.88, operationsPerKey: 150 }),
  ),
  // Nothing changes hands for long, and commits arrive late all the time.
  'cluster-late': cluster(
    { faults: of(STORE_FAULTS, 'the store hears late'), faultEveryMs: [300, 1_500] },
    (parts) => {
      parts.world.store.weather.lateMs = [500, 60_000];
      return kv({
        clients: 20,
        keys: 12,
        pauseMs: [0, 4_000],
        reads: 0.1,
        forgets: 0.4,
        operationsPerKey: 40,
      })(parts);
    },
  ),
  // What is deleted comes to life again by nothing that was sent before.
  'cluster-deletes': deletes,
  // Nothing starts anywhere under a token that was revoked, or below one.
  'cluster-tokens': cluster(
    { isOpen: false, sealsAlone: 0.9, faults: { ...FAULTS, ...CLOCK_FAULTS } },
    tokens,
  ),
  // What ends by itself ends once, everywhere, and not before.
  'cluster-expiry': cluster(
    { isOpen: false, hasClusterTime: true, faults: UNSTEPPED, calmMs: 30_000 },
    expiries,
  ),
  'cluster-once': cluster({ isOpen: false, hasPolicies: true }, once),
  // What is moved is found at its new path, with all that was written at the old one.
  'cluster-moves': cluster({ isOpen: false, hasPolicies: true, hasSpaces: true }, moves),
  // What is deleted with its namespace is gone everywhere, and from the store.
  'cluster-namespaces': cluster({ isOpen: false, hasPolicies: true, hasSpaces: true }, namespaces),
  'cluster-secret-ids': cluster(
    { isOpen: false, hasPolicies: true, hasClusterTime: true, faults: UNSTEPPED },
    secretIds,
  ),
  // Nothing starts anywhere under a policy that was tightened, and all members hold one catalog.
  'cluster-policies': cluster({ isOpen: false, hasPolicies: true, sealsAlone: 0.9 }, policies),
  // Members come and go all the time.
  'cluster-joins': cluster(
    {
      isOpen: false,
      hasPolicies: true,
      faults: { ...MEMBER_FAULTS, ...of(NODE_FAULTS, 'crash') },
      faultEveryMs: [300, 2_500],
    },
    policies,
  ),
  // Nodes start again as newer releases, one after the other.
  'cluster-upgrades': cluster(
    {
      nodes: 4,
      hasReleases: true,
      faults: { ...MEMBER_FAULTS, ...NETWORK_FAULTS, ...of(NODE_FAULTS, 'crash') },
      faultEveryMs: [300, 2_500],
    },
    kv({ clients: 24, keys: 10, pauseMs: [0, 700] }),
  ),
  // With operators who seal it and open it again.
  'cluster-sealing': cluster({ sealsAlone: 0.4 }, kv({ clients: 30, keys: 12, pauseMs: [0, 400] })),
};
