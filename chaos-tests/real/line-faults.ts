/**
 * Faults of the lines between hosts: cut one way or both, and slow.
 *
 * @module
 */
import { allActive, type Fault, sleep } from './fault-context.ts';

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

/** Reaches nobody but its clients: neither the store nor any other node. */
const cutOff: Fault = async ({ cluster, random, hosts, say }) => {
  const n = random.int(cluster.nodes.length);
  const ms = random.between(300, 10_000);
  say(`${cluster.nodes[n]!.id} reaches neither the store nor any node for ${ms.toFixed(0)} ms`);
  const host = hosts!.hosts[n]!;
  const others = hosts!.hosts.filter((other) => other !== host).map(({ ip }) => ip);
  const mends = [hosts!.storeIp, ...others].map((ip) => hosts!.cut(host, ip));
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

export const LINE_FAULTS: Readonly<Record<string, Fault>> = {
  'cut-store': cutStore,
  'cut-nodes': cutNodes,
  'cut-off': cutOff,
  'slow-line': slowLine,
};
