/**
 * Namespaces at the front door: made, nested, named by header and path, locked, deleted with all that is in them (contract §2.11).
 *
 * @module
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type CallReply, call } from '../support/http.ts';
import { type InnerCoffer, startInnerCoffer } from '../support/inner-coffer.ts';
import { testFolder } from '../support/test-folder.ts';
import { until } from '../support/until.ts';

const MERGE = 'application/merge-patch+json';
const ALL = 'path "*" { capabilities = ["create", "read", "update", "delete", "list", "sudo"] }';

let inner: InnerCoffer;
before(async () => {
  inner = await startInnerCoffer();
});
after(() => inner.coffer.stop());

interface Asking {
  readonly body?: unknown;
  readonly token?: string;
  readonly in?: string;
  readonly headers?: Record<string, string>;
}

function ask(
  method: string,
  path: string,
  { body, token, in: namespace, headers }: Asking = {},
): Promise<CallReply> {
  return call(inner.address, method, `/v1/${path}`, {
    token: token ?? inner.root,
    body,
    headers: { ...headers, ...(namespace !== undefined && { 'x-vault-namespace': namespace }) },
  });
}

let made = 0;
/** A namespace of a new name with KV version 1 at `kv/`, its id, and a token of its own that may do all. */
async function make(above = ''): Promise<{ path: string; id: string; token: string; accessor: string }> {
  const name = `n${++made}`;
  const { body } = await ask('POST', `sys/namespaces/${name}`, { in: above });
  const path = body.data.path as string;
  assert.equal((await ask('POST', 'sys/mounts/kv', { in: path, body: { type: 'kv-v1' } })).status, 204);
  assert.equal((await ask('PUT', 'sys/policies/acl/all', { in: path, body: { policy: ALL } })).status, 204);
  const { token, accessor } = await tokenOf(path, ['all']);
  return { path, id: body.data.id, token, accessor };
}

async function tokenOf(
  path: string,
  policies: string[],
  more: object = {},
): Promise<{ token: string; accessor: string }> {
  const { body, text } = await ask('POST', 'auth/token/create', { in: path, body: { policies, ...more } });
  assert(body.auth, text);
  return { token: body.auth.client_token, accessor: body.auth.accessor };
}

test('made, shown, listed, changed, deleted', async () => {
  const fresh = await ask('POST', 'sys/namespaces/team', { body: { custom_metadata: { owner: 'ann' } } });
  assert.equal(fresh.status, 200);
  const { id, uuid, ...rest } = fresh.body.data;
  assert.match(id, /^[0-9A-Za-z]{6}$/);
  assert.match(uuid, /^[0-9a-f-]{36}$/);
  assert.deepEqual(rest, { path: 'team/', custom_metadata: { owner: 'ann' }, locked: false, tainted: false });
  assert.deepEqual((await ask('GET', 'sys/namespaces/team')).body.data, fresh.body.data);
  const listed = (await ask('LIST', 'sys/namespaces')).body.data;
  assert(listed.keys.includes('team/'));
  assert.deepEqual(listed.key_info['team/'], fresh.body.data);

  const again = await ask('PUT', 'sys/namespaces/team', {
    body: { custom_metadata: { owner: 'bob', room: '7' } },
  });
  assert.deepEqual([again.body.data.id, again.body.data.custom_metadata], [id, { owner: 'bob', room: '7' }]);
  const patched = await ask('PATCH', 'sys/namespaces/team', {
    body: { custom_metadata: { owner: null, floor: '2' } },
    headers: { 'content-type': MERGE },
  });
  assert.deepEqual(patched.body.data.custom_metadata, { room: '7', floor: '2' });
  assert.equal((await ask('GET', 'sys/namespaces/nobody')).status, 404);
  const nobody = await ask('PATCH', 'sys/namespaces/nobody', {
    body: {},
    headers: { 'content-type': MERGE },
  });
  assert.deepEqual([nobody.status, nobody.body.errors], [400, ['namespace not found']]);

  assert.equal((await ask('DELETE', 'sys/namespaces/team')).status, 204);
  assert.equal((await ask('GET', 'sys/namespaces/team')).status, 404);
  const twice = await ask('DELETE', 'sys/namespaces/team');
  assert.deepEqual(twice.body.warnings, ['requested namespace does not exist']);
});

test('named by header, by path, and by both', async () => {
  const outer = await make();
  const nested = await make(outer.path);
  const name = nested.path.slice(outer.path.length, -1);
  await ask('PUT', 'kv/a', { in: nested.path, body: { v: 1 } });
  const spellings = [
    ['', `${nested.path}kv/a`],
    [nested.path, 'kv/a'],
    [nested.path.slice(0, -1), 'kv/a'],
    [`/${nested.path}`, 'kv/a'],
    [outer.path, `${name}/kv/a`],
    ['root', `${nested.path}kv/a`],
  ] as const;
  for (const [header, path] of spellings) {
    const { status, body } = await ask('GET', path, { in: header });
    assert.deepEqual([status, body?.data], [200, { v: 1 }], `${header} ${path}`);
  }
  for (const [header, path] of [
    ['', 'kv/a'],
    [outer.path, 'kv/a'],
    [nested.path, `${name}/kv/a`],
  ] as const)
    assert.equal((await ask('GET', path, { in: header })).status, 404, `${header} ${path}`);
  for (const header of ['nobody', `${outer.path}nobody`, 'root/x', `root/${outer.path}`]) {
    const { status, body } = await ask('GET', 'kv/a', { in: header });
    assert.deepEqual([status, body.errors], [404, ['namespace not found']], header);
  }
  const { body } = await ask('LIST', 'sys/namespaces', { in: outer.path });
  assert.deepEqual(body.data.keys, [`${name}/`]);
  assert.equal(body.data.key_info[`${name}/`].path, nested.path);
});

test('names that are none', async () => {
  const refused = {
    root: 'reserved path',
    ROOT: 'reserved path',
    sys: 'reserved path',
    audit: 'reserved path',
    Auth: 'reserved path',
    cubbyhole: 'reserved path',
    identity: 'reserved path',
    'a%20b': 'space characters',
    'a+b': 'wildcard characters',
    'a*': 'wildcard characters',
    'a/b': 'cannot contain /',
    ['x'.repeat(600)]: 'must not be longer',
    kv: 'conflicts with existing mount: kv/',
  };
  for (const [name, why] of Object.entries(refused)) {
    const { status, text } = await ask('POST', `sys/namespaces/${name}`);
    assert.equal(status, 400, `${name}: ${text}`);
    assert(text.includes(why), `${name}: ${text}`);
  }
});

test('a mount and a namespace never share a path', async () => {
  const { path } = await make();
  for (const mount of [path, `${path}kv2`, `${path}kv2/deeper`]) {
    const { status, text } = await ask('POST', `sys/mounts/${mount}`, { body: { type: 'kv' } });
    assert.equal(status, 400, text);
  }
  assert.equal((await ask('POST', 'sys/mounts/deep/er', { body: { type: 'kv' } })).status, 204);
  assert.equal((await ask('POST', 'sys/namespaces/deep')).status, 400);
});

test('it begins with mounts, policies and tokens of its own', async () => {
  const { path } = await make();
  const types = (data: Record<string, { type: string }>) =>
    Object.fromEntries(Object.entries(data).map(([name, { type }]) => [name, type]));
  assert.deepEqual(types((await ask('GET', 'sys/mounts', { in: path })).body.data), {
    'cubbyhole/': 'ns_cubbyhole',
    'kv/': 'kv',
    'sys/': 'ns_system',
  });
  assert.deepEqual(types((await ask('GET', 'sys/auth', { in: path })).body.data), { 'token/': 'ns_token' });
  assert.deepEqual((await ask('LIST', 'sys/policies/acl', { in: path })).body.data.keys, ['all', 'default']);
  assert(!(await ask('LIST', 'sys/policies/acl')).body.data.keys.includes('all'));
  assert.match((await ask('GET', 'sys/policies/acl/default', { in: path })).body.data.policy, /lookup-self/);
});

test('its tokens carry its id, and are good in it and below it only', async () => {
  const outer = await make();
  const nested = await make(outer.path);
  const sibling = await make();
  const { token, accessor, id, path } = outer;
  assert.match(token, new RegExp(`^hvs\\.[0-9A-Za-z]{24}\\.${id}$`));
  assert.match(accessor, new RegExp(`^[0-9A-Za-z]{24}\\.${id}$`));
  const { body } = await ask('GET', 'auth/token/lookup-self', { token, in: path });
  assert.equal(body.data.namespace_path, path);
  assert.deepEqual((await ask('LIST', 'auth/token/accessors', { in: path })).body.data.keys, [accessor]);
  assert.equal((await ask('PUT', 'kv/a', { token, in: path, body: { v: 1 } })).status, 204);
  assert.equal((await ask('PUT', 'kv/a', { token, in: nested.path, body: { v: 1 } })).status, 204);
  for (const elsewhere of ['', sibling.path])
    assert.equal((await ask('PUT', 'kv/a', { token, in: elsewhere, body: { v: 1 } })).status, 403, elsewhere);
  assert.equal((await ask('GET', 'kv/a', { token: nested.token, in: path })).status, 403);

  // The same token with another suffix, or none, is no token.
  for (const other of [
    token.slice(0, -7),
    token.replace(/\w+$/, sibling.id),
    token.replace(/\w+$/, 'nobody'),
  ])
    for (const where of ['', path, sibling.path])
      assert.equal(
        (await ask('GET', 'auth/token/lookup-self', { token: other, in: where })).status,
        403,
        where,
      );
  // Nor are tokens chosen below the root namespace.
  const chosen = await ask('POST', 'auth/token/create', { in: path, body: { id: 'chosen' } });
  assert.match(chosen.body.errors[0], /only be manually specified in the root namespace/);
});

test('elsewhere no use of a limited token is taken', async () => {
  const { path } = await make();
  const { token } = await tokenOf(path, ['all'], { num_uses: 2 });
  for (let n = 0; n < 3; n++)
    assert.equal((await ask('GET', 'auth/token/lookup-self', { token })).status, 403);
  const { body } = await ask('GET', 'auth/token/lookup-self', { token, in: path });
  assert.equal(body.data.num_uses, 1);
});

test('policies of those above name the path into it', async () => {
  const { path } = await make();
  await ask('PUT', 'kv/a', { in: path, body: { v: 1 } });
  const policy = `path "${path}kv/*" { capabilities = ["read"] } path "${path}sys/capabilities-self" { capabilities = ["update"] }`;
  await ask('PUT', 'sys/policies/acl/into', { body: { policy } });
  // The same name says something else in there.
  await ask('PUT', 'sys/policies/acl/into', { in: path, body: { policy: ALL } });
  const { token } = await tokenOf('', ['into']);
  assert.equal((await ask('GET', `${path}kv/a`, { token })).status, 200);
  assert.equal((await ask('GET', 'kv/a', { token, in: path })).status, 200);
  assert.equal((await ask('PUT', 'kv/a', { token, in: path, body: { v: 2 } })).status, 403);
  assert.equal((await ask('GET', 'kv/a', { token })).status, 403);
  assert.equal((await ask('GET', 'sys/mounts', { token, in: path })).status, 403);
  const asked = await ask('POST', 'sys/capabilities-self', {
    token,
    in: path,
    body: { paths: ['kv/a', 'sys/mounts'] },
  });
  assert.deepEqual(asked.body.data, { 'kv/a': ['read'], 'sys/mounts': ['deny'] });
  const mounts = await ask('GET', 'sys/internal/ui/mounts', { token, in: path });
  assert.deepEqual(Object.keys(mounts.body.data.secret), ['kv/', 'sys/']);
  const led = await ask('GET', `sys/internal/ui/mounts/${path}kv/a`, { token });
  assert.equal(led.body.data.path, `${path}kv/`);
  assert.deepEqual((await ask('GET', 'sys/internal/ui/namespaces', { token })).body.data.keys, [path]);
});

test('no name of a policy leads into another namespace (GHSA-mjch)', async () => {
  const { path, id } = await make();
  const sibling = await make();
  for (const name of [`${id}\0all`, `${path}all`, `../${path}all`, `${id}/all`, `${id}.all`]) {
    for (const where of ['', sibling.path]) {
      const { token } = await tokenOf(where, [name]);
      const { status } = await ask('GET', 'sys/mounts', { token, in: where });
      assert.equal(status, 403, JSON.stringify([name, where]));
    }
  }
});

test('a token of above makes tokens there with the policies it names', async () => {
  const { path } = await make();
  await ask('PUT', 'sys/policies/acl/maker', {
    body: { policy: `path "${path}auth/token/create" { capabilities = ["update", "sudo"] }` },
  });
  const maker = await tokenOf('', ['maker']);
  const give = (policies?: string[]) =>
    ask('POST', 'auth/token/create', { token: maker.token, in: path, body: { policies } });
  // Its own policies are not those of there: they are not given.
  assert.deepEqual((await give()).body.auth.policies, ['default']);
  const { auth } = (await give(['all'])).body;
  assert.deepEqual(auth.policies, ['all', 'default']);
  assert.equal((await give(['root'])).status, 400);
  assert.equal(
    (await ask('PUT', 'kv/b', { token: auth.client_token, in: path, body: { v: 1 } })).status,
    204,
  );
  // It is a child: it goes with its parent.
  await ask('POST', 'auth/token/revoke', { body: { token: maker.token } });
  assert.equal((await ask('GET', 'kv/b', { token: auth.client_token, in: path })).status, 403);
});

test('who may do all in a namespace may do so there and below', async () => {
  const { path } = await make();
  const { token } = await tokenOf(path, ['all']);
  const nested = await ask('POST', 'sys/namespaces/below', { token, in: path });
  assert.equal(nested.status, 200);
  assert.equal((await ask('GET', 'sys/mounts', { token, in: `${path}below` })).status, 200);
  assert.equal((await ask('GET', 'sys/mounts', { token })).status, 403);
  assert.equal((await ask('POST', 'sys/namespaces/aside', { token })).status, 403);
});

test('what is the cluster’s own is not served in it', async () => {
  const { path } = await make();
  for (const open of ['health', 'init', 'unseal']) {
    const { status, body } = await ask('GET', `sys/${open}`, { in: path });
    assert.deepEqual([status, body.errors], [400, ['operation unavailable in namespaces']], open);
  }
  for (const closed of ['audit', 'host-info', 'key-status', 'in-flight-req']) {
    const { status, body } = await ask('GET', `sys/${closed}`, { in: path });
    assert.deepEqual([status, body.errors], [400, ['operation only available in root namespace']], closed);
    assert.equal((await ask('GET', `sys/${closed}`, { in: path, token: 'nobody' })).status, 403, closed);
  }
  assert.equal((await ask('POST', 'sys/seal', { in: path })).status, 400);
  assert.equal((await ask('GET', 'sys/seal-status', { in: path })).body.sealed, false);
  assert.equal((await ask('GET', 'sys/leader', { in: path })).status, 200);
});

test('locked, nothing is answered in it and below it, until it is unlocked', async () => {
  const outer = await make();
  const nested = await make(outer.path);
  const { body } = await ask('POST', `sys/namespaces/api-lock/lock/${outer.path.slice(0, -1)}`);
  const unlock_key = body.data.unlock_key as string;
  assert.match(unlock_key, /^[0-9A-Za-z]{24}$/);
  const locked = `API access to this namespace has been locked by an administrator - "${outer.path}" must be unlocked to gain access.`;
  for (const where of [outer, nested]) {
    for (const token of [inner.root, where.token, 'nobody']) {
      const { status, body } = await ask('GET', 'kv/a', { in: where.path, token });
      assert.deepEqual([status, body.errors], [503, [locked]]);
    }
  }
  assert.equal((await ask('GET', `${outer.path}sys/seal-status`)).status, 503);
  assert.equal((await ask('GET', `sys/namespaces/${outer.path}`)).body.data.locked, true);
  assert.equal((await ask('POST', `sys/namespaces/api-lock/lock/${outer.path}`.slice(0, -1))).status, 400);
  const unlock = (asking: Asking) =>
    ask('POST', 'sys/namespaces/api-lock/unlock', { in: outer.path, ...asking });
  for (const body of [{}, { unlock_key: 'x' }]) {
    const refused = await unlock({ token: outer.token, body });
    assert.deepEqual([refused.status, refused.body.errors], [400, ['incorrect unlock key']]);
  }
  assert.equal((await unlock({ token: nested.token, body: { unlock_key } })).status, 403);
  assert.equal((await unlock({ token: outer.token, body: { unlock_key } })).status, 204);
  assert.equal((await ask('GET', 'kv/a', { in: nested.path })).status, 404);
  assert.equal((await unlock({ body: { unlock_key } })).status, 400);
  // A root token needs no key, nor does one of above.
  await ask('POST', 'sys/namespaces/api-lock/lock', { in: outer.path });
  assert.equal((await unlock({ token: inner.root })).status, 204);
  const root = await ask('POST', 'sys/namespaces/api-lock/lock');
  assert.deepEqual(root.body.errors, ['root namespace cannot be locked/unlocked']);
});

test('deleted, nothing of it is left', async () => {
  const outer = await make();
  const nested = await make(outer.path);
  const { path, id, token, accessor } = nested;
  const name = path.slice(outer.path.length, -1);
  await ask('PUT', 'kv/a', { in: path, body: { v: 1 } });
  await ask('PUT', 'cubbyhole/a', { in: path, token, body: { v: 1 } });
  const rules = { policy: 'length = 20 rule "charset" { charset = "abcde" }' };
  assert.equal((await ask('PUT', 'sys/policies/password/a', { in: path, body: rules })).status, 204);
  assert.equal((await ask('GET', 'sys/policies/password/a', { in: outer.path })).status, 404);
  const child = await ask('POST', 'auth/token/create', { in: path, token });
  const above = await ask('DELETE', `sys/namespaces/${outer.path.slice(0, -1)}`);
  assert.deepEqual(above.body.errors, ['unable to delete namespace containing child namespaces']);
  assert((await stored(`data/${id}/`)).length >= 4);
  const { catalog } = inner.coffer;
  const left = () =>
    (['mounts', 'policies', 'settings'] as const).filter((name) =>
      [...catalog.entries(name).keys()].some((key) => key.includes(id)),
    );
  assert.equal(left().length, 3);

  assert.equal((await ask('DELETE', `sys/namespaces/${name}`, { in: outer.path })).status, 204);
  assert.equal((await ask('GET', 'kv/a', { in: path })).status, 404);
  await until('its data is swept', async () => (await stored(`data/${id}/`)).length === 0);
  // The policies go last of all.
  await until('its entries are gone', () => left().length === 0);

  // The same path again is another namespace: old tokens and data are none of its.
  const anew = await ask('POST', `sys/namespaces/${name}`, { in: outer.path });
  assert.notEqual(anew.body.data.id, id);
  for (const old of [token, child.body.auth.client_token])
    assert.equal((await ask('GET', 'auth/token/lookup-self', { in: path, token: old })).status, 403);
  assert.equal(
    (await ask('POST', 'auth/token/lookup-accessor', { in: path, body: { accessor } })).status,
    400,
  );
  assert.equal((await ask('GET', 'sys/policies/acl/all', { in: path })).status, 404);
});

test('its sweep is broken off and goes on after the next unseal', async () => {
  const { path, id, token } = await make();
  for (let n = 0; n < 20; n++) await ask('PUT', `kv/${n}`, { in: path, body: { n } });
  let isBroken = true;
  inner.beforeList = (prefix) => {
    if (isBroken && prefix.startsWith(`data/${id}/`)) throw new Error('the store is away');
  };
  await ask('DELETE', `sys/namespaces/${path}`);
  assert((await stored(`data/${id}/`)).length > 20);
  await inner.coffer.lifecycle.seal();
  isBroken = false;
  await inner.coffer.lifecycle.unseal(inner.key);
  assert.equal((await ask('GET', 'kv/1', { in: path })).status, 404);
  await until('its data is swept', async () => (await stored(`data/${id}/`)).length === 0);
  const { catalog } = inner.coffer;
  await until('its entry is gone', () => !catalog.entries('mounts').has(`gone-namespace/${id}`));
  assert.equal((await ask('GET', 'auth/token/lookup-self', { token })).status, 403);
});

async function stored(prefix: string): Promise<string[]> {
  return inner.storage.list(prefix, '', 1_000);
}

test('a cubbyhole in a namespace below goes with its token', async () => {
  const { path, id } = await make();
  const { token } = await tokenOf('', ['root']);
  await ask('PUT', 'cubbyhole/deep/er', { token, in: path, body: { v: 1 } });
  await ask('PUT', 'cubbyhole/b', { token, in: path, body: { v: 1 } });
  assert.equal((await ask('GET', 'cubbyhole/b', { token, in: path })).status, 200);
  assert.equal((await ask('GET', 'cubbyhole/b', { token })).status, 404);
  const resting = async () =>
    (await stored(`data/${id}/`)).filter((one) => one.includes('/cubbyhole/')).length;
  assert.equal(await resting(), 2);
  await ask('POST', 'auth/token/revoke-self', { token });
  await until('its cubbyhole is wiped', async () => (await resting()) === 0);
  assert.deepEqual(await stored('by/cubbyhole-away/'), []);
});

test('the audit log says in which namespace it was, and whose policies granted it', async () => {
  const file = join(testFolder('namespaces'), 'audit.log');
  const options = { file_path: file };
  assert.equal((await ask('POST', 'sys/audit/file', { body: { type: 'file', options } })).status, 204);
  const outer = await make();
  const nested = await make(outer.path);
  await ask('PUT', 'kv/a', { in: nested.path, body: { v: 1 } });
  await ask('PUT', `${nested.path}kv/b`, { body: { v: 1 } });
  await ask('PUT', 'kv/c', { in: nested.path, token: outer.token, body: { v: 1 } });
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  const entries = lines.map((line) => JSON.parse(line)).filter(({ type }) => type === 'request');
  const of = (path: string) => {
    const { request, auth } = entries.find((entry) => entry.request.path === path)!;
    assert.deepEqual(request.namespace, { id: nested.id, path: nested.path });
    assert.equal(request.mount_point, 'kv/');
    return auth.policy_results.granting_policies;
  };
  assert.deepEqual(of('kv/a'), [{ name: 'root', namespace_id: 'root', type: 'acl' }]);
  assert.deepEqual(of('kv/b'), of('kv/a'));
  assert.deepEqual(of('kv/c'), [
    { name: 'all', namespace_id: outer.id, namespace_path: outer.path, type: 'acl' },
  ]);
  await ask('DELETE', 'sys/audit/file');
});

test('a token of a role renews itself in a namespace below its own', async () => {
  const outer = await make();
  const nested = await make(outer.path);
  await ask('POST', 'auth/token/roles/r', {
    in: outer.path,
    body: { allowed_policies: 'all', token_period: '9m' },
  });
  const { auth } = (await ask('POST', 'auth/token/create/r', { in: outer.path })).body;
  const renewed = await ask('POST', 'auth/token/renew-self', { in: nested.path, token: auth.client_token });
  assert.equal(renewed.body.auth?.lease_duration, 540, renewed.text);
});

test('who is locked out in it is shown in it and above', async () => {
  const { path, id } = await make();
  const sibling = await make();
  await ask('POST', 'sys/auth/userpass', { in: path, body: { type: 'userpass' } });
  for (let n = 0; n < 5; n++)
    await ask('POST', 'auth/userpass/login/bob', { in: path, body: { password: 'x' } });
  for (const where of ['', path]) {
    const { total, by_namespace } = (await ask('GET', 'sys/locked-users', { in: where })).body.data;
    assert.equal(total, 1);
    const there = by_namespace.find((one: { counts: number }) => one.counts === 1);
    assert.deepEqual([there.namespace_id, there.namespace_path], [id, path]);
    assert.deepEqual(there.mount_accessors[0].alias_identifiers, ['bob']);
  }
  assert.equal((await ask('GET', 'sys/locked-users', { in: sibling.path })).body.data.total, 0);
  const { accessor } = (await ask('GET', 'sys/auth', { in: path })).body.data['userpass/'];
  const unlock = (where: string) => ask('POST', `sys/locked-users/${accessor}/unlock/bob`, { in: where });
  await unlock(sibling.path);
  await unlock('');
  assert.equal((await ask('GET', 'sys/locked-users', { in: path })).body.data.total, 1);
  await unlock(path);
  assert.equal((await ask('GET', 'sys/locked-users', { in: path })).body.data.total, 0);
});

test('what is wrapped in it is opened in it', async () => {
  const { path, token } = await make();
  const sibling = await make();
  const wrap = async () => {
    const reply = await ask('POST', 'sys/wrapping/wrap', {
      token,
      in: path,
      body: { n: 1 },
      headers: { 'x-vault-wrap-ttl': '5m' },
    });
    return reply.body.wrap_info.token as string;
  };
  const wrapping = await wrap();
  for (const [where, asking] of [
    ['', inner.root],
    [sibling.path, sibling.token],
  ] as const) {
    for (const step of ['lookup', 'unwrap', 'rewrap']) {
      const { status, body } = await ask('POST', `sys/wrapping/${step}`, {
        in: where,
        token: asking,
        body: { token: wrapping },
      });
      assert.deepEqual(
        [status, body.errors],
        [400, ['wrapping token is not valid or does not exist']],
        `${where} ${step}`,
      );
    }
  }
  assert.equal(
    (await ask('POST', 'sys/wrapping/lookup', { in: path, body: { token: wrapping } })).status,
    200,
  );
  const opened = await ask('PUT', 'sys/wrapping/unwrap', { in: path, token: wrapping });
  assert.deepEqual(opened.body.data, { n: 1 });
  const own = await ask('POST', 'sys/wrapping/unwrap', { in: path, token, body: { token: await wrap() } });
  assert.deepEqual(own.body.data, { n: 1 });
});
