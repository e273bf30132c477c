/**
 * Runs a scenario under a seed.
 *
 * @module
 */
import type { FaultName } from './faults.ts';
import type { Scenario } from './scenario.ts';
import { SCENARIOS } from './scenarios.ts';
import { withSimulatedGlobals } from './sim/globals.ts';
import { makeRootToken, ROOT_TOKEN, type SimRequest } from './sim/server.ts';
import { beginWorld, makeWorld, type SimNode, type World } from './sim/world.ts';
import { makeNemesis } from './workloads/nemesis.ts';
import { SealingWorkload } from './workloads/sealing.ts';

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

/** A cluster has to come together first. */
const SETTLE_TRIES = 40;
const SETTLE_AGAIN_MS = 500;
/** Between two seals. */
const SEAL_EVERY_MS: readonly [number, number] = [3_000, 20_000];
/** A proposal is acknowledged by all, or given up, within this. */
const SETTLE_MS = 8_000;
/** A run that is not over by then hangs, simulated ms. */
const RUN_MS_MAX = 3_600_000;

/** Runs one seed of one scenario. Replaces Node's globals meanwhile: one at a time in one program. */
export async function runScenario(name: string, options: RunOptions): Promise<RunResult> {
  const scenario = SCENARIOS[name];
  if (!scenario) throw new Error(`no such scenario: ${name}`);
  const { seed, fault, keepTrace } = options;
  const hasSeal = scenario.sealsAlone !== undefined;
  const world = makeWorld({ ...scenario, seed, hasSeal, fault, keepTrace });
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
