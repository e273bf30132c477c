/**
 * AppRole through any of three nodes: a secret id is used as often as allowed, wherever, and a role is one role for all.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestNode } from '../support/nodes.ts';
import { threeNodes } from '../support/three-nodes.ts';

const { cluster, on, well } = threeNodes();

const login = (node: TestNode, mount: string, role_id: string, secret_id: string) =>
  node.call('POST', `auth/${mount}/login`, { body: { role_id, secret_id } });

test(
  'a role made, changed, used and deleted at a node each',
  on(async (at) => {
    for (let n = 0; n < 3; n++) {
      const mount = `ar${n}`;
      await well(at(n), 'POST', `sys/auth/${mount}`, { type: 'approle' });
      await well(at(n + 1), 'POST', `auth/${mount}/role/app`, { role_id: 'first' });
      const { secret_id } = (await well(at(n + 2), 'POST', `auth/${mount}/role/app/secret-id`)).data;
      for (let step = 0; step < 3; step++)
        assert.equal((await login(at(step), mount, 'first', secret_id)).status, 200);
      await well(at(n), 'POST', `auth/${mount}/role/app/role-id`, { role_id: 'second' });
      await well(at(n + 1), 'POST', `auth/${mount}/role/app/token-ttl`, { token_ttl: '7m' });
      for (let step = 0; step < 3; step++) {
        assert.equal((await login(at(step), mount, 'first', secret_id)).status, 400);
        const reply = await login(at(step), mount, 'second', secret_id);
        assert.equal(reply.body.auth?.lease_duration, 420, reply.text);
        const token = reply.body.auth.client_token;
        await well(at(step + 1), 'POST', 'auth/token/renew-self', {}, token);
      }
      await well(at(n + 2), 'DELETE', `auth/${mount}/role/app`);
      await well(at(n), 'POST', `auth/${mount}/role/app`, { role_id: 'second' });
      for (let step = 0; step < 3; step++)
        assert.equal((await login(at(step), mount, 'second', secret_id)).status, 400);
    }
  }),
);

test(
  'a secret id is used exactly as often as allowed by logins at all nodes at once',
  on(async (at) => {
    const config = { user_lockout_config: { lockout_disable: true } };
    await well(at(0), 'POST', 'sys/auth/uses', { type: 'approle', config });
    await well(at(0), 'POST', 'auth/uses/role/app', { role_id: 'app', secret_id_num_uses: 4 });
    for (let round = 0; round < 6; round++) {
      const { secret_id } = (await well(at(round), 'POST', 'auth/uses/role/app/secret-id')).data;
      const replies = await Promise.all(
        Array.from({ length: 18 }, (_, n) => login(at(n), 'uses', 'app', secret_id)),
      );
      const counts = Map.groupBy(replies, ({ status }) => status);
      assert.equal(counts.get(200)?.length, 4, replies.map(({ text }) => text).join(''));
      assert.equal(counts.get(400)?.length, 14);
      for (let step = 0; step < 3; step++) {
        const shown = await at(step).call('POST', 'auth/uses/role/app/secret-id/lookup', {
          token: cluster.rootToken,
          body: { secret_id },
        });
        assert.equal(shown.status, 204, shown.text);
      }
    }
  }),
);

test(
  'guesses at all nodes at once are counted together',
  on(async (at) => {
    await well(at(0), 'POST', 'sys/auth/guessed', { type: 'approle' });
    await well(at(0), 'POST', 'auth/guessed/role/app', { role_id: 'app' });
    const { secret_id } = (await well(at(0), 'POST', 'auth/guessed/role/app/secret-id')).data;
    const guesses = await Promise.all(
      Array.from({ length: 15 }, (_, n) => login(at(n), 'guessed', 'app', `guess ${n}`)),
    );
    assert.equal(guesses.filter(({ status }) => status === 400).length, 5);
    assert.equal(guesses.filter(({ status }) => status === 403).length, 10);
    for (let step = 0; step < 3; step++)
      assert.equal((await login(at(step), 'guessed', 'app', secret_id)).status, 403);
  }),
);

test(
  'a batch token made at one node is good at all, and dies at all with its parent',
  on(async (at) => {
    for (let n = 0; n < 3; n++) {
      const parent = (await well(at(n), 'POST', 'auth/token/create', { policies: ['root'] })).auth;
      const body = { type: 'batch', policies: ['default'] };
      const made = await well(at(n + 1), 'POST', 'auth/token/create', body, parent.client_token);
      const token = made.auth.client_token;
      for (let step = 0; step < 3; step++)
        await well(at(step), 'GET', 'auth/token/lookup-self', undefined, token);
      await well(at(n + 2), 'POST', 'auth/token/revoke', { token: parent.client_token });
      for (let step = 0; step < 3; step++)
        assert.equal((await at(step).call('GET', 'auth/token/lookup-self', { token })).status, 403);
    }
  }),
);

test(
  'one role id asked for at all nodes at once is one role’s',
  on(async (at) => {
    await well(at(0), 'POST', 'sys/auth/claimed', { type: 'approle' });
    for (let round = 0; round < 4; round++) {
      const body = { role_id: `id${round}` };
      const replies = await Promise.all(
        Array.from({ length: 6 }, (_, n) =>
          at(n).call('POST', `auth/claimed/role/r${round}-${n}`, { token: cluster.rootToken, body }),
        ),
      );
      const texts = replies.map(({ status, text }) => `${status} ${text}`).join('');
      assert.equal(replies.filter(({ status }) => status === 204).length, 1, texts);
      assert.equal(replies.filter(({ status }) => status === 500).length, 5, texts);
    }
  }),
);
