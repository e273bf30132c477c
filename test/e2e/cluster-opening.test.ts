/**
 * Three nodes as processes that are opened, sealed, rotated and restarted, together and one by one.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { makeBalancer } from '../support/balancer.ts';
import { startNodes, type TestNode, type TestNodes } from '../support/nodes.ts';
import { until } from '../support/until.ts';

let cluster: TestNodes;
let nodes: readonly TestNode[];
let keys: string[] = [];
let token = '';

before(async () => {
  const started = await startNodes({ store: 'embedded' });
  assert(!('missing' in started));
  cluster = started;
  nodes = cluster.nodes;
});
after(async () => cluster?.remove());

const statusOf = async (node: TestNode) => (await node.call('GET', 'sys/seal-status')).body;
const give = async (node: TestNode, key: string) => {
  const reply = await node.call('PUT', 'sys/unseal', { body: { key } });
  assert.equal(reply.status, 200, reply.text);
  return reply.body;
};
const allActive = () => Promise.all(nodes.map((node) => node.untilActive()));

test('initialised at one node, the shares given to each open all', async () => {
  const body = { secret_shares: 4, secret_threshold: 3 };
  const made = await nodes[1]!.call('PUT', 'sys/init', { body });
  assert.equal(made.status, 200, made.text);
  keys = made.body.keys_base64;
  token = made.body.root_token;
  const again = await nodes[0]!.call('PUT', 'sys/init', { body });
  assert.equal(again.status, 400, again.text);
  assert.equal((await give(nodes[0]!, keys[0]!)).progress, 1);
  assert.equal((await give(nodes[1]!, keys[1]!)).progress, 2);
  for (const node of nodes) {
    const { initialized, sealed, progress, t, n } = await statusOf(node);
    assert.deepEqual([initialized, sealed, progress, t, n], [true, true, 2, 3, 4], node.id);
  }
  assert.equal((await give(nodes[2]!, keys[3]!)).sealed, false);
  await allActive();
});

test('one node is sealed alone, and takes shares again', async () => {
  const sealed = await nodes[2]!.call('PUT', 'sys/seal', { token, body: { node: true } });
  assert.equal(sealed.status, 204, sealed.text);
  assert.equal((await statusOf(nodes[2]!)).sealed, true);
  for (const node of nodes.slice(0, 2)) {
    const looked = await node.call('GET', 'auth/token/lookup-self', { token });
    assert.equal(looked.status, 200, looked.text);
  }
  assert.equal((await nodes[2]!.call('GET', 'auth/token/lookup-self', { token })).status, 503);
  // Nobody can be authorized by a sealed node: this seals nothing.
  await nodes[2]!.call('PUT', 'sys/seal', { token });
  for (const key of keys.slice(0, 3)) await give(nodes[2]!, key);
  await allActive();
});

test('after a rotation every node encrypts with the new key', async () => {
  const rotated = await nodes[0]!.call('PUT', 'sys/rotate', { token });
  assert.equal(rotated.status, 204, rotated.text);
  for (const node of nodes) {
    const { body } = await node.call('GET', 'sys/key-status', { token });
    assert.equal(body.data.term, 2, node.id);
  }
});

test('all nodes restart one after another, and no request fails', async () => {
  const body = { type: 'kv', options: { version: '2' } };
  const mounted = await nodes[0]!.call('POST', 'sys/mounts/secret', { token, body });
  assert.equal(mounted.status, 204, mounted.text);
  const balancer = makeBalancer(
    nodes.map(({ address }) => address),
    token,
  );
  const failures: string[] = [];
  let stopped = false;
  let answered = 0;
  const client = async (own: number): Promise<void> => {
    for (let n = 0; !stopped; n++) {
      const path = `secret/data/rolling/${(31 * own + n) % 50}`;
      const asked = n % 3 === 0 ? balancer.ask('POST', path, { data: { n } }) : balancer.ask('GET', path);
      const failure = await asked.then(
        ({ status, text }) => (status === 200 || status === 404 ? undefined : `${status} ${text}`),
        (error: Error) => `${error}`,
      );
      if (failure === undefined) answered++;
      else failures.push(failure);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  const clients = [0, 1, 2, 3].map(client);
  for (const node of nodes) {
    await node.stop();
    await node.start();
    await node.untilActive();
    while (!balancer.well().includes(node.address)) await new Promise((resolve) => setTimeout(resolve, 20));
  }
  stopped = true;
  await Promise.all(clients);
  await balancer.stop();
  assert.deepEqual(failures, []);
  assert(answered > 100, `${answered} answers`);
});

test('sealed and unsealed while everything is asked for: 503 meanwhile, and nothing acknowledged is lost', async () => {
  const written = new Map<string, number>();
  const statuses = new Set<number>();
  let stopped = false;
  const client = async (own: number): Promise<void> => {
    const path = `secret/data/sealing/${own}`;
    for (let n = 1; !stopped; n++) {
      const [one, other] = [nodes[(own + n) % 3]!, nodes[(own + n + 1) % 3]!];
      const put = await one.call('POST', path, { token, body: { data: { n } } });
      if (put.status === 200) written.set(path, n);
      const made = await other.call('POST', 'auth/token/create', { token, body: { ttl: '1h' } });
      const policy = { token, body: { policy: `# ${n}` } };
      const changed = await one.call('PUT', `sys/policies/acl/p${own}`, policy);
      for (const { status } of [put, made, changed]) statuses.add(status);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  const clients = [0, 1, 2].map(client);
  for (const [sealer, opener] of [
    [nodes[0]!, nodes[1]!],
    [nodes[2]!, nodes[0]!],
  ] as const) {
    const enough = 5 + Math.max(0, ...written.values());
    await until('more is written', () => [...written.values()].some((n) => n > enough));
    const sealed = await sealer.call('PUT', 'sys/seal', { token });
    assert.equal(sealed.status, 204, sealed.text);
    for (const node of nodes) assert.equal((await statusOf(node)).sealed, true, node.id);
    for (const key of keys.slice(0, 3)) await give(opener, key);
    await allActive();
  }
  stopped = true;
  await Promise.all(clients);
  assert.deepEqual([...statuses].sort(), [200, 204, 503]);
  for (const [path, n] of written) {
    const read = await nodes[1]!.call('GET', path, { token });
    assert(read.body.data.data.n >= n, `${path}: ${n} was acknowledged`);
  }
});

test('all nodes are killed at once: shares open them again, and what was acknowledged is there', async () => {
  const body = { data: { last: 'words' } };
  const written = await nodes[1]!.call('POST', 'secret/data/last', { token, body });
  assert.equal(written.status, 200, written.text);
  await Promise.all(nodes.map((node) => node.stop('SIGKILL')));
  await Promise.all(nodes.map((node) => node.start()));
  for (const node of nodes) assert.equal((await statusOf(node)).sealed, true);
  for (const [n, key] of keys.slice(1).entries()) await give(nodes[n]!, key);
  await allActive();
  for (const node of nodes) {
    const read = await node.call('GET', 'secret/data/last', { token });
    assert.equal(read.body.data.data.last, 'words');
  }
});
