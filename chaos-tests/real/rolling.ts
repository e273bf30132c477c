/**
 * `npm run chaos:rolling -- --coordinator etcd|consul|embedded [--upgrade] [--rounds N] [--rate N]`: all nodes are restarted, one after another,
 * under load through a balancer that looks at `sys/health` every 200 ms. No answer may be anything but success. With `--upgrade` each
 * comes back as the next release, which speaks one version of messages more: that is spoken once all can, and the old release is let in no
 * more.
 *
 * @module
 */
import { parseArgs } from 'node:util';
import { type StoreKind, startNodes, type TestNodes } from '../../test/support/nodes.ts';
import { COFFER_ENTRY } from '../../test/support/server.ts';
import { until } from '../../test/support/until.ts';
import { makeRandom } from '../sim/random.ts';
import { makeBalanced } from './balanced.ts';
import { restartOne, sleep } from './fault-context.ts';
import { enableKv, startLoad } from './load.ts';
import { makeNextRelease, type Release } from './release.ts';
import { type Disturbance, percentile, report } from './report.ts';
import { watchStandstill } from './standstill.ts';

const { values } = parseArgs({
  options: {
    coordinator: { type: 'string', default: 'etcd' },
    nodes: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '1' },
    rate: { type: 'string', default: '600' },
    upgrade: { type: 'boolean', default: false },
  },
});

const CALM_MS = 2_000;
const READY_MS = 180_000;
/** The old release has had its chance to get in. */
const REFUSED_MS = 5_000;

const say = (line: string) =>
  process.stdout.write(`${(performance.now() / 1_000).toFixed(1).padStart(7)} s  ${line}\n`);
const random = makeRandom(1);
const cluster = await startNodes({
  count: Number(values.nodes),
  store: values.coordinator as StoreKind,
  readyTimeoutMs: READY_MS,
});
if ('missing' in cluster) throw new Error(cluster.missing);
const problems: string[] = [];
const balanced = makeBalanced(cluster.nodes.map(({ address }) => address));
try {
  await cluster.open();
  const { nodes, rootToken } = cluster;
  const addresses = nodes.map(({ address }) => address);
  await until('the balancer sees all', () => balanced.balancer.well().length === nodes.length);
  await enableKv(addresses[0]!, rootToken);
  const rate = Number(values.rate);
  const load = await startLoad({ addresses, rootToken, random, rate, client: balanced.client });
  const standstills: Disturbance[] = [];
  const watched = watchStandstill(standstills, say);
  const release = values.upgrade ? makeNextRelease() : undefined;
  await sleep(CALM_MS);
  const context = { cluster, random, disturbances: [], say: () => {} };
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const node of nodes) {
      const beganMs = performance.now();
      await restartOne(context, node, release?.entry);
      await until('the balancer sees it again', () => balanced.balancer.well().includes(node.address));
      say(`${node.id} is back after ${(performance.now() - beganMs).toFixed(0)} ms`);
      if (release && node !== nodes.at(-1)) await expectProtocol(cluster, release.speaks - 1);
    }
  }
  if (release) await upgraded(cluster, release);
  await sleep(CALM_MS);
  await load.stop();
  watched();
  // Nothing that a restart might explain is let pass: the balancer is to make all of it invisible.
  const found = await report(load, addresses, rootToken, standstills);
  const latencies = load.requests.map(({ sentMs, endedMs }) => endedMs - sentMs);
  say(
    `${found.requests} requests: ${found.refused} refused with 503, ${found.violations.length} violations, ${found.undecided} undecided; ` +
      `p50 ${percentile(latencies, 0.5).toFixed(1)} ms, p99 ${percentile(latencies, 0.99).toFixed(1)} ms`,
  );
  problems.push(...found.violations);
  for (const { kind, key, address, sentMs, endedMs, heard } of load.requests) {
    if (heard.kind !== 'reply' || heard.status !== 503) continue;
    problems.push(
      `${(sentMs / 1_000).toFixed(1)} s: ${kind} ${key} at ${address} was refused after ${(endedMs - sentMs).toFixed(0)} ms: ${JSON.stringify(heard.body)}`,
    );
  }
} finally {
  await balanced.balancer.stop();
  await cluster.remove();
}
for (const problem of problems.slice(0, 30)) say(`violation: ${problem}`);
if (problems.length > 0) process.exitCode = 1;

async function protocolAt({ nodes, rootToken }: TestNodes): Promise<number[]> {
  const replies = nodes.map((node) => node.call('GET', 'sys/cluster/status', { token: rootToken }));
  return (await Promise.all(replies)).map(({ body }) => body?.data?.protocol);
}

/** As long as one speaks only this version, all do. */
async function expectProtocol(of: TestNodes, version: number): Promise<void> {
  const spoken = await protocolAt(of);
  if (spoken.some((each) => each !== version)) problems.push(`${spoken} is spoken instead of ${version}`);
}

async function upgraded(of: TestNodes, release: Release): Promise<void> {
  const [first] = of.nodes;
  await until(
    'the new version is spoken',
    async () => (await protocolAt(of)).every((each) => each === release.speaks),
    60_000,
  );
  say(`all speak version ${release.speaks}`);
  await first!.stop('SIGTERM');
  await first!.start(COFFER_ENTRY);
  await sleep(REFUSED_MS);
  const health = await first!.call('GET', 'sys/health');
  if (health.status === 200) problems.push('a node of the old release was let in');
  say(`the old release is not let in: its health is ${health.status}`);
  await restartOne({ cluster: of, random, disturbances: [], say: () => {} }, first!, release.entry);
}
