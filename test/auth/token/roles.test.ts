import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type InnerCoffer, startInnerCoffer } from '../../support/inner-coffer.ts';

let inner: InnerCoffer;
let roles = 0;
before(async () => {
  inner = await startInnerCoffer();
});
after(() => inner.coffer.stop());

async function well(method: string, path: string, body?: unknown, token?: string) {
  const reply = await inner.ask(method, path, body, token);
  assert(reply.status < 300, `${method} ${path}: ${reply.status} ${reply.text}`);
  return reply.body;
}

async function refused(path: string, body: unknown, error: RegExp, token?: string) {
  const reply = await inner.ask('POST', path, body, token);
  assert.equal(reply.status, 400, reply.text);
  assert.match(reply.body.errors[0], error);
}

async function role(settings: object): Promise<string> {
  const name = `role${++roles}`;
  await well('POST', `auth/token/roles/${name}`, settings);
  return name;
}

const create = async (name: string, settings: object = {}, token?: string) =>
  (await well('POST', `auth/token/create/${name}`, settings, token)).auth;
const lookUp = async (token: string) => (await well('POST', 'auth/token/lookup', { token })).data;

const NEW = {
  allowed_entity_aliases: null,
  allowed_policies: [],
  allowed_policies_glob: [],
  disallowed_policies: [],
  disallowed_policies_glob: [],
  explicit_max_ttl: 0,
  orphan: false,
  path_suffix: '',
  period: 0,
  renewable: true,
  token_explicit_max_ttl: 0,
  token_no_default_policy: false,
  token_period: 0,
  token_type: 'default-service',
};

test('roles are made, shown as Vault shows them, changed field by field, listed and deleted', async () => {
  assert.equal((await inner.ask('LIST', 'auth/token/roles')).status, 404);
  assert.equal((await inner.ask('GET', 'auth/token/roles/none')).status, 404);
  const name = await role({});
  assert.deepEqual((await well('GET', `auth/token/roles/${name}`)).data, { ...NEW, name });
  await well('POST', `auth/token/roles/${name}`, {
    allowed_policies: 'a,B',
    period: '1h',
    bound_cidrs: '127.0.0.1/32',
    token_num_uses: 3,
  });
  const shown = {
    ...NEW,
    name,
    allowed_policies: ['a', 'b'],
    period: 3_600,
    token_period: 3_600,
    bound_cidrs: ['127.0.0.1'],
    token_bound_cidrs: ['127.0.0.1'],
    token_num_uses: 3,
  };
  assert.deepEqual((await well('GET', `auth/token/roles/${name}`)).data, shown);
  await well('POST', `auth/token/roles/${name}`, {
    token_period: '2h',
    allowed_entity_aliases: ['Foo', 'bar'],
  });
  const next = { ...shown, period: 0, token_period: 7_200, allowed_entity_aliases: ['bar', 'foo'] };
  assert.deepEqual((await well('GET', `auth/token/roles/${name}`)).data, next);
  assert((await well('LIST', 'auth/token/roles')).data.keys.includes(name));
  await well('DELETE', `auth/token/roles/${name}`);
  await well('DELETE', `auth/token/roles/${name}`);
  await refused(`auth/token/create/${name}`, {}, /^unknown role/);
});

test('roles that cannot be are refused', async () => {
  const path = 'auth/token/roles/bad';
  await refused(path, { token_type: 'x' }, /^invalid 'token_type' value/);
  await refused(path, { token_type: 'batch' }, /non-orphan tokens/);
  await refused(path, { path_suffix: 'a/b' }, /^given role path suffix contains invalid characters/);
  await refused(path, { token_bound_cidrs: 'x' }, /expected an IP address/);
  await refused(path, { token_num_uses: -1 }, /cannot be negative/);
  assert.equal((await inner.ask('GET', path)).status, 404);
});

test('a token made by a role is what the role says', async () => {
  const name = await role({
    allowed_policies: 'a',
    orphan: true,
    renewable: false,
    path_suffix: 'suffix',
    token_explicit_max_ttl: '30m',
    token_num_uses: 5,
    token_bound_cidrs: '127.0.0.0/8',
  });
  const auth = await create(name, { num_uses: 9, no_parent: false });
  assert.deepEqual(auth.policies, ['a', 'default']);
  assert.deepEqual(
    [auth.orphan, auth.renewable, auth.lease_duration, auth.num_uses],
    [true, false, 1_800, 5],
  );
  const data = await lookUp(auth.client_token);
  assert.equal(data.path, `auth/token/create/${name}/suffix`);
  assert.equal(data.role, name);
  assert.deepEqual(data.bound_cidrs, ['127.0.0.0/8']);
  assert.equal(data.explicit_max_ttl, 1_800);
});

test('of what role and caller both say, the lesser holds, and the caller is told', async () => {
  const name = await role({ token_period: '10m', token_explicit_max_ttl: '30m' });
  const { auth, warnings } = await well('POST', `auth/token/create/${name}`, {
    period: '5m',
    explicit_max_ttl: '50m',
  });
  assert.equal(auth.lease_duration, 300);
  assert.deepEqual(warnings, [
    'Explicit max TTL specified both during creation call and in role; using the lesser value of 1800 seconds',
    'Period specified both during creation call and in role; using the lesser value of 300 seconds',
  ]);
});

test('who may not have a policy gets it by a role that allows it, but root only from root', async () => {
  const names = {
    open: await role({ allowed_policies: 'a,root2' }),
    root: await role({ allowed_policies: 'root' }),
  };
  const plain = await role({});
  await well('PUT', 'sys/policies/acl/by-role', {
    policy: 'path "auth/token/create/*" { capabilities = ["update"] }',
  });
  const { client_token: token } = (await well('POST', 'auth/token/create', { policies: ['by-role'] })).auth;
  assert.deepEqual((await create(names.open, { policies: ['a'] }, token)).policies, ['a', 'default']);
  await refused(
    `auth/token/create/${names.open}`,
    { policies: ['b'] },
    /must be subset of the role's allowed/,
    token,
  );
  await refused(`auth/token/create/${names.root}`, {}, /^root tokens may not be created/, token);
  await refused(`auth/token/create/${names.root}`, { policies: [' ROOT'] }, /^root tokens may not be/, token);
  // A role without rules leaves the caller's own bounds.
  await refused(`auth/token/create/${plain}`, { policies: ['a'] }, /^child policies must be subset/, token);
  assert.deepEqual((await create(plain, {}, token)).policies, ['by-role', 'default']);
  for (const settings of [{ period: '1h' }, { id: 'own' }]) {
    await refused(`auth/token/create/${plain}`, settings, /^root or sudo privileges required/, token);
  }
});

test('disallowed policies are refused, response-wrapping always is', async () => {
  const name = await role({ disallowed_policies: 'x', disallowed_policies_glob: 'prod-*' });
  await refused(
    `auth/token/create/${name}`,
    { policies: ['X'] },
    /^token policy "x" is disallowed by this role$/,
  );
  await refused(`auth/token/create/${name}`, { policies: ['prod-a'] }, /disallowed/);
  await refused(`auth/token/create/${name}`, { policies: ['response-wrapping'] }, /^cannot assign policy/);
  assert.deepEqual((await create(name, { policies: ['y'] })).policies, ['default', 'y']);
});

test('a token is used from its networks only, its children too; a token that is shown says so', async () => {
  const name = await role({ token_bound_cidrs: '10.0.0.0/8', allowed_policies: 'default' });
  const far = await create(name);
  const reply = await inner.ask('GET', 'auth/token/lookup-self', undefined, far.client_token);
  assert.deepEqual([reply.status, reply.body.errors], [403, ['permission denied']]);
  assert.deepEqual((await lookUp(far.client_token)).bound_cidrs, ['10.0.0.0/8']);
  // Unlike the child of one without, the child of a bound one is bound.
  const near = await create(await role({ token_bound_cidrs: '127.0.0.0/8' }), { policies: ['root'] });
  const { auth } = await well('POST', 'auth/token/create', {}, near.client_token);
  assert.deepEqual((await lookUp(auth.client_token)).bound_cidrs, ['127.0.0.0/8']);
});

test('renewals go by the role as it is now; without it there are none', async () => {
  const name = await role({ token_period: '10m', allowed_policies: 'default' });
  const { client_token: token } = await create(name);
  await well('POST', `auth/token/roles/${name}`, { token_period: '5m' });
  assert.equal((await well('POST', 'auth/token/renew-self', {}, token)).auth.lease_duration, 300);
  await well('DELETE', `auth/token/roles/${name}`);
  await refused('auth/token/renew-self', {}, /role of the token is gone/, token);
});

test('entity aliases are refused for now, never ignored', async () => {
  const name = await role({ allowed_entity_aliases: 'foo' });
  await refused(`auth/token/create/${name}`, { entity_alias: 'foo' }, /not supported yet/);
});
