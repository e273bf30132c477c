/**
 * Rekeys and root tokens through any of three nodes: one attempt, one nonce, and shares that count together.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestNode } from '../support/nodes.ts';
import { threeNodes } from '../support/three-nodes.ts';

/** In force, base64. */
let shares: string[];
const { cluster, on } = threeNodes(({ unsealKey }) => {
  shares = [unsealKey];
});

async function well(node: TestNode, method: string, path: string, body?: object, token?: string) {
  const reply = await node.call(method, path, { token, body });
  assert(reply.status < 300, `${method} ${path}: ${reply.status} ${reply.text}`);
  return reply.body;
}

/** Begun at one node, a share at each. @returns the last answer. */
async function rekey(at: (step: number) => TestNode, wanted: object) {
  const { nonce } = await well(at(0), 'PUT', 'sys/rekey/init', wanted);
  let last = { complete: false, keys_base64: [] as string[] };
  for (const [step, key] of shares.entries()) {
    assert.equal((await well(at(step + 2), 'GET', 'sys/rekey/init')).nonce, nonce);
    last = await well(at(step + 1), 'PUT', 'sys/rekey/update', { key, nonce });
    if (last.complete) break;
  }
  assert.equal(last.complete, true);
  return last;
}

test(
  'a rekey: every node goes on, and shares at any of them open all',
  on(async (at) => {
    const root = cluster.rootToken;
    await well(at(0), 'POST', 'sys/mounts/kv', { type: 'kv' }, root);
    const before = shares;
    shares = (await rekey(at, { secret_shares: 3, secret_threshold: 2 })).keys_base64;
    for (let step = 0; step < 3; step++) {
      await well(at(step), 'POST', `kv/a${step}`, { value: step }, root);
      assert.equal((await well(at(step + 1), 'GET', `kv/a${step}`, undefined, root)).data.value, step);
      await well(at(step), 'POST', 'sys/rotate', {}, root);
      const { t, n } = await well(at(step), 'GET', 'sys/seal-status');
      assert.deepEqual([t, n], [2, 3]);
    }
    await well(at(1), 'PUT', 'sys/seal', {}, root);
    for (let i = 0; i < 2; i++) await at(0).call('PUT', 'sys/unseal', { body: { key: before[0]! } });
    assert.equal((await well(at(0), 'GET', 'sys/seal-status')).sealed, true);
    await well(at(0), 'PUT', 'sys/unseal', { reset: true });
    for (const [step, key] of shares.slice(1).entries()) await well(at(step), 'PUT', 'sys/unseal', { key });
    for (const node of cluster.nodes) await node.untilActive();
    assert.equal((await well(at(2), 'GET', 'kv/a1', undefined, root)).data.value, 1);
  }),
);

test(
  'a root token: begun at one node, a share at each of two others, good at all',
  on(async (at) => {
    const { nonce, otp } = await well(at(0), 'PUT', 'sys/generate-root/attempt', {});
    await well(at(1), 'PUT', 'sys/generate-root/update', { key: shares[0], nonce });
    assert.equal((await well(at(2), 'GET', 'sys/generate-root/attempt')).progress, 1);
    const made = await well(at(2), 'PUT', 'sys/generate-root/update', { key: shares[1], nonce });
    const encoded = Buffer.from(made.encoded_token, 'base64');
    const token = Buffer.from(encoded.map((byte, i) => byte ^ otp.charCodeAt(i))).toString();
    for (let step = 0; step < 3; step++) {
      const { data } = await well(at(step), 'GET', 'auth/token/lookup-self', undefined, token);
      assert.deepEqual(data.policies, ['root']);
    }
  }),
);

test(
  'guesses at all nodes at once: ten are looked at, wherever they are given',
  on(async (at) => {
    const { nonce } = await well(at(0), 'PUT', 'sys/generate-root/attempt', {});
    const guesses = await Promise.all(
      Array.from({ length: 15 }, (_, n) => {
        const key = Buffer.alloc(33, n + 1).toString('hex');
        return at(n).call('PUT', 'sys/generate-root/update', { body: { key, nonce } });
      }),
    );
    const counts = Map.groupBy(guesses, ({ status }) => status);
    assert.deepEqual([counts.get(400)?.length, counts.get(429)?.length], [10, 5]);
    assert.equal((await at(1).call('DELETE', 'sys/generate-root/attempt')).status, 400);
    await well(at(2), 'DELETE', 'sys/generate-root/attempt', { nonce });
    assert.equal((await well(at(0), 'GET', 'sys/generate-root/attempt')).started, false);
  }),
);

test(
  'a verified rekey, one node killed on the way: the nonce stays, and the new shares are in force at its end',
  on(async (at) => {
    const token = cluster.rootToken;
    const wanted = { secret_shares: 2, secret_threshold: 2, require_verification: true };
    const { nonce } = await well(at(0), 'PUT', 'sys/rekey/init', wanted);
    const give = (step: number, path: string, key: string, under: string) =>
      at(step).call('PUT', path, { token, body: { key, nonce: under } });
    let last = await give(0, 'sys/rekey/update', shares[0]!, nonce);
    last = await give(1, 'sys/rekey/update', shares[1]!, nonce);
    assert.equal(last.body.complete, true, last.text);
    const { keys_base64: fresh, verification_nonce: verification } = last.body;
    await cluster.nodes[2]!.stop('SIGKILL');
    /** Where the killed node had the count, it begins anew. */
    const settled = async () => {
      for (;;) {
        const reply = await at(0).call('GET', 'sys/rekey/verify');
        if (reply.status === 200) return reply.body;
        assert.equal(reply.status, 503, reply.text);
      }
    };
    assert.equal((await settled()).nonce, verification);
    let complete = false;
    for (const [step, key] of fresh.entries()) {
      const reply = await give(step, 'sys/rekey/verify', key, verification);
      assert.equal(reply.status, 200, reply.text);
      complete = reply.body.complete === true;
    }
    assert.equal(complete, true);
    await cluster.nodes[2]!.start();
    await cluster.nodes[2]!.untilActive();
    await well(cluster.nodes[2]!, 'POST', 'sys/rotate', {}, token);
    assert.equal((await well(cluster.nodes[2]!, 'GET', 'sys/seal-status')).t, 2);
  }),
);
