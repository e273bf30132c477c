import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeSystem } from '../../../src/engines/system/system.ts';
import type { Standing } from '../../../src/model/cluster-control.ts';
import { makeRouter } from '../../../src/pipeline/router.ts';
import { fakeControl } from '../../support/control.ts';
import { answer, ask, fakeCore, NOW_MS, refusal } from './ask.ts';

function clustered(standing: Standing = 'serving') {
  const core = fakeCore();
  const control = fakeControl(NOW_MS - 60_000);
  control.standingNow = standing;
  core.cluster = control;
  return { core, control };
}

const ASKED = [
  ['read', 'cluster/status'],
  ['read', 'cluster/whereis/secret/a'],
  ['read', 'cluster/trace/secret/a'],
  ['update', 'cluster/drain'],
  ['update', 'cluster/approve'],
  ['read', 'cluster/identities'],
  ['update', 'cluster/secret/rotate'],
  ['read', 'cluster/verify'],
  ['update', 'cluster/verify'],
] as const;

test('a server that runs alone says so', async () => {
  for (const [verb, path] of ASKED)
    assert.deepEqual(
      await refusal(fakeCore(), verb, path, { body: { peer_id: 'p' } }),
      [400, 'this server runs alone: it is part of no cluster'],
      path,
    );
});

test('all of sys/cluster/ needs sudo, and a token', () => {
  const router = makeRouter(makeSystem(fakeCore()));
  for (const [, path] of [...ASKED, ['update', 'cluster/remove'] as const]) {
    const route = router.match(path)?.route;
    assert.equal(route?.sudo, true, path);
    assert.equal(route?.open, undefined, path);
    assert.equal(route?.whileSealed, undefined, path);
  }
});

test('status: view and nodes, names on the wire', async () => {
  const { core, control } = clustered();
  const status = await answer(core, 'read', 'cluster/status');
  assert.deepEqual(control.done, ['status true']);
  const { nodes, ...view } = status;
  assert.deepEqual(view, {
    name: 'vault-cluster-01234567',
    id: 'cluster id',
    node_id: 'n1',
    epoch: 7,
    protocol: 1,
    sealed: false,
    keeper: 'n2',
    shards: 1_024,
    pending: { number: 8, members: ['n1', 'n2'], waiting_for: ['n2'] },
  });
  assert.deepEqual(
    nodes.map((node: Record<string, unknown>) => [node.node_id, node.state, node.share, node.lag]),
    [
      ['n1', 'serving', 0.334, 0],
      ['n2', 'serving', 0.333, 0],
      ['n3', 'silent', 0.333, null],
    ],
  );
  assert.deepEqual(nodes[0].report.catalog, { mounts: 4, policies: 2 });
  assert.equal(nodes[0].report.uptime_s, 61);
  assert.equal(nodes[2].report, null);
});

test('status without asking the nodes', async () => {
  const { core, control } = clustered();
  await answer(core, 'read', 'cluster/status', { query: { ask: 'false' } });
  assert.deepEqual(control.done, ['status false']);
});

test('whereis: of a path as a request names it, with /v1/ or without', async () => {
  const { core } = clustered();
  const expected = {
    actor: 'kv:root/uuid/a/b',
    shard: 17,
    epoch: 7,
    owner: 'n2',
    claimed: true,
    active: null,
    replicas: ['n1'],
  };
  assert.deepEqual(await answer(core, 'read', 'cluster/whereis/secret/a/b'), expected);
  assert.deepEqual(await answer(core, 'read', 'cluster/whereis/v1/secret/a/b'), expected);
  assert.deepEqual(await refusal(core, 'read', 'cluster/whereis/nothing'), [
    400,
    'no mount serves this path',
  ]);
});

test('trace: steps with times in ms', async () => {
  const { core } = clustered();
  assert.deepEqual(await answer(core, 'read', 'cluster/trace/secret/a'), {
    path: 'secret/a',
    steps: [
      { node_id: 'n1', step: 'came in', at_ms: 0, took_ms: null },
      { node_id: 'n2', step: 'owner', at_ms: 0.123, took_ms: 1.5 },
    ],
  });
});

test('drain: the node that is named, or the one that is asked', async () => {
  const { core, control } = clustered();
  assert.deepEqual(await answer(core, 'update', 'cluster/drain'), { node_id: 'n1', state: 'leaving' });
  await ask(core, 'update', 'cluster/drain', { body: { node_id: 'n2' } });
  assert.deepEqual(control.done, ['drain n1', 'drain n2']);
  assert.deepEqual(await refusal(core, 'update', 'cluster/drain', { body: { node_id: 'x' } }), [
    400,
    'there is no such node',
  ]);
});

test('remove and approve name whom they are about', async () => {
  const { core, control } = clustered();
  assert.equal(
    (await answer(core, 'update', 'cluster/remove', { body: { node: 'n3' } })).peer_id,
    '12D3KooW3',
  );
  await ask(core, 'update', 'cluster/approve', { body: { peer_id: '12D3KooW4' } });
  assert.deepEqual(control.done, ['remove n3', 'approve 12D3KooW4']);
  assert.deepEqual(await refusal(core, 'update', 'cluster/remove', { body: {} }), [400, 'missing node']);
  assert.deepEqual(await refusal(core, 'update', 'cluster/remove', { body: { node: '' } }), [
    400,
    'missing node',
  ]);
  assert.deepEqual(await refusal(core, 'update', 'cluster/approve', { body: {} }), [400, 'missing peer_id']);
});

test('identities, the secret, verify', async () => {
  const { core, control } = clustered();
  const identities = await answer(core, 'read', 'cluster/identities');
  assert.equal(identities.approval_needed, true);
  assert.deepEqual(identities.applicants, [
    { peer_id: '12D3KooW4', node_id: 'n4', time: '2026-01-02T03:03:05.678Z' },
  ]);
  assert.deepEqual(await answer(core, 'update', 'cluster/secret/rotate'), { nodes: ['n1', 'n2'] });
  const found = await answer(core, 'read', 'cluster/verify');
  assert.equal(found.good, false);
  assert.deepEqual(found.faults, ['n3 did not answer']);
  assert.deepEqual(
    found.nodes.map((node: Record<string, unknown>) => [node.node_id, node.answered]),
    [
      ['n1', true],
      ['n3', false],
    ],
  );
  assert.equal((await answer(core, 'update', 'cluster/verify', { body: { accept: true } })).good, true);
  assert.deepEqual(control.done, ['rotate secret', 'verify false', 'verify true']);
});

test('leader: each node that serves is active, and says since when', async () => {
  const { core } = clustered();
  assert.deepEqual(await answer(core, 'read', 'leader'), {
    ha_enabled: true,
    is_self: true,
    active_time: '2026-01-02T03:03:05.678Z',
    leader_address: 'http://127.0.0.1:8200',
    leader_cluster_address: 'https://127.0.0.1:8201',
    performance_standby: false,
    performance_standby_last_remote_wal: 0,
  });
});

test('leader: one that does not serve names one that does; a sealed one says that it is sealed', async () => {
  const { core } = clustered('held');
  const said = await answer(core, 'read', 'leader');
  assert.deepEqual(
    [said.ha_enabled, said.is_self, said.leader_address],
    [true, false, 'http://127.0.0.1:8002'],
  );
  assert.equal(said.active_time, '0001-01-01T00:00:00Z');
  core.sealNow = { ...core.sealNow, sealed: true };
  assert.deepEqual(await refusal(core, 'read', 'leader'), [503, 'Vault is sealed']);
});

test('ha-status: the members, all that serve active', async () => {
  const { core } = clustered();
  const { nodes } = await answer(core, 'read', 'ha-status');
  assert.deepEqual(
    nodes.map((node: Record<string, unknown>) => [
      node.hostname,
      node.api_address,
      node.active_node,
      node.last_echo,
      node.version,
    ]),
    [
      ['n1', 'http://127.0.0.1:8001', true, null, '1.19.5'],
      ['n2', 'http://127.0.0.1:8002', true, '2026-01-02T03:04:05.678Z', '1.19.5'],
      ['n3', 'http://127.0.0.1:8003', false, '2026-01-02T03:04:04.278Z', '1.19.5'],
    ],
  );
});

for (const standing of ['leaving', 'held', 'joining'] as const) {
  test(`health of a member that is ${standing}: 503, unless asked for another status`, async () => {
    const { core } = clustered(standing);
    const reply = await ask(core, 'read', 'health');
    assert.equal(reply.status, 503);
    const health = await answer(core, 'read', 'health');
    assert.deepEqual([health.sealed, health.standby], [false, true]);
    const query = { standbyok: 'true', activecode: '299', sealedcode: '204', standbycode: '200' };
    assert.equal((await ask(core, 'read', 'health', { query })).status, 503);
    assert.equal((await ask(core, 'read', 'health', { query: { haunhealthycode: '299' } })).status, 299);
  });
}

test('health of a member that is cut off and goes on with reads: a performance standby', async () => {
  const { core, control } = clustered('held');
  core.node = { ...core.node, staleForMs: () => 1_200 };
  assert.equal((await ask(core, 'read', 'health')).status, 473);
  const health = await answer(core, 'read', 'health');
  assert.deepEqual([health.standby, health.performance_standby], [true, true]);
  const status = async (query: Record<string, string>) =>
    (await ask(core, 'read', 'health', { query })).status;
  assert.equal(await status({ perfstandbyok: 'true' }), 200);
  assert.equal(await status({ performancestandbycode: '299' }), 299);
  control.standingNow = 'leaving';
  assert.equal(await status({ perfstandbyok: 'true' }), 503);
  core.sealNow = { ...core.sealNow, sealed: true };
  assert.equal(await status({ perfstandbyok: 'true' }), 503);
});

test('health of a member that serves: 200', async () => {
  assert.equal((await ask(clustered().core, 'read', 'health')).status, 200);
});
