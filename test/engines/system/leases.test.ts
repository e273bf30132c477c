import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Ask, asking, makeToken, succeed } from '../../support/asking.ts';
import { startReadyDev } from '../../support/dev-ready.ts';
import type { RunningServer } from '../../support/server.ts';
import { answer, ask as askCore, fakeCore, refusal } from './ask.ts';

let server: RunningServer;
let ask: Ask;
before(async () => {
  server = await startReadyDev();
  ask = asking(server.address);
});
after(() => server.stop());

const leasesAt = async (path: string): Promise<string[]> => {
  const { body } = await ask('LIST', `sys/leases/lookup/${path}`);
  return (body.data?.keys ?? []).map((key: string) => path + key);
};
const isGood = async (token: string) =>
  (await asking(server.address, token)('GET', 'auth/token/lookup-self')).status === 200;

test('the lease of a token: listed, looked up, and ended with it', async () => {
  const { token, accessor } = await makeToken(ask, { ttl: '10m' });
  const leases = await leasesAt('auth/token/create/');
  assert.equal(leases.length, 1);
  assert.deepEqual(await leasesAt(''), ['auth/']);
  assert.deepEqual(await leasesAt('auth/'), ['auth/token/']);
  const { body } = await succeed(ask, 'PUT', 'sys/leases/lookup', { lease_id: leases[0] });
  const { issue_time, expire_time, ...rest } = body.data;
  assert.equal(Date.parse(expire_time) - Date.parse(issue_time), 600_000);
  assert(rest.ttl > 590 && rest.ttl <= 600);
  const shown = { id: leases[0], path: 'auth/token/create', last_renewal: null, renewable: true, ttl: 0 };
  assert.deepEqual({ ...rest, ttl: 0 }, shown);
  await succeed(ask, 'POST', 'auth/token/renew-accessor', { accessor });
  const again = await succeed(ask, 'PUT', 'sys/leases/lookup', { lease_id: leases[0] });
  assert.notEqual(again.body.data.last_renewal, null);
  assert.equal((await ask('PUT', 'sys/leases/revoke', { lease_id: leases[0] })).status, 204);
  assert.equal(await isGood(token), false);
  assert.equal((await ask('PUT', 'sys/leases/lookup', { lease_id: leases[0] })).status, 400);
  assert.deepEqual(await leasesAt('auth/token/create/'), []);
});

test('tokens are renewed elsewhere', async () => {
  const refused = async (body: object, path = 'sys/leases/renew') =>
    (await ask('PUT', path, body)).body.errors;
  await makeToken(ask, { ttl: '10m' });
  await makeToken(ask, { ttl: '10m', renewable: false }, 'create-orphan');
  const [renewable] = await leasesAt('auth/token/create/');
  const [fixed] = await leasesAt('auth/token/create-orphan/');
  const told = ['tokens cannot be renewed through this endpoint'];
  assert.deepEqual(await refused({ lease_id: renewable }), told);
  assert.deepEqual(await refused({}, `sys/leases/renew/${renewable}`), told);
  assert.deepEqual(await refused({ lease_id: renewable }, 'sys/renew'), told);
  assert.deepEqual(await refused({ lease_id: fixed }), ['lease is not renewable']);
  assert.deepEqual(await refused({ lease_id: 'database/creds/r/x' }), ['lease not found']);
  assert.deepEqual(await refused({}), ['lease_id must be specified']);
});

test('all below a path end together, by either name of the endpoint, and nothing else does', async () => {
  await succeed(ask, 'POST', 'sys/auth/userpass', { type: 'userpass' });
  await succeed(ask, 'POST', 'auth/userpass/users/bob', { password: 'pw' });
  for (const path of ['leases/revoke-prefix', 'leases/revoke-force', 'revoke-prefix', 'revoke-force']) {
    const logins = await Promise.all(
      [1, 2].map(() => succeed(ask, 'POST', 'auth/userpass/login/bob', { password: 'pw' })),
    );
    const { token: kept } = await makeToken(ask, { ttl: '1h' });
    const { token: endless } = await makeToken(ask, { policies: ['root'] });
    assert.equal((await ask('PUT', `sys/${path}/auth/userpass/login/bo`)).status, 204);
    assert.equal((await leasesAt('auth/userpass/login/bob/')).length, 2, path);
    assert.equal((await ask('PUT', `sys/${path}/auth/userpass`, { sync: false })).status, 202);
    for (const { body } of logins) assert.equal(await isGood(body.auth.client_token), false, path);
    assert.equal(await isGood(kept), true);
    assert.equal(await isGood(endless), true);
  }
});

test('without a prefix nothing ends, whatever the body says', async () => {
  const { token } = await makeToken(ask, { ttl: '1h' });
  const wrapped = await ask('POST', 'sys/wrapping/wrap', { a: 1 }, { headers: { 'x-vault-wrap-ttl': '1h' } });
  for (const path of ['leases/revoke-prefix', 'leases/revoke-force', 'revoke-prefix', 'revoke-force']) {
    for (const body of [
      undefined,
      {},
      { prefix: 'auth/nothing' },
      { prefix: 'auth/token' },
      { sync: false },
    ]) {
      const { status, body: told } = await ask('PUT', `sys/${path}`, body);
      assert.equal(status, 404, path);
      assert.match(told.errors[0], /unsupported path/);
      assert.equal((await ask('PUT', `sys/${path}/`, body)).status, 400, path);
    }
    for (const method of ['GET', 'DELETE', 'LIST'])
      for (const end of ['', '/']) assert.equal((await ask(method, `sys/${path}${end}`)).status, 404, path);
  }
  assert.equal(await isGood(token), true);
  const { status } = await ask('POST', 'sys/wrapping/unwrap', { token: wrapped.body.wrap_info.token });
  assert.equal(status, 200);
});

test('lists and prefixes want sudo; a lease is looked up by whoever knows it', async () => {
  const { token } = await makeToken(ask, { ttl: '1h', policies: ['default'] });
  const plain = asking(server.address, token);
  for (const [method, path] of [
    ['LIST', 'leases/lookup/auth/'],
    ['PUT', 'leases/revoke-prefix/auth/token'],
    ['PUT', 'leases/revoke-force/auth/token'],
    ['PUT', 'revoke-prefix/auth/token'],
    ['PUT', 'leases/revoke'],
    ['GET', 'leases'],
  ] as const)
    assert.equal((await plain(method, `sys/${path}`, method === 'PUT' ? {} : undefined)).status, 403, path);
  const all = await leasesAt('auth/token/create/');
  assert.equal((await plain('PUT', 'sys/leases/lookup', { lease_id: all[0] })).status, 200);
});

test('a lease of a namespace names it, and is none of one beside it', async () => {
  await succeed(ask, 'POST', 'sys/namespaces/ns');
  await succeed(ask, 'POST', 'ns/auth/token/create-orphan', { ttl: '10m' });
  const { body } = await ask('LIST', 'ns/sys/leases/lookup/auth/token/create-orphan');
  const lease_id = `auth/token/create-orphan/${body.data.keys[0]}`;
  const { data } = (await succeed(ask, 'PUT', 'ns/sys/leases/lookup', { lease_id })).body;
  assert.deepEqual([data.path, data.namespace_path], ['auth/token/create-orphan', 'ns/']);
  await succeed(ask, 'POST', 'sys/namespaces/beside');
  assert.equal((await ask('PUT', 'beside/sys/leases/lookup', { lease_id })).status, 400);
  for (const name of ['ns', 'beside']) await succeed(ask, 'DELETE', `sys/namespaces/${name}`);
});

test('counts and order: nothing is irrevocable, nothing to tidy', async () => {
  const count = await ask('GET', 'sys/leases/count?type=irrevocable');
  assert.deepEqual(count.body.data, { counts: {}, lease_count: 0 });
  assert.equal((await ask('GET', 'sys/leases/count')).status, 404);
  const list = await ask('GET', 'sys/leases?type=irrevocable&limit=none');
  assert.deepEqual(list.body.data, { lease_count: 0, leases: [] });
  assert.equal((await ask('GET', 'sys/leases?type=irrevocable&limit=some')).status, 400);
  const tidy = await ask('PUT', 'sys/leases/tidy');
  assert.equal(tidy.status, 202);
  assert.equal(tidy.body.warnings.length, 1);
});

test('what is missing, and what is none', async () => {
  const core = fakeCore();
  core.leasesNow.add('a/b/c');
  core.leasesNow.add('a/d');
  assert.deepEqual(await answer(core, 'list', 'leases/lookup/a/'), { keys: ['b/', 'd'] });
  assert.equal((await answer(core, 'update', 'leases/lookup', { body: { lease_id: 'a/d' } })).ttl, 90);
  assert.deepEqual(await refusal(core, 'update', 'leases/lookup', { body: {} }), [
    400,
    'lease_id must be specified',
  ]);
  assert.deepEqual(await refusal(core, 'update', 'leases/lookup', { body: { lease_id: 'x' } }), [
    400,
    'invalid lease',
  ]);
  assert.deepEqual(await askCore(core, 'update', 'leases/revoke', { body: { lease_id: 'x' } }), {});
  assert.deepEqual(await refusal(core, 'update', 'leases/revoke', { body: {} }), [
    400,
    'lease_id must be specified',
  ]);
});
