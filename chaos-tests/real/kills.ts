/**
 * `npm run chaos:kills -- --coordinator etcd|consul|embedded [--kills N] [--figures FILE]`: three nodes under load, one of them killed with SIGKILL
 * again and again, each in turn. Says how long each actor of the killed node (KV path or token) was served by nobody, what requests that had
 * nothing to do with it noticed, and whether anything was lost. With a file, runs add their figures up: each is judged with those before it.
 *
 * @module
 */
import { parseArgs } from 'node:util';
import { FLAP_LIFE_MS, FLAPS_MAX } from '../../src/model/limits.ts';
import { type StoreKind, startNodes, type TestNode } from '../../test/support/nodes.ts';
import { makeRandom } from '../sim/random.ts';
import { makeClient } from './client.ts';
import { killAndRestart, sleep } from './fault-context.ts';
import { judge, type KillFigures, keepFigures, readFigures } from './kill-figures.ts';
import { enableKv, type Load, type Request, startLoad } from './load.ts';
import { type Disturbance, percentile, report } from './report.ts';
import { watchStandstill } from './standstill.ts';

const { values } = parseArgs({
  options: {
    coordinator: { type: 'string', default: 'etcd' },
    kills: { type: 'string', default: '20' },
    rate: { type: 'string', default: '600' },
    figures: { type: 'string' },
  },
});

/** Around a kill, requests that have nothing to do with the killed node are compared with those of the calm before. */
const AROUND_MS = 3_000;
const DOWN_MS = 3_000;
const CALM_MS = 2_000;
/** A node is killed again once it has lived for long enough that this is no flapping. */
const LIFE_MS = FLAP_LIFE_MS + 1_000;
const ASK_AGAIN_MS = 25;
const PROBES = 60;
/** Machines that run other things too stand still for a while. */
const PATIENCE_MS = 300_000;

const random = makeRandom(1);
const cluster = await startNodes({ store: values.coordinator as StoreKind });
if ('missing' in cluster) throw new Error(cluster.missing);
const say = (line: string) =>
  process.stdout.write(`${(performance.now() / 1_000).toFixed(1).padStart(7)} s  ${line}\n`);
try {
  await cluster.open();
  const { nodes, rootToken } = cluster;
  const addresses = nodes.map(({ address }) => address);
  await enableKv(addresses[0]!, rootToken);
  const load = await startLoad({ addresses, rootToken, random, rate: Number(values.rate) });
  const disturbances: Disturbance[] = [];
  const watched = watchStandstill(disturbances, say);
  const ids = nodes.map(({ id }) => id);
  const figures = readFigures(values.figures, ids);
  /** When each node came back. */
  const backAtMs = new Map<string, number>();
  for (let n = 0; n < Number(values.kills); n++) {
    const node = nodes[n % nodes.length]!;
    // Two short lives are no flapping yet.
    if (n >= nodes.length * (FLAPS_MAX - 1))
      await sleep(Math.max(0, (backAtMs.get(node.id) ?? 0) + LIFE_MS - performance.now()));
    const { owners, keeper } = await whoOwns(nodes[(n + 1) % nodes.length]!, load, rootToken);
    await sleep(CALM_MS + 500);
    const atMs = performance.now();
    const back = killAndRestart({ cluster, random, disturbances, say: () => {} }, node, DOWN_MS);
    const survivors = nodes.filter((each) => each !== node);
    const lost = sample([...owners].filter(([, owner]) => owner === node.id).map(([name]) => name));
    const times = await Promise.all(
      lost.map((name, i) => servedAgain(survivors[i % 2]!.address, name, rootToken, atMs)),
    );
    await back;
    backAtMs.set(node.id, performance.now());
    if (disturbances.some((each) => each.address === undefined && each.untilMs >= atMs)) {
      say(`kill ${n + 1} of ${node.id} is not counted: the machine stood still`);
      continue;
    }
    figures.kills[node.id]!++;
    if (keeper === node.id) figures.keeperKills++;
    figures.outages.push(...times);
    const apart = sort(load.requests, node, owners, atMs);
    figures.calm.push(...apart.calm);
    figures.around.push(...apart.around);
    say(
      `kill ${n + 1} of ${node.id}${keeper === node.id ? ' (keeper)' : ''}: ${lost.length} actors served again after ` +
        `p50 ${percentile(times, 0.5).toFixed(0)} ms, max ${Math.max(...times).toFixed(0)} ms; survivors' p99 ` +
        `${percentile(apart.around, 0.99).toFixed(0)} ms of ${apart.around.length}, calm ${percentile(apart.calm, 0.99).toFixed(0)} ms`,
    );
  }
  await sleep(CALM_MS);
  await load.stop();
  watched();
  const found = await report(load, addresses, rootToken, disturbances);
  figures.requests += found.requests;
  figures.refused += found.refused;
  figures.broken += found.broken;
  figures.undecided += found.undecided;
  figures.violations += found.violations.length;
  for (const violation of found.violations.slice(0, 20)) say(`violation: ${violation}`);
  keepFigures(values.figures, figures);
  for (const { line, isMet } of judge(figures)) {
    say(`${line}${isMet ? '' : ': MISSED'}`);
    if (!isMet) process.exitCode = 1;
  }
} finally {
  await cluster.remove();
}

/** Owner's node id by KV path and by token. */
async function whoOwns(
  node: TestNode,
  load: Load,
  token: string,
): Promise<{ owners: Map<string, string>; keeper: string | undefined }> {
  const owners = new Map<string, string>();
  const names = [...load.keys, ...load.tokens];
  let next = 0;
  const worker = async () => {
    while (next < names.length) {
      const name = names[next++]!;
      const accessor = load.accessors.get(name);
      const path = accessor === undefined ? name : `auth/token/accessors/${accessor}`;
      const reply = await node.call('GET', `sys/cluster/whereis/${path}`, {
        token,
        timeoutMs: PATIENCE_MS,
      });
      if (reply.status !== 200) throw new Error(`whereis: ${reply.text}`);
      owners.set(name, reply.body.data.owner);
    }
  };
  await Promise.all(Array.from({ length: 2 }, worker));
  const status = await node.call('GET', 'sys/cluster/status', { token });
  return { owners, keeper: status.body?.data?.keeper };
}

/** As many as can be asked for without being a load of their own. */
function sample(names: readonly string[]): string[] {
  const left = [...names];
  const picked: string[] = [];
  while (picked.length < PROBES && left.length > 0) picked.push(...left.splice(random.int(left.length), 1));
  return picked;
}

/** ms from the kill to the first good answer. */
async function servedAgain(address: string, name: string, rootToken: string, atMs: number): Promise<number> {
  const client = makeClient();
  const isPath = name.includes('/');
  for (;;) {
    const heard = isPath
      ? await client.ask(address, { method: 'GET', path: name, token: rootToken })
      : await client.ask(address, { method: 'GET', path: 'auth/token/lookup-self', token: name });
    const isGood = heard.kind === 'reply' && (heard.status === 200 || (isPath && heard.status === 404));
    if (isGood) break;
    await sleep(ASK_AGAIN_MS);
  }
  client.close();
  return performance.now() - atMs;
}

/** Latencies of requests at survivors whose path and token are theirs, before the kill and after it. */
function sort(
  requests: readonly Request[],
  killed: TestNode,
  owners: ReadonlyMap<string, string>,
  atMs: number,
): Pick<KillFigures, 'calm' | 'around'> {
  const apart: Pick<KillFigures, 'calm' | 'around'> = { calm: [], around: [] };
  for (const { kind, key, token, address, sentMs, endedMs } of requests) {
    if (kind === 'create' || address === killed.address) continue;
    const path = `secret/data/chaos/${key}`;
    if (owners.get(path) === killed.id || owners.get(token) === killed.id) continue;
    if (sentMs >= atMs - CALM_MS && endedMs < atMs) apart.calm.push(endedMs - sentMs);
    else if (sentMs >= atMs && sentMs < atMs + AROUND_MS) apart.around.push(endedMs - sentMs);
  }
  return apart;
}
