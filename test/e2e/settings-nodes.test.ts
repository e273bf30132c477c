/**
 * Settings of the whole cluster: written at one node, in force and shown at each.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestNode } from '../support/nodes.ts';
import { threeNodes } from '../support/three-nodes.ts';

const { cluster, on, well } = threeNodes();

test(
  'origins that are allowed at one node are allowed at each, and no longer than that',
  on(async (at) => {
    const origin = 'https://page.example';
    const allowed = async (node: TestNode) => {
      const reply = await node.call('GET', 'sys/health', { headers: { origin } });
      return reply.headers['access-control-allow-origin'];
    };
    for (let n = 0; n < 3; n++) {
      await well(at(n), 'POST', 'sys/config/cors', { allowed_origins: origin });
      for (let step = 0; step < 3; step++) assert.equal(await allowed(at(step)), origin, `${n} ${step}`);
      await well(at(n + 1), 'DELETE', 'sys/config/cors');
      for (let step = 0; step < 3; step++) assert.equal(await allowed(at(step)), undefined, `${n} ${step}`);
    }
  }),
);

test(
  'a password policy written at one node makes passwords at the others',
  on(async (at) => {
    for (let n = 0; n < 3; n++) {
      const policy = `length = ${10 + n}\nrule "charset" { charset = "ab" }`;
      await well(at(n), 'POST', 'sys/policies/password/p', { policy });
      for (let step = 0; step < 3; step++) {
        assert.equal((await well(at(step), 'GET', 'sys/policies/password/p')).data.policy, policy);
        const { data } = await well(at(step), 'GET', 'sys/policies/password/p/generate');
        assert.match(data.password, new RegExp(`^[ab]{${10 + n}}$`));
      }
    }
  }),
);

test(
  'the history of releases is one',
  on(async (at) => {
    const shown = await Promise.all(
      [0, 1, 2].map((step) => well(at(step), 'LIST', 'sys/version-history').then(({ data }) => data)),
    );
    assert.equal(shown[0].keys.length, 1);
    assert.deepEqual(shown[1], shown[0]);
    assert.deepEqual(shown[2], shown[0]);
  }),
);

test(
  'a quota of the cluster is counted for all nodes together, one of a node for each',
  on(async (at) => {
    for (const [scope, allowed] of [
      ['cluster', 3],
      ['node', 9],
    ] as const) {
      const quota = { path: 'cubbyhole/', rate: 3, interval: '1h', scope };
      await well(at(0), 'POST', `sys/quotas/rate-limit/${scope}`, quota);
      const statuses: number[] = [];
      for (let n = 0; n < 15; n++) {
        const { status } = await at(n).call('GET', 'cubbyhole/none', { token: cluster.rootToken });
        statuses.push(status);
      }
      assert.equal(statuses.filter((status) => status === 404).length, allowed, statuses.join());
      assert.equal(statuses.filter((status) => status === 429).length, 15 - allowed, statuses.join());
      await well(at(1), 'DELETE', `sys/quotas/rate-limit/${scope}`);
    }
  }),
);

test(
  'a lease-count quota counts the leases of all nodes, and goes on from what is there',
  on(async (at) => {
    const { auth } = await well(at(0), 'POST', 'auth/token/create', { policies: ['maker'], ttl: '1h' });
    const policy = 'path "auth/token/create-orphan" { capabilities = ["update", "sudo"] }';
    await well(at(0), 'PUT', 'sys/policies/acl/maker', { policy });
    const quota = { path: 'auth/token/create-orphan', max_leases: 5 };
    await well(at(1), 'POST', 'sys/quotas/lease-count/q', quota);
    const make = (n: number) =>
      at(n).call('POST', 'auth/token/create-orphan', { token: auth.client_token, body: { ttl: '1h' } });
    const replies = await Promise.all(Array.from({ length: 12 }, (_, n) => make(n)));
    const made = replies.filter(({ status }) => status === 200);
    assert.equal(made.length, 5, replies.map(({ status }) => status).join());
    assert.equal(replies.filter(({ status }) => status === 429).length, 7);
    const counter = async (n: number) => (await well(at(n), 'GET', 'sys/quotas/lease-count/q')).data.counter;
    for (let n = 0; n < 3; n++) {
      assert.equal(await counter(n), 5);
      await well(at(n), 'POST', 'auth/token/revoke', { token: made[n]!.body.auth.client_token });
      assert.equal((await make(n + 1)).status, 200, `${n}`);
      assert.equal((await make(n + 2)).status, 429, `${n}`);
    }
    // Another quota, and none again: whose the leases are is asked anew each time, wherever that is counted.
    await well(at(2), 'POST', 'sys/quotas/lease-count/all', { path: '', max_leases: 1_000 });
    await well(at(0), 'DELETE', 'sys/quotas/lease-count/q');
    assert((await well(at(1), 'GET', 'sys/quotas/lease-count/all')).data.counter >= 5);
    await well(at(1), 'POST', 'sys/quotas/lease-count/q', { ...quota, max_leases: 6 });
    assert.equal(await counter(2), 5);
    assert.deepEqual([(await make(0)).status, (await make(1)).status], [200, 429]);
    for (const name of ['q', 'all']) await well(at(2), 'DELETE', `sys/quotas/lease-count/${name}`);
    await well(at(0), 'PUT', 'sys/leases/revoke-prefix/auth/token/create-orphan');
  }),
);

test(
  'a lease is found and ended at any node',
  on(async (at) => {
    for (let n = 0; n < 3; n++) {
      const { auth } = await well(at(n), 'POST', 'auth/token/create-orphan', { ttl: '10m' });
      const { data } = await well(at(n + 1), 'LIST', 'sys/leases/lookup/auth/token/create-orphan');
      assert.equal(data.keys.length, 1);
      const lease_id = `auth/token/create-orphan/${data.keys[0]}`;
      for (let step = 0; step < 3; step++)
        assert.equal((await well(at(step), 'PUT', 'sys/leases/lookup', { lease_id })).data.id, lease_id);
      await well(at(n + 2), 'PUT', 'sys/leases/revoke', { lease_id });
      for (let step = 0; step < 3; step++) {
        const reply = await at(step).call('GET', 'auth/token/lookup-self', { token: auth.client_token });
        assert.equal(reply.status, 403, `${n} ${step}`);
      }
    }
  }),
);
