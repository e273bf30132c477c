/**
 * `npm run chaos:revoked -- --coordinator etcd|consul|embedded [--tries N] [--workers N]`: tokens are revoked, and policies tightened, at one
 * node while they are in use at all; once the call has returned, every node must refuse. Tokens are revoked by themselves, by accessor, and
 * with their parent.
 *
 * @module
 */
import { parseArgs } from 'node:util';
import { type StoreKind, startNodes, type TestNodes } from '../../test/support/nodes.ts';
import { type Asked, type Client, type Heard, makeClient } from './client.ts';
import { sleep } from './fault-context.ts';
import { enableKv } from './load.ts';

const { values } = parseArgs({
  options: {
    coordinator: { type: 'string', default: 'etcd' },
    nodes: { type: 'string', default: '3' },
    tries: { type: 'string', default: '10000' },
    workers: { type: 'string', default: '8' },
  },
});

const READY_MS = 180_000;
/** Machines that run other things too stand still for a while. */
const PATIENCE_MS = 300_000;
const USE_EVERY_MS = 5;
const SAY_EVERY = 100;
const OPEN = 'path "secret/*" { capabilities = ["read", "create", "update"] }';
const TIGHT = 'path "secret/*" { capabilities = ["deny"] }';
/** How a try takes a right away. */
const WAYS = ['token', 'accessor', 'parent', 'policy'] as const;

const say = (line: string) => process.stdout.write(`${line}\n`);
const cluster = await startNodes({
  count: Number(values.nodes),
  store: values.coordinator as StoreKind,
  readyTimeoutMs: READY_MS,
});
if ('missing' in cluster) throw new Error(cluster.missing);
const slips: string[] = [];
const tries = Object.fromEntries(WAYS.map((way) => [way, 0])) as Record<(typeof WAYS)[number], number>;
/** Asked while the right was being taken away, and answered either way. */
const meanwhile = { good: 0, refused: 0 };
let left = Number(values.tries);
try {
  await cluster.open();
  const [first] = cluster.nodes;
  await enableKv(first!.address, cluster.rootToken);
  const beganMs = performance.now();
  const { rootToken, nodes } = cluster;
  await Promise.all(
    Array.from({ length: Number(values.workers) }, (_, worker) => work(nodes, rootToken, worker)),
  );
  const seconds = (performance.now() - beganMs) / 1_000;
  const done = Object.entries(tries).map(([way, count]) => `${count} by ${way}`);
  say(
    `${done.join(', ')}, in ${seconds.toFixed(0)} s; used meanwhile ${meanwhile.good + meanwhile.refused} times, ${meanwhile.refused} refused`,
  );
  say(`${slips.length} slipped`);
} finally {
  await cluster.remove();
}
for (const slip of slips.slice(0, 20)) say(`violation: ${slip}`);
if (slips.length > 0) process.exitCode = 1;

async function work(nodes: TestNodes['nodes'], root: string, worker: number): Promise<void> {
  const client = makeClient();
  const addresses = nodes.map(({ address }) => address);
  const at = (n: number) => addresses[n % addresses.length]!;
  const path = `secret/data/w${worker}`;
  const policy = `tight-${worker}`;
  const write = { method: 'POST', path, token: root, body: { data: { worker } } };
  await must(client, at(worker), write);
  const settingOf = (text: string) => ({
    method: 'POST',
    path: `sys/policies/acl/${policy}`,
    token: root,
    body: { policy: text },
  });
  await must(client, at(worker), settingOf(OPEN));
  for (let n = worker; left > 0; n++) {
    left--;
    const way = WAYS[n % WAYS.length]!;
    const parent = await makeToken(client, at(n), root, ['root']);
    const { client_token: token, accessor } = await makeToken(client, at(n + 1), parent.client_token, [
      policy,
    ]);
    const read = { method: 'GET', path, token, timeoutMs: PATIENCE_MS };
    // Each node holds now what it needs to answer by itself.
    await Promise.all(addresses.map((address) => must(client, address, read)));
    let isOver = false;
    const used = Promise.all(
      addresses.map(async (address) => {
        while (!isOver) {
          const heard = await client.ask(address, read);
          meanwhile[isGood(heard) ? 'good' : 'refused']++;
          // It is to be in use, not to be all that these nodes do.
          await sleep(USE_EVERY_MS);
        }
      }),
    );
    const taking =
      way === 'policy'
        ? settingOf(TIGHT)
        : revoking(way, { root, token, accessor, parent: parent.client_token });
    await must(client, at(n + 2), taking);
    // In the same turn: what is asked from here on comes after the call returned.
    const asked = addresses.map((address) => decided(client, address, read));
    isOver = true;
    for (const [index, heard] of (await Promise.all(asked)).entries()) {
      if (heard.kind === 'reply' && heard.status === 403) continue;
      slips.push(`${way}: taken away at ${at(n + 2)}, then at ${addresses[index]}: ${JSON.stringify(heard)}`);
    }
    await used;
    tries[way]++;
    const done = Object.values(tries).reduce((sum, count) => sum + count, 0);
    if (done % SAY_EVERY === 0) say(`${done} tries, ${slips.length} slipped`);
    if (way === 'policy') {
      await must(client, at(n), settingOf(OPEN));
      await must(client, at(n), revocation(root, parent.client_token));
    }
  }
  client.close();
}

interface Rights {
  readonly root: string;
  readonly token: string;
  readonly accessor: string;
  readonly parent: string;
}

function revoking(way: 'token' | 'accessor' | 'parent', { root, token, accessor, parent }: Rights) {
  if (way === 'accessor')
    return { method: 'POST', path: 'auth/token/revoke-accessor', token: root, body: { accessor } };
  return revocation(root, way === 'parent' ? parent : token);
}

function revocation(root: string, token: string) {
  return { method: 'POST', path: 'auth/token/revoke', token: root, body: { token } };
}

async function makeToken(client: Client, address: string, by: string, policies: readonly string[]) {
  const body = { policies, ttl: '1h', no_default_policy: true };
  const reply = await must(client, address, { method: 'POST', path: 'auth/token/create', token: by, body });
  return reply.auth as { client_token: string; accessor: string };
}

/** Asked again where a node is not ready. @throws Error with any other answer. */
async function must(client: Client, address: string, asked: Asked) {
  const heard = await decided(client, address, { ...asked, timeoutMs: PATIENCE_MS });
  if (heard.kind === 'reply' && heard.status < 300) return heard.body;
  throw new Error(`${asked.method} ${asked.path}: ${JSON.stringify(heard)}`);
}

/** Asked again where a node is not ready: 503 is no answer to whether the right is gone. */
async function decided(client: Client, address: string, asked: Asked): Promise<Heard> {
  for (;;) {
    const heard = await client.ask(address, asked);
    if (heard.kind !== 'reply' || heard.status !== 503) return heard;
  }
}

function isGood(heard: Heard): boolean {
  return heard.kind === 'reply' && heard.status === 200;
}
