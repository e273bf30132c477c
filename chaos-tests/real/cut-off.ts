/**
 * `npm run chaos:cut-off -- [--coordinator etcd|consul] [--away-seconds N]`: one node of three is cut off from the store while clients reach it:
 * it stops answering within its deadline, and comes back by itself. Then the store is away from all: 503, then all is well, without
 * a restart and with the same members. Needs root (network namespaces).
 *
 * @module
 */
import assert from 'node:assert/strict';
import { parseArgs } from 'node:util';
import { makeHosts } from '../../test/support/namespaces.ts';
import { type StoreKind, startNodes, type TestNode } from '../../test/support/nodes.ts';
import { makeClient } from './client.ts';
import { sleep } from './fault-context.ts';
import { enableKv } from './load.ts';

const { values } = parseArgs({
  options: {
    coordinator: { type: 'string', default: 'etcd' },
    'away-seconds': { type: 'string', default: '30' },
  },
});

/** D: what a node answers is good until so long after it sent its last good beat. */
const DEADLINE_MS = 1_500;
const CUT_MS = 8_000;
const EVERY_MS = 20;
const READY_MS = 180_000;
const BACK_MS = 60_000;

const say = (line: string) => process.stdout.write(`${line}\n`);
/** @throws Error where this machine cannot. */
function had<T>(found: T | { missing: string }): T {
  if (typeof found === 'object' && found !== null && 'missing' in found) throw new Error(found.missing);
  return found;
}

const hosts = had(makeHosts(3));
const cluster = had(
  await startNodes({ hosts, store: values.coordinator as StoreKind, readyTimeoutMs: READY_MS }),
);
const { nodes } = cluster;
try {
  await cluster.open();
  await enableKv(nodes[0]!.address, cluster.rootToken);
  await cutOff(nodes[0]!);
  await storeAway();
} finally {
  await cluster.remove();
  await hosts.remove();
}

interface Answer {
  readonly sentMs: number;
  readonly endedMs: number;
  readonly status: number;
}

/** Reads at a node as long as asked; what is read stays in its memory. */
function watch(node: TestNode): { readonly answers: readonly Answer[]; stop(): Promise<void> } {
  const client = makeClient();
  const answers: Answer[] = [];
  let isOver = false;
  const running = (async () => {
    while (!isOver) {
      const sentMs = performance.now();
      const heard = await client.ask(node.address, {
        method: 'GET',
        path: 'secret/data/cut',
        token: cluster.rootToken,
      });
      const status = heard.kind === 'reply' ? heard.status : 0;
      assert(
        status === 0 || status === 200 || (status === 503 && heard.kind === 'reply' && heard.retryAfter),
      );
      answers.push({ sentMs, endedMs: performance.now(), status });
      await sleep(EVERY_MS);
    }
    client.close();
  })();
  return {
    answers,
    stop() {
      isOver = true;
      return running;
    },
  };
}

async function write(node: TestNode, value: string): Promise<void> {
  const body = { data: { value } };
  const reply = await node.call('POST', 'secret/data/cut', { token: cluster.rootToken, body });
  assert.equal(reply.status, 200, reply.text);
}

async function read(node: TestNode): Promise<string> {
  const reply = await node.call('GET', 'secret/data/cut', { token: cluster.rootToken });
  assert.equal(reply.status, 200, reply.text);
  return reply.body.data.data.value;
}

async function status(node: TestNode) {
  const reply = await node.call('GET', 'sys/cluster/status', { token: cluster.rootToken });
  assert.equal(reply.status, 200, reply.text);
  return reply.body.data;
}

async function cutOff(node: TestNode): Promise<void> {
  await write(node, 'before');
  const pid = node.pid();
  const watched = watch(node);
  await sleep(1_000);
  const cutMs = performance.now();
  const mend = hosts.cut(hosts.hosts[0]!, hosts.storeIp);
  await sleep(CUT_MS);
  mend();
  const mendedMs = performance.now();
  await node.untilActive(BACK_MS);
  const backMs = performance.now();
  await watched.stop();
  const good = watched.answers.filter(({ endedMs, status }) => status === 200 && endedMs < mendedMs);
  // What was sent later than this was answered by nobody's right.
  const lastMs = Math.max(...good.map(({ sentMs }) => sentMs)) - cutMs;
  say(
    `${node.id} cut off from the store: last good answer to a request sent ${lastMs.toFixed(0)} ms after the cut (deadline ${DEADLINE_MS}); ` +
      `active again ${(backMs - mendedMs).toFixed(0)} ms after the cut ended, same process ${node.pid() === pid}`,
  );
  assert(lastMs <= DEADLINE_MS, 'it answered beyond its deadline');
  assert.equal(node.pid(), pid);
  for (const each of nodes) assert.equal(await read(each), 'before');
}

async function storeAway(): Promise<void> {
  await write(nodes[1]!, 'again');
  const before = await status(nodes[1]!);
  const pids = nodes.map((node) => node.pid());
  const watched = nodes.map(watch);
  const goneMs = performance.now();
  for (const store of cluster.stores) await store.kill();
  await sleep(Number(values['away-seconds']) * 1_000);
  const statuses = await Promise.all(nodes.map((node) => node.call('GET', 'sys/health')));
  await Promise.all(cluster.stores.map((store) => store.start()));
  const thereMs = performance.now();
  await Promise.all(nodes.map((node) => node.untilActive(BACK_MS)));
  const backMs = performance.now();
  await Promise.all(watched.map((each) => each.stop()));
  for (const node of nodes) assert.equal(await read(node), 'again');
  await write(nodes[2]!, 'after');
  for (const node of nodes) assert.equal(await read(node), 'after');
  const after = await status(nodes[1]!);
  const good = watched.flatMap(({ answers }) =>
    answers.filter(({ status, endedMs }) => status === 200 && endedMs < thereMs),
  );
  const lastMs = Math.max(...good.map(({ sentMs }) => sentMs)) - goneMs;
  say(
    `the store away for ${values['away-seconds']} s: last good answer to a request sent ${lastMs.toFixed(0)} ms after; health meanwhile ${statuses.map(({ status }) => status)}; ` +
      `all active ${(backMs - thereMs).toFixed(0)} ms after it was there again, epoch ${before.epoch} before and ${after.epoch} after`,
  );
  assert(lastMs <= DEADLINE_MS);
  assert(statuses.every((each) => each.status !== 200));
  assert.equal(after.epoch, before.epoch, 'nobody is evicted for an outage');
  assert.deepEqual(
    nodes.map((node) => node.pid()),
    pids,
  );
}
