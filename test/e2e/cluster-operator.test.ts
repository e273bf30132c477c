/**
 * What an operator sees and does, on three nodes that are processes: status, whereis, trace, metrics, a new secret, drain, a store put back, remove.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { cpSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startNodes, type TestNode, type TestNodes } from '../support/nodes.ts';
import { until } from '../support/until.ts';

let cluster: TestNodes;
let nodes: readonly TestNode[];
const [n1, n2, n3] = [0, 1, 2].map((n) => () => nodes[n]!) as [
  () => TestNode,
  () => TestNode,
  () => TestNode,
];

before(async () => {
  const started = await startNodes({ store: 'embedded' });
  assert(!('missing' in started));
  cluster = started;
  nodes = cluster.nodes;
  await cluster.open();
  await ask(n1(), 'POST', 'sys/mounts/secret', { type: 'kv', options: { version: '2' } });
  await ask(n1(), 'POST', 'secret/data/hello', { data: { who: 'world' } });
});
after(async () => cluster?.remove());

// biome-ignore lint/suspicious/noExplicitAny: answers of many shapes
async function ask(node: TestNode, method: string, path: string, body?: unknown): Promise<any> {
  const reply = await node.call(method, path, { token: cluster.rootToken, body });
  assert(reply.status < 300, `${node.id} ${method} ${path}: ${reply.status} ${reply.text}`);
  return reply.body?.data;
}

// biome-ignore lint/suspicious/noExplicitAny: as above
const statusOf = async (node: TestNode): Promise<any> => ask(node, 'GET', 'sys/cluster/status');

/** Until `node` sees the members so: `n1 serving, n2 serving`. A record of one that has gone may stay for a minute. */
async function untilSeen(node: TestNode, pattern: RegExp): Promise<void> {
  await until(`${node.id} sees ${pattern}`, async () => {
    const seen: { node_id: string; state: string; member: boolean }[] = (await statusOf(node)).nodes;
    const members = seen.filter(({ member }) => member);
    return pattern.test(members.map(({ node_id, state }) => `${node_id} ${state}`).join(', '));
  });
}
const ALL_SERVE = /^n1 serving, n2 serving, n3 serving$/;

test('each node tells the same of the cluster', async () => {
  const told = await Promise.all(nodes.map(statusOf));
  for (const status of told) {
    assert.equal(status.epoch, told[0].epoch);
    assert.equal(status.keeper, told[0].keeper);
    let shards = 0;
    for (const node of status.nodes) {
      assert.deepEqual(
        [node.state, node.member, node.sealed, node.linked, node.lag],
        ['serving', true, false, true, 0],
      );
      assert(node.share < 0.4, node.share);
      shards += node.shards;
    }
    assert.equal(shards, 1_024);
  }
  assert.deepEqual(
    told.map(({ node_id }) => node_id),
    ['n1', 'n2', 'n3'],
  );
});

test("Vault's clients find an active node in each", async () => {
  for (const node of nodes) {
    const { body } = await node.call('GET', 'sys/leader');
    assert.deepEqual([body.ha_enabled, body.is_self, body.leader_address], [true, true, node.address]);
    const { nodes: members } = await ask(node, 'GET', 'sys/ha-status');
    assert.equal(members.filter((one: { active_node: boolean }) => one.active_node).length, 3);
  }
});

test('where a secret is, and the way to it', async () => {
  const [owner] = await Promise.all([ask(n1(), 'GET', 'sys/cluster/whereis/secret/hello')]);
  for (const node of nodes) {
    const found = await ask(node, 'GET', 'sys/cluster/whereis/secret/data/hello');
    assert.deepEqual([found.owner, found.actor, found.active], [owner.owner, owner.actor, true], node.id);
    const { steps } = await ask(node, 'GET', 'sys/cluster/trace/secret/hello');
    const last = steps.at(-1);
    assert.match(last.step, /^a read ran /);
    assert(last.took_ms > 0);
    if (node.id === owner.owner) assert.equal(last.step, 'a read ran here, at its owner');
  }
});

test('each node shows the cluster in its metrics', async () => {
  for (const node of nodes) {
    const { text } = await node.call('GET', 'sys/metrics?format=prometheus', { token: cluster.rootToken });
    assert.match(text, /^vault_cluster_state\{state="serving"\} 1$/m);
    assert.match(text, /^vault_cluster_members 3$/m);
    assert.match(text, /^vault_cluster_links 2$/m);
    assert.match(text, /^vault_core_active\{cluster="test"\} 1$/m);
  }
});

test('a new secret, while reads go on', async () => {
  const file = join(cluster.folder, 'secret');
  const old = readFileSync(file, 'utf8');
  let isOver = false;
  let reads = 0;
  const reading = nodes.map(async (node) => {
    while (!isOver) {
      await ask(node, 'GET', 'secret/data/hello');
      reads++;
    }
  });
  const { nodes: renewed } = await ask(n2(), 'POST', 'sys/cluster/secret/rotate', {});
  isOver = true;
  await Promise.all(reading);
  assert(reads > 0);
  assert.deepEqual(renewed, ['n1', 'n2', 'n3']);
  assert.notEqual(readFileSync(file, 'utf8'), old);
  await untilSeen(n1(), ALL_SERVE);
  assert.equal((await ask(n1(), 'GET', 'sys/cluster/verify')).good, true);
});

test('a node that is drained leaves in peace, and is back once it is started anew', async () => {
  await ask(n1(), 'POST', 'sys/cluster/drain', { node_id: 'n3' });
  await untilSeen(n1(), /^n1 serving, n2 serving$/);
  assert.equal((await n1().call('GET', 'secret/data/hello', { token: cluster.rootToken })).status, 200);
  await n3().stop();
  await n3().start();
  await untilSeen(n1(), ALL_SERVE);
});

test('a store that is put back is noticed, until an operator says that it is right', async () => {
  const store = join(cluster.folder, 'store');
  const kept = join(cluster.folder, 'kept');
  const stopAll = () => Promise.all(nodes.map((node) => node.stop()));
  const openAll = async () => {
    await Promise.all(nodes.map((node) => node.start()));
    await until('it is unsealed', async () => {
      const reply = await n1().call('PUT', 'sys/unseal', { body: { key: cluster.unsealKey } });
      return reply.status === 200 && reply.body.sealed === false;
    });
    await Promise.all(nodes.map((node) => node.untilActive()));
    await untilSeen(n1(), ALL_SERVE);
  };
  await stopAll();
  cpSync(store, kept, { recursive: true });
  await openAll();
  await ask(n1(), 'POST', 'secret/data/hello', { data: { who: 'the whole world' } });
  assert.equal((await ask(n2(), 'GET', 'sys/cluster/verify')).good, true);
  await stopAll();
  rmSync(store, { recursive: true });
  cpSync(kept, store, { recursive: true });
  await openAll();
  const found = await ask(n2(), 'GET', 'sys/cluster/verify');
  assert.equal(found.good, false);
  for (const { node_id, faults } of found.nodes) assert.match(faults[0], /the store was put back/, node_id);
  assert.match(nodes.map((node) => node.output()).join(''), /the store was put back to an older state/);
  const putBack = async () => {
    const { text } = await n1().call('GET', 'sys/metrics?format=prometheus', { token: cluster.rootToken });
    return /^vault_cluster_store_put_back (\d)$/m.exec(text)?.[1];
  };
  assert.equal(await putBack(), '1');
  const accepted = await ask(n3(), 'POST', 'sys/cluster/verify', { accept: true });
  assert.equal(accepted.good, true, JSON.stringify(accepted));
  assert.equal((await ask(n1(), 'GET', 'sys/cluster/verify')).good, true);
  assert.equal(await putBack(), '0');
});

test('a node that is removed seals itself, and never comes back', async () => {
  const removed = await ask(n1(), 'POST', 'sys/cluster/remove', { node: 'n3' });
  assert.match(removed.peer_id, /^12D3KooW/);
  await untilSeen(n2(), /^n1 serving, n2 serving$/);
  await until('it is sealed', async () => (await n3().call('GET', 'sys/seal-status')).body.sealed === true);
  await n3().stop();
  await n3().start();
  await until('it knows', () => /removed from the cluster for good/.test(n3().output()));
  assert.equal((await n3().call('GET', 'sys/health')).status, 503);
  const shares = await n3().call('PUT', 'sys/unseal', { body: { key: cluster.unsealKey } });
  assert.deepEqual(
    [shares.status, shares.body.errors],
    [400, ['this node was removed from the cluster for good']],
  );
  for (const node of [n1(), n2()]) {
    const { nodes: seen } = await statusOf(node);
    assert.equal(
      seen.some((one: { node_id: string; linked: boolean }) => one.node_id === 'n3' && one.linked),
      false,
    );
  }
  const { barred } = await ask(n2(), 'GET', 'sys/cluster/identities');
  assert.equal(barred[0].peer_id, removed.peer_id);
});
