/**
 * What is run under a seed: which nodes, which clients, which faults, and what is asked afterwards.
 *
 * @module
 */
import { decodeFence, FENCE_PREFIX } from '../src/cluster/fences.ts';
import type { History } from './checkers/history.ts';
import type { KvInput, KvOutput } from './checkers/versioned-kv.ts';
import type { FaultName } from './faults.ts';
import { withSimulatedGlobals } from './sim/globals.ts';

import { makeRootToken, ROOT_TOKEN, type SimRequest } from './sim/server.ts';
import { beginWorld, makeWorld, type SimNode, type World, type WorldOptions } from './sim/world.ts';
import { checkKv, KvWorkload } from './workloads/kv.ts';
import { MembershipWorkload } from './workloads/membership.ts';
import {
  CLOCK_FAULTS,
  COORDINATOR_FAULTS,
  type Faults,
  MEMBER_FAULTS,
  makeNemesis,
  NETWORK_FAULTS,
  NODE_FAULTS,
  OVERTAKEN,
  STORE_FAULTS,
} from './workloads/nemesis.ts';
import { PolicyWorkload } from './workloads/policies.ts';
import { SealingWorkload } from './workloads/sealing.ts';
import { TokenWorkload } from './workloads/tokens.ts';

export interface RunOptions {
  readonly seed: number;
  /** Client operations, about. */
  readonly operations: number;
  readonly fault?: FaultName;
  readonly keepTrace?: boolean;
}

export interface RunResult {
  readonly violations: readonly string[];
  readonly events: number;
  readonly simulatedMs: number;
  readonly operations: number;
  readonly faults: number;
  /** Paths whose history the checker could not search through within its bound. */
  readonly undecided: number;
  /** Of the whole trace: equal for equal runs. */
  readonly digest: string;
  readonly trace: readonly string[];
  readonly logged: readonly string[];
}

interface Workload {
  readonly isOver: boolean;
  check(): string[];
  /** Asked once all is well again. */
  finish?(): Promise<void>;
}

interface Scenario {
  readonly nodes: number;
  readonly kind: WorldOptions['kind'];
  readonly isOpen?: boolean;
  readonly hasPolicies?: boolean;
  /** Nodes begin sealed and are sealed again: one alone in this share, else all of them. */
  readonly sealsAlone?: number;
  readonly faults: Faults;
  readonly faultEveryMs: readonly [number, number];
  /** Faults have ended; within this all is served again (I14), ms. */
  readonly calmMs: number;
  begin(world: World, operations: number): Workload;
}

/** Between two operations of a client. */
const PAUSE_MS: readonly [number, number] = [0, 80];
/** A cluster has to come together first. */
const SETTLE_TRIES = 40;
const SETTLE_AGAIN_MS = 500;
/** Between two seals. */
const SEAL_EVERY_MS: readonly [number, number] = [3_000, 20_000];
/** A proposal is acknowledged by all, or given up, within this. */
const SETTLE_MS = 8_000;
/** A run that is not over by then hangs, simulated ms. */
const RUN_MS_MAX = 3_600_000;

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

/** Three nodes that own shards by their views and hand requests on: what clients of any of them see, while nodes come and go. */
const cluster: Scenario = {
  nodes: 3,
  kind: 'cluster',
  isOpen: true,
  faults: {
    ...COORDINATOR_FAULTS,
    ...STORE_FAULTS,
    ...NODE_FAULTS,
    ...NETWORK_FAULTS,
    ...MEMBER_FAULTS,
    ...OVERTAKEN,
  },
  faultEveryMs: [50, 900],
  calmMs: 20_000,
  begin(world, operations) {
    const random = world.random.fork('cluster');
    const anyNode = () => random.pick(world.nodes);
    // One that came too late to be let in again answers 503.
    const anyMember = () => random.pick(world.nodes.filter(({ member }) => member?.isInTime()));
    const views = new MembershipWorkload(world, 0);
    watchFences(world);
    const workload = new KvWorkload(world, { clients: 30, keys: 12, operations, pauseMs: [0, 150] });
    workload.start(anyNode);
    return {
      get isOver() {
        return workload.isOver;
      },
      finish: () => workload.readAll(world.client('reader'), anyMember),
      check: () => [...linearizable(world), ...lostWrites(world), ...views.check()],
    };
  },
};

/** As `cluster`, with so many reads of so few paths that all nodes hold them. */
const clusterReplicas: Scenario = {
  ...cluster,
  faultEveryMs: [50, 900],
  begin(world, operations) {
    const random = world.random.fork('cluster');
    const views = new MembershipWorkload(world, 0);
    watchFences(world);
    const mix = { reads: 0.8, operationsPerKey: 150 };
    const workload = new KvWorkload(world, { clients: 42, keys: 6, operations, pauseMs: [0, 120], ...mix });
    workload.start(() => random.pick(world.nodes));
    return {
      get isOver() {
        return workload.isOver;
      },
      finish: () =>
        workload.readAll(world.client('reader'), () =>
          random.pick(world.nodes.filter(({ member, isOpen }) => isOpen && member?.isInTime())),
        ),
      check: () => [...linearizable(world), ...lostWrites(world), ...views.check()],
    };
  },
};

/** As `cluster`, with tokens: nothing starts anywhere under one that was revoked, or below one. */
const clusterTokens: Scenario = {
  ...cluster,
  isOpen: false,
  sealsAlone: 0.9,
  faults: { ...cluster.faults, ...CLOCK_FAULTS },
  begin(world, operations) {
    const random = world.random.fork('cluster');
    const views = new MembershipWorkload(world, 0);
    watchFences(world);
    const workload = new TokenWorkload(world, { clients: 30, operations });
    workload.start(() => random.pick(world.nodes));
    const { sealing } = world;
    sealing!.start(() => workload.isOver);
    return {
      get isOver() {
        return workload.isOver && sealing!.isOver;
      },
      check: () => [...workload.check(), ...lostWrites(world), ...sealing!.check(), ...views.check()],
    };
  },
};

/** As `cluster`, with policies: nothing starts anywhere under one that was tightened, and all members hold one catalog. */
const clusterPolicies: Scenario = {
  ...cluster,
  isOpen: false,
  hasPolicies: true,
  sealsAlone: 0.9,
  begin(world, operations) {
    const random = world.random.fork('cluster');
    const views = new MembershipWorkload(world, 0);
    watchFences(world);
    const workload = new PolicyWorkload(world, { users: 14, tighteners: 12, operations });
    workload.start(() => random.pick(world.nodes));
    const { sealing } = world;
    sealing!.start(() => workload.isOver);
    return {
      get isOver() {
        return workload.isOver && sealing!.isOver;
      },
      check: () => [...workload.check(), ...lostWrites(world), ...sealing!.check(), ...views.check()],
    };
  },
};

/** As `cluster`, with operators who seal it and open it again. */
const clusterSealing: Scenario = {
  ...cluster,
  sealsAlone: 0.4,
  begin(world, operations) {
    const random = world.random.fork('cluster');
    const anyMember = () => random.pick(world.nodes.filter(({ member }) => member?.isInTime()));
    const views = new MembershipWorkload(world, 0);
    watchFences(world);
    const workload = new KvWorkload(world, { clients: 30, keys: 12, operations, pauseMs: [0, 400] });
    workload.start(() => random.pick(world.nodes));
    const { sealing } = world;
    sealing!.start(() => workload.isOver);
    return {
      get isOver() {
        return workload.isOver && sealing!.isOver;
      },
      finish: () => workload.readAll(world.client('reader'), anyMember),
      check: () => [...linearizable(world), ...lostWrites(world), ...sealing!.check(), ...views.check()],
    };
  },
};

export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  kv,
  tokens,
  shared,
  membership,
  cluster,
  'cluster-replicas': clusterReplicas,
  'cluster-tokens': clusterTokens,
  'cluster-policies': clusterPolicies,
  'cluster-sealing': clusterSealing,
};

/** I1. */
function linearizable(world: World): string[] {
  const { violations, undecided } = checkKv(world.history as History<KvInput, KvOutput>);
  world.undecided += undecided;
  return violations;
}

/** I3: fence epochs never fall. */
function watchFences({ store, violations }: World): void {
  const epochs = new Map<string, number>();
  store.onPut = (path, value, atMs) => {
    if (!path.startsWith(FENCE_PREFIX)) return;
    const { epoch } = decodeFence(value);
    const before = epochs.get(path) ?? 0;
    epochs.set(path, epoch);
    if (epoch < before) violations.push(`I3: at ${atMs.toFixed(1)} ${path} fell from ${before} to ${epoch}`);
  };
}

/** I2: no commit took the place of an acknowledged one that it did not know. */
function lostWrites({ store }: World): string[] {
  const acknowledged = new Map(store.applied.map((one) => [one.version, one.isAcknowledged]));
  for (const { overwrote, by, atMs, paths } of store.applied) {
    const lost = overwrote.find(({ version }) => acknowledged.get(version));
    if (lost)
      return [
        `I2: at ${atMs.toFixed(1)} ${by} overwrote version ${lost.version} of ${paths[0]}, which was acknowledged`,
      ];
  }
  return [];
}

/** I2: between two times that a path was forgotten, no version is given to two writes. */
function doubleVersions({ history }: World): string[] {
  const { entries } = history as History<KvInput, KvOutput>;
  const forgotten = new Set(entries.filter(({ input }) => input.op === 'forget').map(({ key }) => key));
  const seen = new Set<string>();
  for (const { key, output } of entries) {
    if (output?.kind !== 'written' || forgotten.has(key)) continue;
    const version = `${key} ${output.version}`;
    if (seen.has(version)) return [`I2: two writes were told that they made version ${version}`];
    seen.add(version);
  }
  return [];
}

/** Runs one seed of one scenario. Replaces Node's globals meanwhile: one at a time in one program. */
export async function runScenario(name: string, options: RunOptions): Promise<RunResult> {
  const scenario = SCENARIOS[name];
  if (!scenario) throw new Error(`no such scenario: ${name}`);
  const { seed, fault, keepTrace } = options;
  const { nodes, kind, isOpen, hasPolicies, sealsAlone } = scenario;
  const hasSeal = sealsAlone !== undefined;
  const world = makeWorld({ seed, nodes, kind, isOpen, hasPolicies, hasSeal, fault, keepTrace });
  return withSimulatedGlobals(world.scheduler, () => runIn(world, scenario, options));
}

async function runIn(world: World, scenario: Scenario, { operations }: RunOptions): Promise<RunResult> {
  const { scheduler, violations } = world;
  const nemesis = makeNemesis(world, {
    everyMs: scenario.faultEveryMs,
    nodes: world.nodes,
    faults: scenario.faults,
  });
  try {
    await beginWorld(world);
    if (scenario.sealsAlone !== undefined) await found(world, scenario.sealsAlone);
    if (scenario.kind !== 'members') await settle(world, world.nodes[0]!);
    const workload = scenario.begin(world, operations);
    nemesis.start();
    await until(world, () => workload.isOver);
    nemesis.stop();
    world.isCalm = true;
    for (const node of world.nodes) if (!node.process.isAlive) node.start();
    const calmAt = scheduler.nowMs + scenario.calmMs;
    scheduler.at(calmAt, 'calm', () => {});
    await until(world, () => scheduler.nowMs >= calmAt);
    let isRead = workload.finish === undefined;
    if (workload.finish) {
      world.drive(world.client('last').process, () => workload.finish!().finally(() => (isRead = true)));
      await until(world, () => isRead);
    }
    // A view change that has just begun is no fault; one that does not end is.
    const settledAt = scheduler.nowMs + SETTLE_MS;
    scheduler.at(settledAt, 'settled', () => {});
    await until(world, () => scheduler.nowMs >= settledAt || !isChanging(world));
    if (violations.length === 0) violations.push(...workload.check());
  } catch (error) {
    violations.push(`the run failed: ${(error as Error).stack ?? error}`);
  }
  return {
    violations,
    events: scheduler.events,
    simulatedMs: scheduler.nowMs,
    operations,
    faults: nemesis.count,
    undecided: world.undecided,
    digest: world.trace.digest(),
    trace: world.trace.lines(),
    logged: world.logged,
  };
}

function isChanging({ nodes }: World): boolean {
  return nodes.some(({ member }) => member?.view()?.next !== undefined);
}

async function until(world: World, isDone: () => boolean): Promise<void> {
  const { scheduler, violations } = world;
  await scheduler.run(() => isDone() || violations.length > 0 || scheduler.nowMs > RUN_MS_MAX);
  if (violations.length === 0 && !isDone()) violations.push('I14: something waits for ever');
}

/** Makes the keys, before anything goes wrong. */
async function found(world: World, alone: number): Promise<void> {
  const [node] = world.nodes;
  const sealing = new SealingWorkload(world, { everyMs: SEAL_EVERY_MS, alone });
  world.sealing = sealing;
  let isDone = false;
  world.drive(world.client('founder').process, async () => {
    await sealing.found(node!);
    isDone = true;
  });
  await until(world, () => isDone);
}

/** Resolves when the node serves: something was written. */
async function settle(world: World, node: SimNode): Promise<void> {
  const client = world.client('first');
  let isDone = false;
  const { server } = node;
  // Tokens are made by a node: nobody has one yet.
  const makeRoot = async () => {
    for (let tries = 0; server && tries < SETTLE_TRIES; tries++) {
      try {
        await makeRootToken(server);
        return;
      } catch {
        await client.sleep(SETTLE_AGAIN_MS);
      }
    }
  };
  const needsRoot = node.member !== undefined;
  if (needsRoot) node.process.later(0, 'root token', () => void makeRoot());
  world.drive(client.process, async () => {
    const body = { data: {} };
    const request: SimRequest = { verb: 'update', path: 'secret/data/settled', token: ROOT_TOKEN, body };
    const isSet = async () => {
      const heard = await client.ask(node, request);
      return heard.kind === 'reply' && heard.reply.status === 200;
    };
    for (let tries = 0; tries < SETTLE_TRIES && !(await isSet()); tries++)
      await client.sleep(SETTLE_AGAIN_MS);
    isDone = true;
  });
  await until(world, () => isDone);
}
