/**
 * `npm run chaos:real -- --minutes M --coordinator etcd|consul|embedded [--nodes N] [--members N] [--hosts] [--faults kill,pause,…] [--seed N] [--rate N]`:
 * a cluster of real processes under load while faults happen, one after another; then the history is checked. It is kept as a file.
 * The seed names the order of faults and requests; the machine decides the rest.
 *
 * @module
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { makeHosts } from '../../test/support/namespaces.ts';
import { type StoreKind, startNodes } from '../../test/support/nodes.ts';
import { makeRandom } from '../sim/random.ts';
import { FAULTS, faultsFor, sleep } from './faults.ts';
import { enableKv, startLoad } from './load.ts';
import { type Kill, percentile, report } from './report.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    coordinator: { type: 'string', default: 'etcd' },
    nodes: { type: 'string', default: '3' },
    members: { type: 'string', default: '1' },
    faults: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    rate: { type: 'string', default: '300' },
    keep: { type: 'string' },
    /** Each node in a network namespace of its own. */
    hosts: { type: 'boolean', default: false },
  },
});

const beganMs = performance.now();
const say = (line: string) =>
  process.stdout.write(`${((performance.now() - beganMs) / 1_000).toFixed(1).padStart(7)} s  ${line}\n`);

const random = makeRandom(Number(values.seed));
const hosts = values.hosts ? makeHosts(Number(values.nodes)) : undefined;
if (hosts && 'missing' in hosts) throw new Error(hosts.missing);
const cluster = await startNodes({
  hosts,
  count: Number(values.nodes),
  store: values.coordinator as StoreKind,
  storeMembers: Number(values.members),
});
if ('missing' in cluster) throw new Error(cluster.missing);
try {
  await cluster.open();
  say(`${values.nodes} nodes on ${values.coordinator} are active; seed ${values.seed}`);
  const addresses = cluster.nodes.map((node) => node.address);
  const { rootToken } = cluster;
  await enableKv(addresses[0]!, rootToken);
  const load = await startLoad({
    addresses,
    rootToken,
    random: random.fork('load'),
    rate: Number(values.rate),
  });
  const kills: Kill[] = [];
  const names = values.faults?.split(',') ?? faultsFor(cluster, hosts !== undefined);
  const untilMs = performance.now() + Number(values.minutes) * 60_000;
  let faults = 0;
  while (performance.now() < untilMs) {
    await sleep(random.between(500, 3_000));
    await FAULTS[random.pick(names)]!({ cluster, random, kills, hosts, say });
    faults++;
  }
  await sleep(1_000);
  await load.stop();
  const found = await report(load, addresses, rootToken, kills);
  const good = load.requests.filter(({ heard }) => heard.kind === 'reply' && heard.status < 300);
  const latencies = good.map(({ sentMs, endedMs }) => endedMs - sentMs);
  say(
    `${found.requests} requests, ${faults} faults: ${found.violations.length} violations, ${found.refused} refused with 503, ` +
      `${found.broken} broken with their node, ${found.undecided} histories undecided; ` +
      `p50 ${percentile(latencies, 0.5).toFixed(1)} ms, p99 ${percentile(latencies, 0.99).toFixed(1)} ms`,
  );
  for (const violation of found.violations.slice(0, 50)) say(`violation: ${violation}`);
  keep(load.history.entries);
  if (found.violations.length > 0) {
    const command = `npm run chaos:real -- --minutes ${values.minutes} --coordinator ${values.coordinator} --nodes ${values.nodes} --members ${values.members} --rate ${values.rate} --seed ${values.seed}`;
    say(
      `again: ${command}${values.hosts ? ' --hosts' : ''}${values.faults ? ` --faults ${values.faults}` : ''}`,
    );
    for (const node of cluster.nodes) keepText(`${node.id}.log`, node.output());
    process.exitCode = 1;
  }
} finally {
  await cluster.remove();
  await hosts?.remove();
}

function keep(entries: readonly unknown[]): void {
  keepText('history.jsonl', entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
}

function keepText(name: string, text: string): void {
  if (values.keep === undefined) return;
  mkdirSync(values.keep, { recursive: true });
  writeFileSync(join(values.keep, name), text);
}
