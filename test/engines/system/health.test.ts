import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeOrdered } from '../../../src/model/json-encoder.ts';
import { answer, ask, fakeCore, NOW_MS, refusal } from './ask.ts';

function coreThatIs(state: 'active' | 'sealed' | 'uninitialised') {
  const core = fakeCore();
  core.sealNow = {
    ...core.sealNow,
    sealed: state !== 'active',
    initialized: state !== 'uninitialised',
  };
  return core;
}

for (const [state, query, status] of [
  ['active', {}, 200],
  ['active', { activecode: '299', sealedcode: '201' }, 299],
  ['active', { standbyok: 'true', perfstandbyok: 'true', standbycode: '201' }, 200],
  ['sealed', {}, 503],
  ['sealed', { sealedcode: '204', activecode: '201' }, 204],
  ['uninitialised', {}, 501],
  ['uninitialised', { uninitcode: '200', sealedcode: '210' }, 200],
] as const) {
  test(`health of a node that is ${state}, asked with ${JSON.stringify(query)}: ${status}`, async () => {
    const reply = await ask(coreThatIs(state), 'read', 'health', { query });
    assert.equal(reply.status, status);
  });
}

for (const query of [
  { activecode: 'x' },
  { activecode: '99' },
  { activecode: '100' },
  { activecode: '1000' },
  { sealedcode: '' },
  { drsecondarycode: '-1' },
  { standbyok: 'perhaps' },
] as Record<string, string>[]) {
  test(`health asked with ${JSON.stringify(query)} is refused without a text, as Vault does`, async () => {
    assert.deepEqual(await refusal(fakeCore(), 'read', 'health', { query }), [400, undefined]);
  });
}

test('health: members in the order of Vault 1.19', async () => {
  const { bare } = await ask(fakeCore(), 'read', 'health');
  assert.match(
    encodeOrdered(bare),
    new RegExp(
      '^\\{"initialized":true,"sealed":false,"standby":false,"performance_standby":false,"replication_performance_mode":"disabled",' +
        `"replication_dr_mode":"disabled","server_time_utc":${Math.floor(NOW_MS / 1_000)},"version":"1\\.19\\.5","coffer_version":"[^"]+",` +
        '"enterprise":false,"cluster_name":"vault-cluster-01234567","cluster_id":"cluster id","echo_duration_ms":0,"clock_skew_ms":0,' +
        '"replication_primary_canary_age_ms":0\\}$',
    ),
  );
});

test('health of a sealed node: standby, replication unknown, no cluster', async () => {
  const health = await answer(coreThatIs('sealed'), 'read', 'health');
  assert.deepEqual(
    [health.standby, health.sealed, health.replication_dr_mode, health.replication_performance_mode],
    [true, true, 'unknown', 'unknown'],
  );
  assert.equal('cluster_id' in health, false);
});

test('leader: what Vault says where there is no leader to find, sealed or not', async () => {
  const nobody = {
    ha_enabled: false,
    is_self: false,
    active_time: '0001-01-01T00:00:00Z',
    leader_address: '',
    leader_cluster_address: '',
    performance_standby: false,
    performance_standby_last_remote_wal: 0,
  };
  assert.deepEqual(await answer(fakeCore(), 'read', 'leader'), nobody);
  assert.deepEqual(await answer(coreThatIs('sealed'), 'read', 'leader'), nobody);
});

test('ha-status: this node, injected', async () => {
  const { inject } = await ask(fakeCore(), 'read', 'ha-status');
  const { nodes } = await answer(fakeCore(), 'read', 'ha-status');
  assert.equal(inject, true);
  assert.equal(nodes.length, 1);
  assert.equal(nodes[0].active_node, true);
  assert.equal(nodes[0].last_echo, null);
  assert.equal(nodes[0].version, '1.19.5');
  assert.equal(nodes[0].api_address, 'http://127.0.0.1:8200');
});
