import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type AuthMounts, startAuthMounts } from '../../support/auth-mounts.ts';

let mounts: AuthMounts;
before(async () => {
  mounts = await startAuthMounts('approle');
});
after(() => mounts.inner.coffer.stop());

const { ask, well, refused, mounted }: Omit<AuthMounts, 'inner'> = {
  ask: (...args) => mounts.ask(...args),
  well: (...args) => mounts.well(...args),
  refused: (...args) => mounts.refused(...args),
  mounted: (...args) => mounts.mounted(...args),
};

const NEW = {
  bind_secret_id: true,
  local_secret_ids: false,
  secret_id_bound_cidrs: null,
  secret_id_num_uses: 0,
  secret_id_ttl: 0,
  token_bound_cidrs: [],
  token_explicit_max_ttl: 0,
  token_max_ttl: 0,
  token_no_default_policy: false,
  token_num_uses: 0,
  token_period: 0,
  token_policies: [],
  token_ttl: 0,
  token_type: 'default',
};
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

test('a role is made, shown, changed, listed and deleted, in any spelling of its name', async () => {
  const at = await mounted();
  assert.equal((await ask('LIST', `${at}/role`)).status, 404);
  assert.equal((await ask('GET', `${at}/role/app`)).status, 404);
  await well('POST', `${at}/role/App`, {});
  assert.deepEqual((await well('GET', `${at}/role/aPP`)).data, NEW);
  assert.match((await well('GET', `${at}/role/app/role-id`)).data.role_id, UUID);
  const changed = {
    policies: 'B, a',
    period: '1h',
    bound_cidr_list: '10.0.0.0/8',
    secret_id_num_uses: '3',
    secret_id_ttl: '10m',
    token_bound_cidrs: '10.0.0.1/32',
  };
  await well('POST', `${at}/role/app`, changed);
  const shown = {
    ...NEW,
    policies: ['a', 'b'],
    token_policies: ['a', 'b'],
    period: 3_600,
    token_period: 3_600,
    secret_id_bound_cidrs: ['10.0.0.0/8'],
    secret_id_num_uses: 3,
    secret_id_ttl: 600,
    token_bound_cidrs: ['10.0.0.1'],
  };
  assert.deepEqual((await well('GET', `${at}/role/app`)).data, shown);
  await well('POST', `${at}/role/other`, { role_id: 'chosen' });
  assert.equal((await well('GET', `${at}/role/other/role-id`)).data.role_id, 'chosen');
  assert.deepEqual((await well('LIST', `${at}/role`)).data.keys, ['app', 'other']);
  assert.deepEqual((await well('GET', `${at}/role?list=true&after=app`)).data.keys, ['other']);
  await well('DELETE', `${at}/role/APP`);
  await well('DELETE', `${at}/role/app`);
  assert.equal((await ask('GET', `${at}/role/app`)).status, 404);
});

test('what cannot be is refused, and leaves nothing', async () => {
  const at = await mounted();
  const cases: [object, number, RegExp][] = [
    [{ role_id: '' }, 400, /invalid role_id/],
    [{ role_id: 'x'.repeat(4_097) }, 400, /longer than/],
    [{ secret_id_num_uses: -1 }, 400, /cannot be negative/],
    [{ secret_id_ttl: '-1s' }, 400, /secret_id_ttl/],
    [{ secret_id_bound_cidrs: '10.0.0.1' }, 500, /failed to validate CIDR blocks/],
    [{ secret_id_bound_cidrs: 'x/8' }, 400, /expected an IP address/],
    [{ bind_secret_id: false }, 500, /at least one constraint/],
    [{ token_ttl: '3h', token_max_ttl: '2h' }, 400, /'token_ttl' cannot be greater/],
    [{ token_type: 'strange' }, 400, /invalid 'token_type' value/],
    [{ period: '2h' }, 400, /period of "2h0m0s" is greater .* "1h0m0s"/],
    [{ token_policies: 'p'.repeat(40_000) }, 400, /must not exceed/],
  ];
  for (const [body, status, error] of cases) {
    const [got, errors] = await refused('POST', `${at}/role/bad`, { role_id: 'taken', ...body });
    assert.equal(got, status, JSON.stringify(body).slice(0, 80));
    assert.match(errors[0]!, error);
    assert.equal((await ask('GET', `${at}/role/bad`)).status, 404);
  }
  // Nor a claim on the role id.
  await well('POST', `${at}/role/good`, { role_id: 'taken' });
});

test('types that only a mount can have are taken for what they come to, with a warning', async () => {
  const at = await mounted();
  const reply = await well('POST', `${at}/role/app`, { token_type: 'default-service' });
  assert.deepEqual(reply.warnings, ['default-service has no useful meaning; adjusting to service']);
  assert.equal((await well('GET', `${at}/role/app`)).data.token_type, 'service');
  const long = await well('POST', `${at}/role/app`, { token_max_ttl: '2h' });
  assert.match(long.warnings[0], /token_max_ttl is greater than/);
});

test('each setting has a path of its own', async () => {
  const at = await mounted();
  await well('POST', `${at}/role/app`, { role_id: 'app' });
  const settings: [string, object, object, object][] = [
    ['policies', { token_policies: ['x'] }, { token_policies: ['x'] }, { token_policies: [] }],
    ['period', { token_period: 60 }, { token_period: 60 }, { token_period: 0 }],
    ['secret-id-num-uses', { secret_id_num_uses: 4 }, { secret_id_num_uses: 4 }, { secret_id_num_uses: 0 }],
    ['secret-id-ttl', { secret_id_ttl: '5m' }, { secret_id_ttl: 300 }, { secret_id_ttl: 0 }],
    [
      'secret-id-bound-cidrs',
      { secret_id_bound_cidrs: '10.0.0.0/8' },
      { secret_id_bound_cidrs: ['10.0.0.0/8'] },
      { secret_id_bound_cidrs: null },
    ],
    [
      'token-bound-cidrs',
      { token_bound_cidrs: '10.0.0.0/8' },
      { token_bound_cidrs: ['10.0.0.0/8'] },
      { token_bound_cidrs: null },
    ],
    ['token-ttl', { token_ttl: 60 }, { token_ttl: 60 }, { token_ttl: 0 }],
    ['token-max-ttl', { token_max_ttl: 60 }, { token_max_ttl: 60 }, { token_max_ttl: 0 }],
    ['token-num-uses', { token_num_uses: 6 }, { token_num_uses: 6 }, { token_num_uses: 0 }],
  ];
  for (const [path, sent, shown, reset] of settings) {
    const url = `${at}/role/app/${path}`;
    await well('POST', url, sent);
    assert.deepEqual((await well('GET', url)).data, shown, path);
    const whole = (await well('GET', `${at}/role/app`)).data;
    for (const [name, value] of Object.entries(shown)) assert.deepEqual(whole[name], value, name);
    await well('DELETE', url);
    assert.deepEqual((await well('GET', url)).data, reset, path);
    assert.deepEqual((await well('GET', `${at}/role/app`)).data, NEW, path);
    // Of a role that is not there.
    const nobody = `${at}/role/nobody/${path}`;
    assert.equal((await ask('GET', nobody)).status, 404);
    assert.deepEqual(await refused('POST', nobody, sent), [
      404,
      ['1 error occurred:\n\t* unsupported path\n\n'],
    ]);
    assert.equal((await ask('DELETE', nobody)).status, 204);
  }
  assert.equal((await ask('GET', `${at}/role/nobody`)).status, 404);
  for (const path of ['policies', 'period', 'bind-secret-id', 'secret-id-num-uses', 'token-ttl'])
    assert.match((await refused('POST', `${at}/role/app/${path}`, {}))[1][0]!, /^missing /, path);
});

test('bind_secret_id needs something else in its place; older names lead to the newer settings', async () => {
  const at = await mounted();
  await well('POST', `${at}/role/app`, {});
  const bind = `${at}/role/app/bind-secret-id`;
  assert.match((await refused('POST', bind, { bind_secret_id: false }))[1][0]!, /at least one constraint/);
  await well('POST', `${at}/role/app/bound-cidr-list`, { bound_cidr_list: '127.0.0.0/8' });
  assert.deepEqual((await well('GET', `${at}/role/app/secret-id-bound-cidrs`)).data, {
    secret_id_bound_cidrs: ['127.0.0.0/8'],
  });
  await well('POST', bind, { bind_secret_id: false });
  assert.deepEqual((await well('GET', bind)).data, { bind_secret_id: false });
  assert.match((await refused('DELETE', `${at}/role/app/secret-id-bound-cidrs`))[1][0]!, /constraint/);
  await well('DELETE', bind);
  assert.deepEqual((await well('GET', bind)).data, { bind_secret_id: true });
  const list = await well('GET', `${at}/role/app/bound-cidr-list`);
  assert.deepEqual([list.data, list.warnings.length], [{ bound_cidr_list: null }, 1]);
  await well('POST', `${at}/role/app/policies`, { policies: 'x' });
  assert.deepEqual((await well('GET', `${at}/role/app/policies`)).data, {
    policies: ['x'],
    token_policies: ['x'],
  });
});

test('local_secret_ids is for a new role only', async () => {
  const at = await mounted();
  await well('POST', `${at}/role/app`, { local_secret_ids: true });
  assert.deepEqual((await well('GET', `${at}/role/app/local-secret-ids`)).data, { local_secret_ids: true });
  const [status, errors] = await refused('POST', `${at}/role/app`, { local_secret_ids: false });
  assert.deepEqual([status, errors], [400, ['local_secret_ids can only be modified during role creation']]);
});

test('a role id is one role’s, moves with it, and is free when the role has it no more', async () => {
  const at = await mounted();
  const inUse = [500, ['1 error occurred:\n\t* role_id already in use\n\n']];
  await well('POST', `${at}/role/a`, { role_id: 'one' });
  assert.deepEqual(await refused('POST', `${at}/role/b`, { role_id: 'one' }), inUse);
  assert.equal((await ask('GET', `${at}/role/b`)).status, 404);
  await well('POST', `${at}/role/b`, { role_id: 'two' });
  assert.deepEqual(await refused('POST', `${at}/role/b/role-id`, { role_id: 'one' }), inUse);
  assert.deepEqual(await refused('POST', `${at}/role/b/role-id`, { role_id: '' }), [
    400,
    ['missing role_id'],
  ]);
  await well('POST', `${at}/role/a/role-id`, { role_id: 'three' });
  await well('POST', `${at}/role/a/role-id`, { role_id: 'three' });
  await well('POST', `${at}/role/b/role-id`, { role_id: 'one' });
  await well('POST', `${at}/role/a`, { role_id: 'two' });
  await well('DELETE', `${at}/role/a`);
  await well('POST', `${at}/role/b`, { role_id: 'two' });
  assert.equal((await well('GET', `${at}/role/b/role-id`)).data.role_id, 'two');
  // Other mounts have their own.
  const other = await mounted();
  await well('POST', `${other}/role/c`, { role_id: 'two' });
});

test('of many roles that ask for one role id at once one gets it', async () => {
  const at = await mounted();
  for (let round = 0; round < 5; round++) {
    const replies = await Promise.all(
      Array.from({ length: 8 }, (_, n) =>
        ask('POST', `${at}/role/r${round}-${n}`, { role_id: `id${round}` }),
      ),
    );
    assert.equal(replies.filter(({ status }) => status === 204).length, 1);
    assert.equal(replies.filter(({ status }) => status === 500).length, 7);
  }
  assert.equal((await well('LIST', `${at}/role`)).data.keys.length, 5);
});

test('one role written by many at once has one role id, which logs in', async () => {
  const at = await mounted();
  for (let round = 0; round < 5; round++) {
    await Promise.all(
      Array.from({ length: 6 }, (_, n) =>
        well('POST', `${at}/role/app${round}`, n % 2 ? { role_id: `${round}-${n % 3}` } : {}),
      ),
    );
    const { role_id } = (await well('GET', `${at}/role/app${round}/role-id`)).data;
    const { secret_id } = (await well('POST', `${at}/role/app${round}/secret-id`)).data;
    await well('POST', `${at}/login`, { role_id, secret_id }, '');
  }
});

test('create and update are two capabilities; settings need those of their own paths', async () => {
  const at = await mounted();
  await well('PUT', 'sys/policies/acl/ar-maker', {
    policy: `path "${at}/role/*" { capabilities = ["create"] }
      path "${at}/role/eve" { capabilities = ["deny"] }
      path "${at}/role/app/token-ttl" { capabilities = ["update"] }`,
  });
  const { auth } = await well('POST', 'auth/token/create', { policies: ['ar-maker'] });
  const write = (path: string) =>
    ask('POST', `${at}/role/${path}`, { token_ttl: 60 }, auth.client_token).then(({ status }) => status);
  assert.equal(await write('app'), 204);
  assert.equal(await write('APP'), 403);
  assert.equal(await write('Eve'), 403);
  assert.equal(await write('App/token-ttl'), 204);
  assert.equal(await write('app/token-max-ttl'), 403);
});
