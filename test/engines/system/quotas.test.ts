import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Ask, asking, succeed } from '../../support/asking.ts';
import { startReadyDev } from '../../support/dev-ready.ts';
import type { RunningServer } from '../../support/server.ts';

let server: RunningServer;
let ask: Ask;
before(async () => {
  server = await startReadyDev();
  ask = asking(server.address);
});
after(() => server.stop());

test('made, shown, listed, changed in part, removed', async () => {
  const path = 'sys/quotas/rate-limit/q';
  assert.equal((await ask('GET', path)).status, 404);
  assert.equal((await ask('LIST', 'sys/quotas/rate-limit')).status, 404);
  await succeed(ask, 'POST', path, { path: 'secret/', rate: 1000.5, interval: '2s' });
  const shown = (await succeed(ask, 'GET', path)).body.data;
  assert.deepEqual(shown, {
    name: 'q',
    type: 'rate-limit',
    path: 'secret/',
    role: '',
    rate: 1000.5,
    interval: 2,
    block_interval: 0,
    inheritable: false,
    scope: 'node',
  });
  await succeed(ask, 'POST', path, { block_interval: 60, scope: 'cluster' });
  const changed = (await succeed(ask, 'GET', path)).body.data;
  assert.deepEqual(changed, { ...shown, block_interval: 60, scope: 'cluster' });
  assert.deepEqual((await ask('LIST', 'sys/quotas/rate-limit')).body.data, { keys: ['q'] });
  await succeed(ask, 'DELETE', path);
  await succeed(ask, 'DELETE', path);
  assert.equal((await ask('GET', path)).status, 404);
});

for (const [body, wanted] of [
  [{}, "'rate' is invalid"],
  [{ rate: 0 }, "'rate' is invalid"],
  [{ rate: -1 }, "'rate' is invalid"],
  [{ rate: 1, interval: '48h' }, "'interval' is invalid"],
  [{ rate: 1, scope: 'galaxy' }, 'scope: expected'],
  [{ rate: 1, role: 'r' }, 'not a valid auth method'],
  [{ rate: 1, role: 'r', path: 'secret/' }, 'not a valid auth method'],
  [{ rate: 1, role: 'r', path: 'auth/token/' }, 'does not support'],
  [{ rate: 1, role: 'r', path: 'auth/token/create' }, 'both a path suffix and a role'],
  [{ rate: 1, role: 'r', path: 'auth/token/*' }, 'both a path suffix and a role'],
  [{ rate: 1, role: 'r'.repeat(513) }, 'too long'],
  [{ rate: 1, type: 'lease-count' }, 'expected "rate-limit"'],
  [{ rate: 1, path: 'nowhere/' }, 'invalid mount'],
  [{ rate: 1, path: 'sec*ret/' }, "expected no '*'"],
] as const) {
  test(`refused: ${JSON.stringify(body)}`, async () => {
    const { status, body: reply } = await ask('POST', 'sys/quotas/rate-limit/refused', body);
    assert.equal(status, 400);
    assert(reply.errors[0].includes(wanted), reply.errors[0]);
    assert.equal((await ask('GET', 'sys/quotas/rate-limit/refused')).status, 404);
  });
}

test('two of one path would be one too many', async () => {
  await succeed(ask, 'POST', 'sys/quotas/rate-limit/one', { rate: 1e6, path: 'cubbyhole/' });
  const { status } = await ask('POST', 'sys/quotas/rate-limit/two', { rate: 1e6, path: 'cubbyhole/' });
  assert.equal(status, 400);
  for (const body of [{}, { rate: 0 }, { rate: -1 }]) {
    const { body: told } = await ask('POST', 'sys/quotas/rate-limit/two', { ...body, path: 'cubbyhole/' });
    assert.deepEqual(told.errors, ["'rate' is invalid"]);
  }
  await succeed(ask, 'DELETE', 'sys/quotas/rate-limit/one');
});

for (const scope of ['node', 'cluster']) {
  test(`counted by ${scope}: the next one is refused, before anything looks at its token`, async () => {
    await succeed(ask, 'POST', 'sys/quotas/config', { enable_rate_limit_response_headers: true });
    const quota = { path: 'secret/', rate: 3, interval: '1h', scope };
    await succeed(ask, 'POST', 'sys/quotas/rate-limit/few', quota);
    const replies = [];
    for (let n = 0; n < 4; n++) replies.push(await ask('GET', 'secret/data/none'));
    assert.deepEqual(
      replies.map(({ status }) => status),
      [404, 404, 404, 429],
    );
    assert.deepEqual(
      replies.map(({ headers }) => headers['x-ratelimit-remaining']),
      ['2', '1', '0', '0'],
    );
    const { headers, body } = replies[3]!;
    assert.deepEqual(body, { errors: ['request path "secret/data/none": rate limit quota exceeded'] });
    assert.equal(headers['x-ratelimit-limit'], '3');
    assert(Number(headers['retry-after']) > 3_590);
    const stranger = asking(server.address, 'hvs.nobody');
    assert.equal((await stranger('GET', 'secret/data/none')).status, 429);
    assert.equal((await ask('GET', 'sys/mounts')).status, 200);
    await succeed(ask, 'DELETE', 'sys/quotas/rate-limit/few');
    assert.equal((await ask('GET', 'secret/data/none')).status, 404);
    // Made anew, it counts anew.
    await succeed(ask, 'POST', 'sys/quotas/rate-limit/few', quota);
    const again = await ask('GET', 'secret/data/none');
    assert.deepEqual([again.status, again.headers['x-ratelimit-remaining']], [404, '2']);
    await succeed(ask, 'DELETE', 'sys/quotas/rate-limit/few');
  });
}

test('a path is kept as what it names: a mount, or one path in it', async () => {
  for (const [given, kept] of [
    ['/secret', 'secret/'],
    ['secret/', 'secret/'],
    ['secret/data/x/', 'secret/data/x'],
    ['secret/data/*', 'secret/data/*'],
    ['secret/data*', 'secret/data*'],
    ['auth/token', 'auth/token/'],
  ]) {
    await succeed(ask, 'POST', 'sys/quotas/rate-limit/spelled', { rate: 1e6, path: given });
    const { path } = (await succeed(ask, 'GET', 'sys/quotas/rate-limit/spelled')).body.data;
    assert.equal(path, kept);
    assert.equal((await ask('POST', 'sys/quotas/rate-limit/again', { rate: 1e6, path: kept })).status, 400);
  }
  await succeed(ask, 'DELETE', 'sys/quotas/rate-limit/spelled');
});

test('a quota moves with its mount, and ends with mount or namespace: what comes to that path later is not held', async () => {
  const at = (name: string) => ask('GET', `sys/quotas/rate-limit/${name}`);
  const quota = { rate: 1, interval: '1h' };
  await succeed(ask, 'POST', 'sys/mounts/old', { type: 'kv' });
  await succeed(ask, 'POST', 'sys/namespaces/tenant');
  await succeed(ask, 'POST', 'sys/quotas/rate-limit/m', { ...quota, path: 'old/x*' });
  await succeed(ask, 'POST', 'sys/quotas/rate-limit/n', { ...quota, path: 'tenant' });
  await succeed(ask, 'POST', 'sys/quotas/lease-count/n', { max_leases: 9, path: 'tenant' });
  const statuses = async (path: string) => [(await ask('GET', path)).status, (await ask('GET', path)).status];
  assert.deepEqual(await statuses('old/x'), [404, 429]);
  await succeed(ask, 'POST', 'sys/remount', { from: 'old', to: 'tenant/new' });
  assert.equal((await at('m')).body.data.path, 'tenant/new/x*');
  await succeed(ask, 'POST', 'sys/mounts/old', { type: 'kv' });
  assert.deepEqual(await statuses('old/x'), [404, 404]);
  assert.equal((await ask('GET', 'tenant/new/x')).status, 429);
  assert.deepEqual(await statuses('tenant/new/y'), [404, 429]);
  // Part of it is changed where it is now.
  await succeed(ask, 'POST', 'sys/quotas/rate-limit/m', { rate: 2 });
  assert.equal((await at('m')).body.data.path, 'tenant/new/x*');
  await succeed(ask, 'POST', 'sys/quotas/rate-limit/n', { rate: 1e6 });
  await succeed(ask, 'DELETE', 'tenant/sys/mounts/new');
  assert.equal((await at('m')).status, 404);
  assert.deepEqual((await ask('LIST', 'sys/quotas/rate-limit')).body.data, { keys: ['n'] });
  await succeed(ask, 'DELETE', 'sys/namespaces/tenant');
  for (const kind of ['rate-limit', 'lease-count'])
    assert.equal((await ask('GET', `sys/quotas/${kind}/n`)).status, 404);
  await succeed(ask, 'POST', 'sys/namespaces/tenant');
  assert.equal((await ask('LIST', 'sys/quotas/rate-limit')).status, 404);
  await succeed(ask, 'DELETE', 'sys/namespaces/tenant');
});

test('logins by one role, or of one user, are held apart from others', async () => {
  for (const type of ['approle', 'userpass']) await succeed(ask, 'POST', `sys/auth/${type}`, { type });
  await succeed(ask, 'POST', 'auth/userpass/users/bob', { password: 'p' });
  for (const role of ['web', '7']) await succeed(ask, 'POST', `auth/approle/role/${role}`, { role_id: role });
  const nobody = asking(server.address, '');
  const statuses = async (count: number, path: string, body: object) => {
    const found: number[] = [];
    for (let n = 0; n < count; n++) found.push((await nobody('POST', path, body)).status);
    return found;
  };
  const quota = { rate: 2, interval: '1h' };
  await succeed(ask, 'POST', 'sys/quotas/rate-limit/web', { ...quota, path: 'auth/approle', role: 'web' });
  await succeed(ask, 'POST', 'sys/quotas/rate-limit/seven', { ...quota, path: 'auth/approle', role: '7' });
  await succeed(ask, 'POST', 'sys/quotas/rate-limit/bob', { ...quota, path: 'auth/userpass', role: 'bob' });
  assert.equal((await succeed(ask, 'GET', 'sys/quotas/rate-limit/web')).body.data.role, 'web');
  const approle = 'auth/approle/login';
  assert.deepEqual(await statuses(3, approle, { role_id: ' web' }), [400, 400, 429]);
  assert.deepEqual(await statuses(1, approle, { role_id: 'other' }), [400]);
  assert.deepEqual(await statuses(1, approle, {}), [400]);
  // A role id is told from its number as the login itself would.
  assert.deepEqual(await statuses(2, approle, { role_id: 7 }), [400, 400]);
  assert.deepEqual(await statuses(1, approle, { role_id: '7' }), [429]);
  assert.equal((await ask('GET', 'auth/approle/role/web')).status, 200);
  const [bob, eve] = ['auth/userpass/login/BOB', 'auth/userpass/login/eve'];
  assert.deepEqual(await statuses(2, bob, { password: 'p' }), [200, 200]);
  assert.deepEqual(await statuses(1, 'auth/userpass/login/bob', { password: 'p' }), [429]);
  assert.deepEqual(await statuses(3, eve, { password: 'p' }), [400, 400, 400]);
  for (const name of ['web', 'seven', 'bob']) await succeed(ask, 'DELETE', `sys/quotas/rate-limit/${name}`);
  assert.deepEqual(await statuses(1, bob, { password: 'p' }), [200]);
});

test('whoever is named in capitals is held, however the login spells it', async () => {
  await succeed(ask, 'POST', 'sys/auth/people', { type: 'userpass' });
  await succeed(ask, 'POST', 'auth/people/users/bob', { password: 'p' });
  const nobody = asking(server.address, '');
  const login = async (name: string) =>
    (await nobody('POST', `auth/people/login/${name}`, { password: 'p' })).status;
  const bobs = async () => [await login('bob'), await login('Bob'), await login('BOB'), await login('eve')];
  const path = 'sys/quotas/rate-limit/capitals';
  for (const quota of [
    { path: 'auth/people/login/Bob' },
    { path: 'auth/people/login/bob' },
    { path: 'auth/people/login/Bo*' },
    { path: 'auth/people/', role: 'Bob' },
  ]) {
    await succeed(ask, 'POST', path, { ...quota, rate: 1, interval: '1h' });
    assert.deepEqual(await bobs(), [200, 429, 429, 400], JSON.stringify(quota));
    const shown = (await succeed(ask, 'GET', path)).body.data;
    assert.deepEqual([shown.path, shown.role], [quota.path, quota.role ?? '']);
    await succeed(ask, 'DELETE', path);
  }
  await succeed(ask, 'POST', path, { path: 'auth/people/login/Team-*', rate: 1, interval: '1h' });
  assert.deepEqual([await login('Team-A'), await login('team-b'), await login('bob')], [400, 429, 200]);
  await succeed(ask, 'DELETE', path);
  await succeed(ask, 'POST', path, { path: 'secret/data/Case', rate: 1, interval: '1h' });
  const read = async (name: string) => (await ask('GET', `secret/data/${name}`)).status;
  assert.deepEqual([await read('Case'), await read('Case'), await read('case')], [404, 429, 404]);
  await succeed(ask, 'DELETE', path);
});

test('written again it counts anew, changed or not', async () => {
  const path = 'sys/quotas/rate-limit/again';
  for (const scope of ['node', 'cluster']) {
    const quota = { path: 'secret/', rate: 1, interval: '1h', scope };
    for (let n = 0; n < 2; n++) {
      await succeed(ask, 'POST', path, quota);
      const read = async () => (await ask('GET', 'secret/data/x')).status;
      assert.deepEqual([await read(), await read()], [404, 429], scope);
    }
    assert(!('made' in (await succeed(ask, 'GET', path)).body.data));
    await succeed(ask, 'DELETE', path);
  }
});

test('the configuration keeps what is not named, and begins with what must never be locked out', async () => {
  const first = (await succeed(ask, 'GET', 'sys/quotas/config')).body.data;
  assert(first.rate_limit_exempt_paths.includes('sys/unseal'));
  await succeed(ask, 'POST', 'sys/quotas/config', { rate_limit_exempt_paths: 'a,b' });
  assert.deepEqual((await succeed(ask, 'GET', 'sys/quotas/config')).body.data, {
    ...first,
    rate_limit_exempt_paths: ['a', 'b'],
  });
});
