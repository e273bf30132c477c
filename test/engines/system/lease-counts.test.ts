import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { type Ask, asking, makeToken, succeed } from '../../support/asking.ts';
import { startReadyDev } from '../../support/dev-ready.ts';
import type { RunningServer } from '../../support/server.ts';
import { until } from '../../support/until.ts';

const PATH = 'sys/quotas/lease-count';
const FULL = { errors: ['lease count quota exceeded'] };

let server: RunningServer;
let root: Ask;
/** A token that may make others, and is no root token. */
let maker: Ask;
before(async () => {
  server = await startReadyDev();
  root = asking(server.address);
  const policy = 'path "*" { capabilities = ["create", "read", "update", "delete", "list", "sudo"] }';
  await succeed(root, 'PUT', 'sys/policies/acl/all', { policy });
  for (const type of ['approle', 'userpass']) await succeed(root, 'POST', `sys/auth/${type}`, { type });
  for (const name of ['bob', 'eve'])
    await succeed(root, 'POST', `auth/userpass/users/${name}`, { password: 'p' });
});
after(() => server.stop());
beforeEach(async () => {
  maker = asking(server.address, (await makeToken(root, { policies: ['all'], ttl: '1h' })).token);
});

const counter = async (name: string) => (await succeed(root, 'GET', `${PATH}/${name}`)).body.data.counter;
const login = (user: string) =>
  asking(server.address, '')('POST', `auth/userpass/login/${user}`, { password: 'p' });

/** A quota for the time of a test. */
async function under(name: string, quota: object, run: () => Promise<void>): Promise<void> {
  await succeed(root, 'POST', `${PATH}/${name}`, quota);
  try {
    await run();
  } finally {
    await succeed(root, 'DELETE', `${PATH}/${name}`);
  }
}

test('made, shown, listed, changed in part, removed', async () => {
  assert.equal((await root('GET', `${PATH}/q`)).status, 404);
  assert.equal((await root('LIST', PATH)).status, 404);
  await succeed(root, 'POST', `${PATH}/q`, { path: 'auth/approle', max_leases: 5 });
  const shown = (await succeed(root, 'GET', `${PATH}/q`)).body.data;
  assert.deepEqual(shown, {
    name: 'q',
    type: 'lease-count',
    path: 'auth/approle/',
    role: '',
    inheritable: false,
    max_leases: 5,
    counter: 0,
  });
  await succeed(root, 'PUT', `${PATH}/q`, { role: 'web', inheritable: true });
  assert.deepEqual((await succeed(root, 'GET', `${PATH}/q`)).body.data, {
    ...shown,
    role: 'web',
    inheritable: true,
  });
  assert.deepEqual((await root('LIST', PATH)).body.data, { keys: ['q'] });
  await succeed(root, 'DELETE', `${PATH}/q`);
  await succeed(root, 'DELETE', `${PATH}/q`);
  assert.equal((await root('GET', `${PATH}/q`)).status, 404);
});

for (const [body, wanted] of [
  [{}, "'max_leases' is invalid"],
  [{ max_leases: 0 }, "'max_leases' is invalid"],
  [{ max_leases: -1 }, "'max_leases' is invalid"],
  [{ max_leases: 1e12 }, "'max_leases' is invalid"],
  [{ max_leases: 'many' }, 'max_leases'],
  [{ max_leases: 1, path: 'nowhere/' }, 'invalid mount'],
  [{ max_leases: 1, role: 'r', path: 'secret/' }, 'not a valid auth method'],
  [{ max_leases: 1, type: 'rate-limit' }, 'expected "lease-count"'],
] as const) {
  test(`refused: ${JSON.stringify(body)}`, async () => {
    const { status, body: reply } = await root('POST', `${PATH}/refused`, body);
    assert.equal(status, 400);
    assert(reply.errors[0].includes(wanted), reply.errors[0]);
    assert.equal((await root('GET', `${PATH}/refused`)).status, 404);
  });
}

test('tokens are counted until they end; one more is refused, also a batch token, but not a root token’s', async () => {
  await under('q', { path: 'auth/token/create-orphan', max_leases: 3 }, async () => {
    const settings = { ttl: '1h', policies: ['default'] };
    const made = [];
    for (let n = 0; n < 3; n++) made.push(await makeToken(maker, settings, 'create-orphan'));
    assert.equal(await counter('q'), 3);
    for (const type of ['service', 'batch']) {
      const { status, body } = await maker('POST', 'auth/token/create-orphan', { ...settings, type });
      assert.deepEqual([status, body], [429, FULL], type);
    }
    // Elsewhere, and of what has no end, there is no quota.
    await makeToken(maker, settings);
    await makeToken(root, {}, 'create-orphan');
    const more = await makeToken(root, settings, 'create-orphan');
    assert.equal(await counter('q'), 4);
    await succeed(root, 'POST', 'auth/token/revoke-accessor', { accessor: more.accessor });
    assert.equal((await maker('POST', 'auth/token/create-orphan', settings)).status, 429);
    await succeed(root, 'POST', 'auth/token/revoke', { token: made[0]!.token });
    made[0] = await makeToken(maker, settings, 'create-orphan');
    assert.equal((await maker('POST', 'auth/token/create-orphan', settings)).status, 429);
    await succeed(root, 'POST', `${PATH}/q`, { max_leases: 4 });
    await succeed(maker, 'POST', 'auth/token/create-orphan', settings);
    assert.equal((await maker('POST', 'auth/token/create-orphan', settings)).status, 429);
    await succeed(root, 'PUT', 'sys/leases/revoke-prefix/auth/token/create-orphan');
    await until('nothing is counted', async () => (await counter('q')) === 0);
    await succeed(maker, 'POST', 'auth/token/create-orphan', { ...settings, type: 'batch' });
    assert.equal(await counter('q'), 0);
  });
});

test('children that end with their parent, and what ends by its time, make room', async () => {
  await under('q', { path: 'auth/token/create', max_leases: 4 }, async () => {
    // The maker is one itself.
    await until('the maker is counted', async () => (await counter('q')) >= 1, 5_000);
    const before = await counter('q');
    await succeed(root, 'POST', `${PATH}/q`, { max_leases: before + 2 });
    const parent = await makeToken(maker, { ttl: '1h', policies: ['all'] });
    await makeToken(asking(server.address, parent.token), { ttl: '1h' });
    assert.equal((await maker('POST', 'auth/token/create', {})).status, 429);
    await succeed(root, 'POST', 'auth/token/revoke', { token: parent.token });
    await until('both are gone', async () => (await counter('q')) === before);
    for (let n = 0; n < 2; n++) await makeToken(maker, { ttl: '1s' });
    assert.equal((await maker('POST', 'auth/token/create', {})).status, 429);
    const made = async () => (await maker('POST', 'auth/token/create', { ttl: '1s' })).status === 200;
    await until('they have ended', made);
  });
});

test('a quota begins with the leases that are there; the one that says most holds', async () => {
  await succeed(root, 'PUT', 'sys/leases/revoke-prefix/auth/userpass');
  assert.equal((await login('bob')).status, 200);
  assert.equal((await login('eve')).status, 200);
  await under('mount', { path: 'auth/userpass', max_leases: 3 }, async () => {
    assert.equal(await counter('mount'), 2);
    await under('bob', { path: 'auth/userpass', role: 'bob', max_leases: 2 }, async () => {
      // What is bob's is not the mount's any more.
      assert.deepEqual([await counter('mount'), await counter('bob')], [1, 1]);
      assert.deepEqual([(await login('BOB')).status, (await login('bob')).status], [200, 429]);
      assert.deepEqual([(await login('eve')).status, (await login('eve')).status], [200, 200]);
      const { status, body } = await login('eve');
      assert.deepEqual([status, body], [429, FULL]);
      assert.deepEqual([await counter('mount'), await counter('bob')], [3, 2]);
    });
    assert.equal(await counter('mount'), 5);
    assert.equal((await login('bob')).status, 429);
  });
  assert.equal((await login('bob')).status, 200);
});

test('of a namespace: its own leases, and those below where that is said', async () => {
  await succeed(root, 'POST', 'sys/namespaces/ns1');
  await succeed(root, 'POST', 'ns1/sys/namespaces/below');
  const make = async (ns: string) =>
    (await maker('POST', `${ns}auth/token/create-orphan`, { ttl: '1h' })).status;
  await under('q', { path: 'ns1/', max_leases: 1 }, async () => {
    assert.deepEqual([await make('ns1/'), await make('ns1/'), await make('')], [200, 429, 200]);
    assert.equal(await make('ns1/below/'), 200);
    await succeed(root, 'POST', `${PATH}/q`, { inheritable: true });
    assert.equal(await counter('q'), 2);
    assert.equal(await make('ns1/below/'), 429);
  });
  await succeed(root, 'DELETE', 'ns1/sys/namespaces/below');
  await succeed(root, 'DELETE', 'sys/namespaces/ns1');
});

test('a wrapped reply is no lease; a login that finds no room is not a failed one', async () => {
  await under('all', { path: '', max_leases: 1 }, async () => {
    const wrapped = await maker('GET', 'sys/mounts', undefined, { headers: { 'x-vault-wrap-ttl': '60' } });
    assert.equal(wrapped.status, 200);
    for (let n = 0; n < 6; n++) assert.equal((await login('bob')).status, 429);
  });
  assert.equal((await login('bob')).status, 200);
});

test('whoever is named in capitals is held, however the login spells it', async () => {
  for (const quota of [{ path: 'auth/userpass/login/Bob' }, { path: 'auth/userpass/', role: 'Bob' }]) {
    await under('capitals', { ...quota, max_leases: 1 }, async () => {
      const before = await counter('capitals');
      assert(before >= 1, 'those of earlier tests');
      for (const name of ['bob', 'Bob', 'BOB']) assert.equal((await login(name)).status, 429, name);
      assert.equal((await login('Eve')).status, 200);
    });
  }
});
