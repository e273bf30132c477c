import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { userpassUser } from '../../../src/auth/userpass/users.ts';
import { type InnerCoffer, startInnerCoffer } from '../../support/inner-coffer.ts';
import { assertAlikeInTime } from '../../support/rank-test.ts';

let inner: InnerCoffer;
let mounts = 0;
before(async () => {
  inner = await startInnerCoffer();
});
after(() => inner.coffer.stop());

const NOBODY = '';
const ask = (method: string, path: string, body?: unknown, token?: string) =>
  inner.ask(method, path, body, token);

async function well(method: string, path: string, body?: unknown, token?: string) {
  const reply = await ask(method, path, body, token);
  assert(reply.status < 300, `${method} ${path}: ${reply.status} ${reply.text}`);
  return reply.body;
}

/** A mount of its own, so that no test meets the users of another. */
async function mounted(config: object = {}): Promise<string> {
  const path = `up${++mounts}`;
  await well('POST', `sys/auth/${path}`, { type: 'userpass', config });
  return `auth/${path}`;
}

const login = (at: string, name: string, password: string) =>
  ask('POST', `${at}/login/${name}`, { password }, NOBODY);
const INVALID = { errors: ['invalid username or password'] };

describe('users', () => {
  test('are made, shown without the password, changed, listed and deleted', async () => {
    const at = await mounted();
    assert.equal((await ask('LIST', `${at}/users`)).status, 404);
    assert.equal((await ask('GET', `${at}/users/bob`)).status, 404);
    await well('POST', `${at}/users/Bob`, {
      password: 'pw',
      policies: 'P1, default',
      ttl: '1h',
      bound_cidrs: '127.0.0.1/32',
    });
    const shown = {
      bound_cidrs: ['127.0.0.1'],
      policies: ['default', 'p1'],
      token_bound_cidrs: ['127.0.0.1'],
      token_explicit_max_ttl: 0,
      token_max_ttl: 0,
      token_no_default_policy: false,
      token_num_uses: 0,
      token_period: 0,
      token_policies: ['default', 'p1'],
      token_ttl: 3_600,
      token_type: 'default',
      ttl: 3_600,
    };
    assert.deepEqual((await well('GET', `${at}/users/bob`)).data, shown);
    // The new name goes before the older one, which then is shown no more.
    await well('POST', `${at}/users/bob/policies`, { token_policies: ['z', 'Y'] });
    const { policies: _policies, ...rest } = shown;
    assert.deepEqual((await well('GET', `${at}/users/BOB`)).data, { ...rest, token_policies: ['y', 'z'] });
    assert.deepEqual((await well('LIST', `${at}/users`)).data.keys, ['bob']);
    await well('DELETE', `${at}/users/BOB`);
    await well('DELETE', `${at}/users/bob`);
    assert.equal((await ask('GET', `${at}/users/bob`)).status, 404);
    assert.deepEqual((await login(at, 'bob', 'pw')).body, INVALID);
  });

  test('that cannot be are refused', async () => {
    const at = await mounted();
    const refused = async (body: object, error: RegExp) => {
      const reply = await ask('POST', `${at}/users/bob`, body);
      assert.equal(reply.status, 400);
      assert.match(reply.body.errors[0], error);
    };
    await refused(
      { token_ttl: '3h', token_max_ttl: '2h' },
      /'token_ttl' cannot be greater than 'token_max_ttl'/,
    );
    await refused({ token_num_uses: -1 }, /cannot be negative/);
    await refused({ token_type: 'batch', token_period: 5 }, /periodic tokens/);
    await refused({ token_type: 'x' }, /invalid 'token_type' value/);
    await refused({ token_bound_cidrs: 'x' }, /expected an IP address/);
    await refused({ password: 'x'.repeat(73) }, /72 bytes/);
    assert.equal((await ask('GET', `${at}/users/bob`)).status, 404);
  });

  test('who does not exist has no password and no policies to set', async () => {
    const at = await mounted();
    for (const [what, body] of [
      ['password', { password: 'x' }],
      ['policies', { policies: 'x' }],
    ] as const) {
      const reply = await ask('POST', `${at}/users/nobody/${what}`, body);
      assert.deepEqual(
        [reply.status, reply.body.errors],
        [500, ['1 error occurred:\n\t* username does not exist\n\n']],
      );
    }
    assert.deepEqual((await ask('POST', `${at}/users/nobody/password`, {})).body.errors, [
      'missing password',
    ]);
  });

  test('create and update are two capabilities, one name in any spelling', async () => {
    const at = await mounted();
    await well('PUT', 'sys/policies/acl/maker', {
      policy: `path "${at}/users/*" { capabilities = ["create"] }
      path "${at}/users/eve" { capabilities = ["deny"] }`,
    });
    const { auth } = await well('POST', 'auth/token/create', { policies: ['maker'] });
    const write = (name: string) => ask('POST', `${at}/users/${name}`, { password: 'x' }, auth.client_token);
    assert.equal((await write('bob')).status, 204);
    assert.equal((await write('BOB')).status, 403);
    assert.equal((await write('eve')).status, 403);
    assert.equal((await write('Eve')).status, 403);
  });
});

describe('a login', () => {
  test('gives an orphan with the user’s settings, whatever the spelling of the name', async () => {
    const at = await mounted();
    await well('POST', `${at}/users/bob`, {
      password: 'pw',
      token_policies: 'p',
      token_ttl: '10m',
      token_num_uses: 7,
    });
    const { auth, data } = (await login(at, 'BOB', 'pw')).body;
    assert.equal(data, null);
    assert.deepEqual(auth.policies, ['default', 'p']);
    assert.deepEqual(auth.metadata, { username: 'bob' });
    assert.deepEqual([auth.lease_duration, auth.orphan, auth.renewable, auth.num_uses], [600, true, true, 7]);
    const self = (await well('GET', 'auth/token/lookup-self', undefined, auth.client_token)).data;
    assert.equal(self.display_name, `${at.slice('auth/'.length)}-bob`);
    assert.equal(self.path, `${at}/login/bob`);
    assert.deepEqual(self.meta, { username: 'bob' });
  });

  test('fails alike for a wrong password, nobody, and a user without one', async () => {
    const at = await mounted();
    await well('POST', `${at}/users/bob`, { password: 'pw' });
    await well('POST', `${at}/users/mute`, {});
    for (const [name, password] of [
      ['bob', 'PW'],
      ['nobody', 'pw'],
      ['mute', 'pw'],
    ] as const) {
      const reply = await login(at, name, password);
      assert.deepEqual([reply.status, reply.body], [400, INVALID]);
    }
    for (const name of ['bob', 'nobody']) {
      const reply = await login(at, name, '');
      assert.deepEqual([reply.status, reply.body.errors], [500, ['missing password']]);
    }
  });

  test('takes the password that was set last', async () => {
    const at = await mounted();
    await well('POST', `${at}/users/bob`, { password: 'old' });
    await well('POST', `${at}/users/bob`, { token_ttl: '1h' });
    assert.equal((await login(at, 'bob', 'old')).status, 200);
    await well('POST', `${at}/users/bob/password`, { password: 'new' });
    assert.equal((await login(at, 'bob', 'old')).status, 400);
    assert.equal((await login(at, 'bob', 'new')).status, 200);
  });

  test('never gives root or response-wrapping, in no spelling', async () => {
    const at = await mounted();
    for (const policy of ['root', ' Root', 'response-wrapping']) {
      await well('POST', `${at}/users/bob`, { password: 'pw', token_policies: [policy] });
      assert.equal((await login(at, 'bob', 'pw')).status, 400, policy);
    }
  });

  test('comes from the user’s networks, and its token is used from there', async () => {
    const at = await mounted();
    await well('POST', `${at}/users/near`, { password: 'pw', token_bound_cidrs: '127.0.0.0/8' });
    await well('POST', `${at}/users/far`, { password: 'pw', token_bound_cidrs: '10.0.0.0/8' });
    const far = await login(at, 'far', 'pw');
    assert.deepEqual([far.status, far.body.errors], [403, ['permission denied']]);
    const { auth } = (await login(at, 'near', 'pw')).body;
    const self = await well('GET', 'auth/token/lookup-self', undefined, auth.client_token);
    assert.deepEqual(self.data.bound_cidrs, ['127.0.0.0/8']);
    // Moved by an update, the token keeps what it was made with.
    await well('POST', `${at}/users/near`, { token_bound_cidrs: '10.0.0.0/8' });
    assert.equal((await ask('GET', 'auth/token/lookup-self', undefined, auth.client_token)).status, 200);
  });

  test('the token is renewed as the user is now, and not when the user or the policies are others', async () => {
    const at = await mounted();
    await well('POST', `${at}/users/bob`, { password: 'pw', token_ttl: '10m', token_policies: 'p' });
    const { auth } = (await login(at, 'bob', 'pw')).body;
    const renew = () => ask('POST', 'auth/token/renew-self', {}, auth.client_token);
    await well('POST', `${at}/users/bob`, { token_ttl: '20m' });
    assert.equal((await renew()).body.auth.lease_duration, 1_200);
    await well('POST', `${at}/users/bob`, { token_policies: 'q' });
    assert.deepEqual((await renew()).body.errors, ['policies have changed, not renewing']);
    await well('DELETE', `${at}/users/bob`);
    assert.equal((await renew()).status, 400);
  });

  test('the token ends with the mount, its children too, also when another mount takes the path', async () => {
    const at = await mounted();
    await well('PUT', 'sys/policies/acl/parent', {
      policy: 'path "auth/token/create" { capabilities = ["update"] }',
    });
    await well('POST', `${at}/users/bob`, { password: 'pw', token_policies: 'parent' });
    const { auth } = (await login(at, 'bob', 'pw')).body;
    const child = (await well('POST', 'auth/token/create', {}, auth.client_token)).auth;
    await well('DELETE', at.replace('auth/', 'sys/auth/'));
    await well('POST', at.replace('auth/', 'sys/auth/'), { type: 'userpass' });
    for (const token of [auth.client_token, child.client_token])
      assert.equal((await ask('GET', 'auth/token/lookup-self', undefined, token)).status, 403);
    assert.deepEqual(
      (await ask('POST', 'auth/token/lookup-accessor', { accessor: auth.accessor })).body.errors,
      ['invalid accessor'],
    );
    assert.deepEqual((await login(at, 'bob', 'pw')).body, INVALID);
  });
});

describe('lockout', () => {
  test('counts spellings of a name as one, says nothing of who exists, is shown and undone', async () => {
    const at = await mounted({ user_lockout_config: { lockout_threshold: '3' } });
    await well('POST', `${at}/users/bob`, { password: 'pw' });
    for (const name of ['bob', 'nobody']) {
      for (const spelling of [name, name.toUpperCase(), name])
        assert.equal((await login(at, spelling, 'no')).status, 400);
      const locked = await login(at, name, 'pw');
      assert.deepEqual([locked.status, locked.body.errors], [403, ['permission denied']]);
    }
    const { accessor } = (await well('GET', at.replace('auth/', 'sys/auth/'))).data;
    const shown = async () => (await well('GET', `sys/locked-users/${accessor}`)).data;
    assert.deepEqual(await shown(), {
      by_namespace: [
        {
          counts: 2,
          mount_accessors: [{ alias_identifiers: ['bob', 'nobody'], counts: 2, mount_accessor: accessor }],
          namespace_id: 'root',
          namespace_path: '',
        },
      ],
      total: 2,
    });
    assert.equal((await ask('GET', 'sys/locked-users?mount_accessor=userpass_none')).status, 400);
    await well('POST', `sys/locked-users/${accessor}/unlock/BOB`);
    assert.equal((await shown()).total, 1);
    assert.equal((await login(at, 'bob', 'pw')).status, 200);
  });

  test('right passwords are many at once; of many guesses at once few are told that they are wrong', async () => {
    const at = await mounted();
    await well('POST', `${at}/users/bob`, { password: 'pw' });
    const all = (passwords: string[]) =>
      Promise.all(passwords.map(async (password) => (await login(at, 'bob', password)).status));
    assert.deepEqual(await all(Array(6).fill('pw')), Array(6).fill(200));
    const statuses = await all(Array.from({ length: 20 }, (_, n) => `guess ${n}`));
    assert.equal(statuses.filter((status) => status === 400).length, 5);
    assert.equal(statuses.filter((status) => status === 403).length, 15);
  });
});

test('a password rests nowhere in the clear, and no answer shows its hash', async () => {
  const at = await mounted();
  await well('POST', `${at}/users/bob`, { password: 'canary-of-a-password' });
  const { text } = await ask('GET', `${at}/users/bob`);
  assert.doesNotMatch(text, /hash|canary/);
  const state = { fields: {} as never, hash: 'h' };
  assert.doesNotMatch(String(userpassUser.encode(state)), /canary/);
});

test('how long a refusal takes does not tell whether there is such a user', async (t) => {
  const at = await mounted({ user_lockout_config: { lockout_disable: true } });
  await well('POST', `${at}/users/bob`, { password: 'pw' });
  await assertAlikeInTime(t, async (which, pair) => {
    // Names that were never asked for, as a guesser's are.
    const name = which === 'first' ? 'bob' : `nobody${pair}`;
    assert.equal((await login(at, name, 'no')).status, 400);
  });
});

test('a listener answers a login without a token, and with one that is no good', async () => {
  const at = await mounted();
  await well('POST', `${at}/users/bob`, { password: 'pw' });
  assert.equal((await ask('POST', `${at}/login/bob`, { password: 'pw' }, 'hvs.none')).status, 200);
});
