/**
 * Logins, lockout and token roles through any of three nodes: failures count together, wherever they were met.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestNode } from '../support/nodes.ts';
import { threeNodes } from '../support/three-nodes.ts';

const { on, root, well } = threeNodes();

const login = (node: TestNode, mount: string, name: string, password: string) =>
  node.call('POST', `auth/${mount}/login/${name}`, { body: { password } });

test(
  'made, logged in, used, renewed and ended at a node each',
  on(async (at) => {
    for (let n = 0; n < 3; n++) {
      const mount = `up${n}`;
      await well(at(n), 'POST', `sys/auth/${mount}`, { type: 'userpass' });
      await well(at(n + 1), 'POST', `auth/${mount}/users/bob`, { password: 'pw', token_ttl: '10m' });
      const reply = await login(at(n + 2), mount, 'BOB', 'pw');
      assert.equal(reply.status, 200, reply.text);
      const token = reply.body.auth.client_token;
      for (let step = 0; step < 3; step++)
        await well(at(n + step), 'GET', 'auth/token/lookup-self', undefined, token);
      await well(at(n + 1), 'POST', 'auth/token/renew-self', {}, token);
      await well(at(n), 'DELETE', `sys/auth/${mount}`);
      for (let step = 0; step < 3; step++) {
        const ended = await at(n + step).call('GET', 'auth/token/lookup-self', { token });
        assert.equal(ended.status, 403, `${step}: ${ended.text}`);
      }
    }
  }),
);

test(
  'of guesses at all nodes at once five are told that they are wrong, and then the name is locked at each',
  on(async (at) => {
    await well(at(0), 'POST', 'sys/auth/locking', { type: 'userpass' });
    await well(at(0), 'POST', 'auth/locking/users/bob', { password: 'pw' });
    const guesses = await Promise.all(
      Array.from({ length: 18 }, (_, n) => login(at(n), 'locking', n % 2 ? 'bob' : 'Bob', `guess ${n}`)),
    );
    const counts = Map.groupBy(guesses, ({ status }) => status);
    assert.equal(counts.get(400)?.length, 5, guesses.map(({ status, text }) => `${status} ${text}`).join(''));
    assert.equal(counts.get(403)?.length, 13);
    for (let step = 0; step < 3; step++)
      assert.equal((await login(at(step), 'locking', 'bob', 'pw')).status, 403);
    const { data } = await well(at(1), 'GET', 'sys/auth/locking');
    for (let step = 0; step < 3; step++)
      assert.equal((await well(at(step), 'GET', 'sys/locked-users')).data.total, 1);
    await well(at(2), 'POST', `sys/locked-users/${data.accessor}/unlock/bob`);
    for (let step = 0; step < 3; step++)
      assert.equal((await login(at(step), 'locking', 'bob', 'pw')).status, 200);
  }),
);

test(
  'a role written at one node makes tokens at the others, and bounds them there',
  on(async (at) => {
    for (let n = 0; n < 6; n++) {
      const role = `role${n % 2}`;
      await well(at(n), 'POST', `auth/token/roles/${role}`, {
        allowed_policies: `p${n}`,
        token_period: `${n + 1}m`,
      });
      for (let step = 0; step < 3; step++) {
        const { auth } = await well(at(n + step), 'POST', `auth/token/create/${role}`, {});
        assert.deepEqual(auth.policies, ['default', `p${n}`]);
        assert.equal(auth.lease_duration, (n + 1) * 60);
        const reply = await at(n + step + 1).call('POST', `auth/token/create/${role}`, {
          ...root(),
          body: { policies: ['other'] },
        });
        assert.equal(reply.status, 400, reply.text);
      }
    }
  }),
);
