/**
 * Tokens, accessors and leases of a namespace below: who may do so there shows, renews and ends them from above. From beside or below nobody
 * does, and hears that nothing was done.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { namespaceTree } from '../support/namespace-tree.ts';

const CARE = ['auth/token/*', 'sys/leases/*', 'sys/revoke*', 'sys/renew*'];
const ELSEWHERE = /neither of this namespace nor of one below it/;

const rules = (paths: readonly string[]) =>
  paths
    .map((path) => `path "${path}" { capabilities = ["create", "read", "update", "list", "sudo"] }`)
    .join('\n');

const ask = namespaceTree('care', rules(CARE));

interface Made {
  readonly namespace: string;
  readonly token: string;
  readonly accessor: string;
  readonly lease: string;
}

/** Of each its own path, so that its lease is known. */
let made = 0;
async function make(namespace: string, policies = ['default']): Promise<Made> {
  const role = `r${++made}`;
  await ask('POST', `${namespace}auth/token/roles/${role}`, { body: { orphan: true } });
  const { body, text } = await ask('POST', `${namespace}auth/token/create/${role}`, {
    body: { policies, ttl: '10m' },
  });
  assert(body.auth, text);
  const path = `auth/token/create/${role}`;
  const { data } = (await ask('LIST', `${namespace}sys/leases/lookup/${path}`)).body;
  return {
    namespace,
    token: body.auth.client_token,
    accessor: body.auth.accessor,
    lease: `${path}/${data.keys[0]}`,
  };
}

const isGood = async ({ namespace, token }: Made) =>
  (await ask('GET', `${namespace}auth/token/lookup-self`, { token })).status === 200;

type Act = readonly [path: string, body: (made: Made) => object];
const SHOWING: readonly Act[] = [
  ['auth/token/lookup', ({ token }) => ({ token })],
  ['auth/token/lookup-accessor', ({ accessor }) => ({ accessor })],
  ['auth/token/renew', ({ token }) => ({ token })],
  ['auth/token/renew-accessor', ({ accessor }) => ({ accessor })],
  ['sys/leases/lookup', ({ lease }) => ({ lease_id: lease })],
];
const ENDING: readonly Act[] = [
  ['auth/token/revoke', ({ token }) => ({ token })],
  ['auth/token/revoke-accessor', ({ accessor }) => ({ accessor })],
  ['auth/token/revoke-orphan', ({ token }) => ({ token })],
  ['sys/leases/revoke', ({ lease }) => ({ lease_id: lease })],
  ['sys/leases/revoke/', () => ({})],
  ['sys/revoke', ({ lease }) => ({ lease_id: lease })],
  ['sys/revoke/', () => ({})],
];
/** Where the lease stands in the path. */
const pathOf = (path: string, { lease }: Made) => (path.endsWith('/') ? path + lease : path);

/** Who asks from where about a token of which namespace. */
const REACHED = [
  ['', 'na/'],
  ['', 'na/sub/'],
  ['na/', 'na/sub/'],
] as const;

for (const [from, at] of REACHED)
  test(`from "${from}" tokens of ${at} are shown, renewed and ended`, async () => {
    const below = at.slice(from.length);
    const policy = rules(CARE.map((path) => below + path));
    await ask('PUT', `${from}sys/policies/acl/care-below`, { body: { policy } });
    const { token } = await make(from, ['care-below']);
    for (const asker of [undefined, token]) {
      const one = await make(at);
      for (const [path, body] of SHOWING) {
        const { status, text } = await ask('POST', from + path, { token: asker, body: body(one) });
        assert.equal(status, 200, `${path} ${text}`);
        if (/lookup/.test(path)) assert(text.includes(`"namespace_path":"${at}"`), text);
      }
      const shown = await ask('GET', `${from}auth/token/lookup?token=${one.token}`, { token: asker });
      assert.equal(shown.body.data.accessor, one.accessor);
      const renewal = await ask('POST', `${from}sys/leases/renew`, {
        token: asker,
        body: { lease_id: one.lease },
      });
      assert.match(renewal.text, /tokens cannot be renewed through this endpoint/);
      for (const [path, body] of ENDING) {
        const ended = await make(at);
        const { status, text } = await ask('POST', from + pathOf(path, ended), {
          token: asker,
          body: body(ended),
        });
        assert.equal(status, 204, `${path} ${text}`);
        assert.equal(await isGood(ended), false, path);
      }
      assert(await isGood(one));
    }
  });

test('who may do so only above is denied below', async () => {
  const { token } = await make('', ['care']);
  const one = await make('na/');
  for (const [path, body] of [...SHOWING, ...ENDING]) {
    const { status, text } = await ask('POST', pathOf(path, one), { token, body: body(one) });
    assert.deepEqual([status, /permission denied/.test(text)], [403, true], `${path} ${text}`);
  }
  assert(await isGood(one));
});

/** Who asks from where about a token of which namespace; undefined: the root token. */
const OUT_OF_REACH = [
  ['na/', ''],
  ['na/', 'nb/'],
  ['nb/', 'na/'],
  ['nb/', 'na/sub/'],
  ['na/sub/', 'na/'],
] as const;

for (const [from, at] of OUT_OF_REACH)
  test(`from "${from}" nothing is done to tokens of "${at}", and that is said`, async () => {
    const { token } = await make(from, ['care']);
    const one = await make(at);
    const before = (await ask('POST', `${at}auth/token/lookup`, { body: { token: one.token } })).body.data;
    for (const asker of [undefined, token]) {
      for (const [path, body] of SHOWING) {
        const { status, text } = await ask('POST', from + path, { token: asker, body: body(one) });
        assert([400, 403].includes(status) && !text.includes(one.accessor), `${path} ${text}`);
      }
      for (const [path, body] of ENDING) {
        const { status, text } = await ask('POST', from + pathOf(path, one), {
          token: asker,
          body: body(one),
        });
        const isSaid = path === 'auth/token/revoke-orphan' ? /token to revoke not found/ : ELSEWHERE;
        assert.deepEqual([status, isSaid.test(text)], [400, true], `${path} ${text}`);
      }
    }
    assert(await isGood(one));
    const { data } = (await ask('POST', `${at}auth/token/lookup`, { body: { token: one.token } })).body;
    assert.equal(data.last_renewal_time, before.last_renewal_time);
  });

test('a namespace that is locked, or gone, is not reached from above', async () => {
  await ask('POST', 'sys/namespaces/nc');
  const one = await make('nc/');
  await ask('POST', 'sys/namespaces/api-lock/lock/nc');
  const locked = await ask('POST', 'auth/token/revoke', { body: { token: one.token } });
  assert.equal(locked.status, 503, locked.text);
  await ask('POST', 'sys/namespaces/api-lock/unlock/nc');
  assert(await isGood(one));
  await ask('DELETE', 'sys/namespaces/nc');
  for (const [path, body] of ENDING) {
    const { status } = await ask('POST', pathOf(path, one), { body: body(one) });
    assert.equal(status, 400, path);
  }
});

test('what is no name of anything is refused as before', async () => {
  for (const token of ['zz', 'hvs.zz', `hvs.${'a'.repeat(24)}`])
    assert.equal((await ask('POST', 'auth/token/revoke', { body: { token } })).status, 204, token);
  const { body } = await ask('POST', 'auth/token/revoke-accessor', { body: { accessor: 'a'.repeat(24) } });
  assert.deepEqual(body.warnings, ['No token found with this accessor']);
  for (const token of [7, ['a'], { a: 1 }, null]) {
    const { status } = await ask('POST', 'auth/token/lookup', { body: { token } });
    assert(status === 400 || status === 403 || token === null, `${JSON.stringify(token)} ${status}`);
  }
});

test('tokens of a namespace below are made by who has sudo there; root tokens by nobody', async () => {
  const grant = (capabilities: string) => `path "na/auth/token/*" { capabilities = [${capabilities}] }`;
  const token = async (name: string, capabilities: string) => {
    await ask('PUT', `sys/policies/acl/${name}`, { body: { policy: grant(capabilities) } });
    return (await make('', [name])).token;
  };
  const plain = await token('plain', '"create", "update"');
  const sudo = await token('sudo', '"create", "update", "sudo"');
  for (const role of ['gives-root', 'gives-a', 'gives-nothing']) {
    const allowed_policies = { 'gives-root': ['root'], 'gives-a': ['a'], 'gives-nothing': [] }[role];
    await ask('POST', `na/auth/token/roles/${role}`, { body: { allowed_policies } });
  }
  const roots: readonly [path: string, body: object][] = [
    ['create', { policies: ['root'] }],
    ['create', { policies: ['ROOT'] }],
    ['create', { policies: [' root'] }],
    ['create', { policies: ['root', 'a'], ttl: '1m' }],
    ['create-orphan', { policies: ['root'] }],
    ['create/gives-root', {}],
    ['create/gives-root', { policies: ['root'] }],
    ['create/gives-nothing', { policies: ['root'] }],
  ];
  for (const [path, body] of roots)
    for (const asker of [undefined, sudo]) {
      const { status, text } = await ask('POST', `na/auth/token/${path}`, { token: asker, body });
      assert.deepEqual([status, /root tokens may not be created/.test(text)], [400, true], `${path} ${text}`);
    }
  const others: readonly [path: string, body: object][] = [
    ['create', {}],
    ['create', { policies: ['a'] }],
    ['create-orphan', { policies: ['a'] }],
    ['create/gives-a', {}],
    ['create/gives-nothing', { policies: ['a'] }],
  ];
  for (const [path, body] of others) {
    for (const asker of [undefined, sudo]) {
      const { status, text } = await ask('POST', `na/auth/token/${path}`, { token: asker, body });
      assert.equal(status, 200, `${path} ${text}`);
    }
    const { status, text } = await ask('POST', `na/auth/token/${path}`, { token: plain, body });
    assert.equal(status, 400, path);
    assert.match(text, /root or sudo privileges required to directly generate a token in a child namespace/);
  }
});

test('a lock below one that is locked is neither made nor undone', async () => {
  for (const path of ['sys/namespaces/l1', 'l1/sys/namespaces/l2', 'l1/l2/sys/namespaces/l3'])
    await ask('POST', path);
  const lock = (how: string, path: string) => ask('POST', `sys/namespaces/api-lock/${how}/${path}`);
  assert.equal((await lock('lock', 'l1')).status, 200);
  for (const path of ['l1/l2', 'l1/l2/l3']) {
    const { status, body } = await lock('lock', path);
    const text = `cannot lock namespace "${path}/": ancestor namespace "l1/" is already locked`;
    assert.deepEqual([status, body.errors], [400, [text]]);
    assert.match((await lock('unlock', path)).text, /is not locked/);
  }
  assert.equal((await lock('unlock', 'l1')).status, 204);
  assert.equal((await ask('GET', 'l1/l2/l3/sys/mounts')).status, 200);
  // The other way round both may be.
  assert.equal((await lock('lock', 'l1/l2')).status, 200);
  assert.equal((await lock('lock', 'l1')).status, 200);
  const inner = await lock('unlock', 'l1/l2');
  const text = 'cannot unlock "l1/l2/" with namespace "l1/" being locked';
  assert.deepEqual([inner.status, inner.body.errors], [400, [text]]);
  for (const path of ['l1', 'l1/l2']) assert.equal((await lock('unlock', path)).status, 204, path);
  assert.equal((await ask('GET', 'l1/l2/l3/sys/mounts')).status, 200);
});

test('a token of a namespace that is gone is no token', async () => {
  await ask('POST', 'sys/namespaces/nd');
  const { token } = await make('nd/');
  const told = async () => (await ask('GET', 'sys/mounts', { token })).body.errors[0];
  assert.equal(await told(), '1 error occurred:\n\t* permission denied\n\n');
  await ask('DELETE', 'sys/namespaces/nd');
  assert.match(await told(), /invalid token/);
});

test('what is asked from above counts for the quotas of the namespace below', async () => {
  const made = await ask('POST', 'na/auth/token/create', { body: { policies: ['care'] } });
  const { accessor } = made.body.auth;
  const quota = { path: 'na/', rate: 2, interval: '60s' };
  assert.equal((await ask('POST', 'sys/quotas/rate-limit/few', { body: quota })).status, 204);
  const statuses: number[] = [];
  for (let n = 0; n < 4; n++)
    statuses.push((await ask('POST', 'auth/token/lookup-accessor', { body: { accessor } })).status);
  assert.deepEqual(statuses, [200, 200, 429, 429]);
  assert.equal((await ask('DELETE', 'sys/quotas/rate-limit/few')).status, 204);
});
