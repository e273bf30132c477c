/**
 * `npm run bench:cluster`: what being one of several costs. Ratios within one run; the load generator shares the machine's cores with the nodes, so that
 * rates say less than CPU time per request. The median of the rounds counts.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { clientOf, startConfigured } from '../test/support/configured.ts';
import { freePort } from '../test/support/free-port.ts';
import { call } from '../test/support/http.ts';
import { startNodes, type TestNodes } from '../test/support/nodes.ts';
import { startDev } from '../test/support/server.ts';
import { testFolder } from '../test/support/test-folder.ts';
import { generate, request } from './generate.ts';
import { etcdWays, run } from './store-ways.ts';

const SECONDS = Number(process.env.BENCH_SECONDS ?? 3);
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 7);
const ONLY = process.env.BENCH_ONLY ?? '';
const CONNECTIONS = 64;
const KEYS = 1_000;
const TICK_MS = 10;
const BODY = JSON.stringify({ data: { value: 'v'.repeat(300) } });

const say = (line: string) => process.stdout.write(`${line}\n`);
const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;
const goal = (met: boolean) => (met ? 'met' : 'MISSED');

/** CPU time of these processes so far, ms. */
function cpuMs(pids: readonly number[]): number {
  let ms = 0;
  for (const pid of pids) {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    ms += (Number(fields[11]) + Number(fields[12])) * TICK_MS;
  }
  return ms;
}

interface Measured {
  readonly perSecond: number;
  readonly p50Ms: number;
  /** CPU µs of the measured processes for each request. */
  readonly cpuUs: number;
}

/** A process goes on becoming faster for seconds: the first time, each sort of request is sent so long to each port before it counts. */
const warmed = new Set<string>();

/** Requests of all connections to one port, and what they cost `pids`. */
async function load(port: number, requests: readonly string[], pids: readonly number[]): Promise<Measured> {
  const options = { port, connections: CONNECTIONS, requests, expectStatus: 200 };
  const sort = `${port} ${requests[0]!.slice(0, 4)}`;
  await generate({ ...options, seconds: 0.2, warmupSeconds: warmed.has(sort) ? 0.3 : 4 });
  warmed.add(sort);
  const before = cpuMs(pids);
  const {
    perSecond,
    p50Ms,
    requests: count,
  } = await generate({
    ...options,
    seconds: SECONDS,
    warmupSeconds: 0,
  });
  return { perSecond, p50Ms, cpuUs: ((cpuMs(pids) - before) * 1_000) / count };
}

const portOf = (address: string): number => Number(new URL(address).port);
const show = ({ perSecond, p50Ms, cpuUs }: Measured): string =>
  `${Math.round(perSecond).toString().padStart(6)}/s  p50 ${p50Ms.toFixed(2)} ms  ${cpuUs.toFixed(0)} µs CPU a request`;

const paths = Array.from({ length: KEYS }, (_, n) => `/v1/secret/data/bench/k${n}`);
const readsOf = (port: number, token: string, of = paths) =>
  of.map((path) => request('GET', port, path, token));
const writesOf = (port: number, token: string) =>
  paths.map((path) => request('POST', port, path, token, BODY));

async function fill(address: string, token: string, mount = true): Promise<void> {
  const client = clientOf(address, { token });
  if (mount) await client('POST', 'sys/mounts/secret', { type: 'kv', options: { version: '2' } });
  for (const path of paths) await client('POST', path.slice('/v1/'.length), JSON.parse(BODY));
}

async function withNodes(
  options: Parameters<typeof startNodes>[0],
  use: (cluster: TestNodes) => Promise<void>,
): Promise<void> {
  const cluster = await startNodes(options);
  if ('missing' in cluster) {
    say(`skipped: ${cluster.missing}`);
    return;
  }
  try {
    await cluster.open();
    await fill(cluster.nodes[0]!.address, cluster.rootToken);
    await use(cluster);
  } finally {
    await cluster.remove();
  }
}

/** Where reads ran, as the node's metrics tell. */
async function routes(address: string, token: string): Promise<Record<string, number>> {
  const { text } = await call(address, 'GET', '/v1/sys/metrics?format=prometheus', { token });
  const found = text.matchAll(/^vault_cluster_operations(?:_total)?\{[^}]*?where="(\w+)"[^}]*\} (\d+)/gm);
  return Object.fromEntries([...found].map(([, where, count]) => [where, Number(count)]));
}

/** Hot reads: nearly none takes a hop, and a node that owns nothing of it pays little more than the owner. */
async function hotReads({ nodes, rootToken }: TestNodes): Promise<void> {
  const owned = new Map<string, string[]>();
  for (const path of paths) {
    const { body } = await nodes[0]!.call('GET', `sys/cluster/whereis/${path.slice(4)}`, {
      token: rootToken,
    });
    owned.set(body.data.owner, [...(owned.get(body.data.owner) ?? []), path]);
  }
  const [owner, other] = nodes;
  const hot = owned.get(owner!.id)!;
  // A token that each node holds, as each holds the paths.
  const ratios: number[] = [];
  let last: Measured[] = [];
  const begun = await routes(other!.address, rootToken);
  for (let round = 0; round < ROUNDS; round++) {
    const at = async (node: TestNodes['nodes'][number]) =>
      load(portOf(node.address), readsOf(portOf(node.address), rootToken, hot), [node.pid()]);
    last = [await at(owner!), await at(other!)];
    ratios.push(last[1]!.cpuUs / last[0]!.cpuUs);
  }
  const ended = await routes(other!.address, rootToken);
  const took = (where: string) => (ended[where] ?? 0) - (begun[where] ?? 0);
  const all = took('here') + took('replica') + took('remote');
  const share = (100 * (all - took('remote'))) / all;
  say(`hot reads at their owner        ${show(last[0]!)}`);
  say(`hot reads at another node       ${show(last[1]!)}`);
  say(
    `  CPU ratio ${median(ratios).toFixed(3)} (goal 1.15: ${goal(median(ratios) <= 1.15)}); ${share.toFixed(2)} % without a hop (goal 99: ${goal(share >= 99)})`,
  );
}

/** One node: with the parts of a cluster, and without. */
async function clusterParts(what: 'reads' | 'writes'): Promise<void> {
  const requests = what === 'reads' ? readsOf : writesOf;
  await withNodes({ store: 'embedded', count: 1 }, async ({ nodes, rootToken }) => {
    const alone = await startDev({ rootToken: 'root', args: [`-dev-data=${testFolder('bench')}/data`] });
    try {
      await fill(alone.address, 'root', false);
      const ratios: number[] = [];
      let last: Measured[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        const [a, m] = [portOf(alone.address), portOf(nodes[0]!.address)];
        const atAlone = () => load(a, requests(a, 'root'), [alone.pid]);
        const atMember = () => load(m, requests(m, rootToken), [nodes[0]!.pid()]);
        // Each goes first every other time: a machine that slows down or speeds up favours neither.
        if (round % 2 === 0) last = [await atAlone(), await atMember()];
        else last = [await atMember(), await atAlone()].reverse();
        ratios.push(last[1]!.cpuUs / last[0]!.cpuUs);
      }
      say(`${what} at a node alone          ${show(last[0]!)}`);
      say(`${what} with the cluster's parts ${show(last[1]!)}`);
      const limit = what === 'reads' ? ` (goal 1.10: ${goal(median(ratios) <= 1.1)})` : '';
      say(
        `  CPU ratio ${median(ratios).toFixed(3)}${limit}, of ${ratios.map((ratio) => ratio.toFixed(2)).join(' ')}`,
      );
    } finally {
      await alone.stop();
    }
  });
}

/** Durable writes through one node on etcd, against etcd itself. */
async function etcdWrites(): Promise<void> {
  await withNodes({ store: 'etcd', count: 1 }, async ({ nodes, rootToken, stores }) => {
    const ways = await etcdWays(stores[0]!);
    const [single, , grouped] = ways.ways;
    const [node] = nodes;
    const port = portOf(node!.address);
    const ratios: [number[], number[]] = [[], []];
    for (let round = 0; round < Math.min(ROUNDS, 3); round++) {
      const one = await run(single, SECONDS);
      const ours = await load(port, writesOf(port, rootToken), [node!.pid()]);
      const many = await run(grouped, SECONDS);
      ratios[0].push(ours.perSecond / one.perSecond);
      ratios[1].push(ours.perSecond / many.perSecond);
      say(
        `etcd: 64 loops of single transactions ${one.perSecond.toFixed(0)}/s, writes through a node ${show(ours)}, grouped ones ${many.perSecond.toFixed(0)}/s`,
      );
    }
    const [toSingle, toGrouped] = [median(ratios[0]), median(ratios[1])];
    say(
      `  ${toSingle.toFixed(2)} × single transactions (goal 1.5: ${goal(toSingle >= 1.5)}), ${toGrouped.toFixed(2)} × grouped ones (goal 0.25: ${goal(toGrouped >= 0.25)})`,
    );
    await ways.close();
  });
}

/** Two nodes that share an address against one. */
async function twoNodes(): Promise<void> {
  const servers = [];
  for (const args of [[], ['-nodes=2']]) {
    const folder = testFolder('bench');
    const port = await freePort();
    const address = `http://127.0.0.1:${port}`;
    const config = `storage "file" { path = "${folder}/data" }\nlistener "tcp" {\n  address = "127.0.0.1:${port}"\n  tls_disable = true\n}\napi_addr = "${address}"\n`;
    const server = await startConfigured({ folder, config, address, args });
    const client = clientOf(address);
    const { body } = await client('PUT', 'sys/init', { secret_shares: 1, secret_threshold: 1 });
    await client('PUT', 'sys/unseal', { key: body.keys_base64[0] });
    await untilServed(address);
    await fill(address, body.root_token);
    servers.push({
      server,
      port,
      token: body.root_token as string,
      pids: [server.pid, ...childrenOf(server.pid)],
    });
  }
  try {
    for (const [what, requests] of [
      ['reads', readsOf],
      ['writes', writesOf],
    ] as const) {
      const rates: number[] = [];
      let last: Measured[] = [];
      for (let round = 0; round < Math.min(ROUNDS, 3); round++) {
        last = [];
        for (const { port, token, pids } of servers) last.push(await load(port, requests(port, token), pids));
        rates.push(last[1]!.perSecond / last[0]!.perSecond);
      }
      say(`${what} at one node              ${show(last[0]!)}`);
      say(`${what} at two that share a port ${show(last[1]!)}`);
      say(`  rate ratio ${median(rates).toFixed(2)}`);
    }
  } finally {
    await Promise.all(servers.map(({ server }) => server.stop()));
  }
}

function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return text === '' ? [] : text.split(' ').map(Number);
}

/** Each connection may meet another node. */
async function untilServed(address: string): Promise<void> {
  for (let good = 0; good < 10; ) {
    const { status } = await call(address, 'GET', '/v1/sys/health');
    good = status === 200 ? good + 1 : 0;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

say(
  `${cpus()[0]?.model ?? 'unknown cpu'} × ${cpus().length}, Node ${process.versions.node}, ${CONNECTIONS} connections, ${SECONDS} s × ${ROUNDS}`,
);
const PARTS = {
  'hot-reads': () => withNodes({ store: 'embedded' }, hotReads),
  'cluster-parts-reads': () => clusterParts('reads'),
  'cluster-parts-writes': () => clusterParts('writes'),
  'etcd-writes': etcdWrites,
  'two-nodes': twoNodes,
};
for (const [name, part] of Object.entries(PARTS)) if (name.includes(ONLY)) await part();
