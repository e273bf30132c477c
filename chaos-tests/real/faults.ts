/**
 * Faults of real processes, each of which ends with all as it was: nodes killed, stopped and continued, restarted; stores killed and away.
 *
 * @module
 */
import type { Hosts } from '../../test/support/namespaces.ts';
import type { TestNode, TestNodes } from '../../test/support/nodes.ts';
import type { Random } from '../sim/random.ts';
import type { Kill } from './report.ts';

export interface FaultContext {
  readonly cluster: TestNodes;
  readonly random: Random;
  readonly kills: Kill[];
  readonly hosts?: Hosts;
  say(line: string): void;
}

type Fault = (context: FaultContext) => Promise<void>;

/** A node that was evicted again and again is let in after a pause of up to five minutes. */
const ACTIVE_MS = 360_000;

export const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** SIGKILL, and up again a while later. */
export async function killAndRestart(
  { kills, say }: FaultContext,
  node: TestNode,
  downMs: number,
): Promise<void> {
  say(`kill -9 ${node.id}`);
  kills.push({ address: node.address, atMs: performance.now() });
  await node.stop('SIGKILL');
  await sleep(downMs);
  await node.start();
  await node.untilActive(ACTIVE_MS);
  say(`${node.id} is back`);
}

const kill: Fault = (context) =>
  killAndRestart(context, context.random.pick(context.cluster.nodes), context.random.between(500, 5_000));

/** Stands still for longer than its deadline, so that others take over, or for less. */
const pause: Fault = async ({ cluster, random, kills, say }) => {
  const node = random.pick(cluster.nodes);
  const ms = random.between(300, 6_000);
  say(`SIGSTOP ${node.id} for ${ms.toFixed(0)} ms`);
  // What its clients had under way may run into their own time.
  kills.push({ address: node.address, atMs: performance.now() });
  process.kill(node.pid(), 'SIGSTOP');
  await sleep(ms);
  process.kill(node.pid(), 'SIGCONT');
  await node.untilActive(ACTIVE_MS);
};

const restart: Fault = async ({ cluster, random, kills, say }) => {
  const node = random.pick(cluster.nodes);
  say(`restart ${node.id}`);
  kills.push({ address: node.address, atMs: performance.now() });
  await node.stop('SIGTERM');
  await node.start();
  await node.untilActive(ACTIVE_MS);
};

const storeKill: Fault = async ({ cluster, random, say }) => {
  const store = random.pick(cluster.stores);
  say('kill -9 of a store');
  await store.kill();
  await sleep(random.between(0, 3_000));
  await store.start();
  await allActive(cluster);
};

const storeStop: Fault = async ({ cluster, random, say }) => {
  const store = random.pick(cluster.stores);
  const ms = random.between(500, 8_000);
  say(`SIGSTOP of a store for ${ms.toFixed(0)} ms`);
  process.kill(store.pid(), 'SIGSTOP');
  await sleep(ms);
  process.kill(store.pid(), 'SIGCONT');
  await allActive(cluster);
};

async function allActive({ nodes }: TestNodes): Promise<void> {
  await Promise.all(nodes.map((node) => node.untilActive(ACTIVE_MS)));
}

/** Cut off from the store and the coordinator, one way, for less than its deadline or more; it comes back by itself. */
const cutStore: Fault = async ({ cluster, random, hosts, say }) => {
  const n = random.int(cluster.nodes.length);
  const ms = random.between(300, 8_000);
  say(`${cluster.nodes[n]!.id} is cut off from the store for ${ms.toFixed(0)} ms`);
  const mend = hosts!.cut(hosts!.hosts[n]!, hosts!.storeIp);
  await sleep(ms);
  mend();
  await allActive(cluster);
};

/** Two nodes that cannot reach each other, one way or both. */
const cutNodes: Fault = async ({ cluster, random, hosts, say }) => {
  const n = random.int(cluster.nodes.length);
  const m = (n + 1 + random.int(cluster.nodes.length - 1)) % cluster.nodes.length;
  const ms = random.between(300, 10_000);
  const both = random.chance(0.5);
  say(
    `${cluster.nodes[n]!.id} cannot reach ${cluster.nodes[m]!.id}${both ? ', nor the other way' : ''} for ${ms.toFixed(0)} ms`,
  );
  const mends = [hosts!.cut(hosts!.hosts[n]!, hosts!.hosts[m]!.ip)];
  if (both) mends.push(hosts!.cut(hosts!.hosts[m]!, hosts!.hosts[n]!.ip));
  await sleep(ms);
  for (const mend of mends) mend();
  await allActive(cluster);
};

const slowLine: Fault = async ({ cluster, random, hosts, say }) => {
  const n = random.int(cluster.nodes.length);
  const ms = random.between(1_000, 8_000);
  say(`the line of ${cluster.nodes[n]!.id} is slow for ${ms.toFixed(0)} ms`);
  const mend = hosts!.slow(hosts!.hosts[n]!, '2mbit');
  await sleep(ms);
  mend();
  await allActive(cluster);
};

export const FAULTS: Readonly<Record<string, Fault>> = {
  kill,
  pause,
  restart,
  'store-kill': storeKill,
  'store-stop': storeStop,
  'cut-store': cutStore,
  'cut-nodes': cutNodes,
  'slow-line': slowLine,
};

export function faultsFor({ stores }: TestNodes, hasHosts: boolean): string[] {
  return Object.keys(FAULTS).filter(
    (name) => (stores.length > 0 || !name.includes('store')) && (hasHosts || !/^(cut|slow)-/.test(name)),
  );
}
