/**
 * Remount at the front door (contract §2.4): within a namespace and between two, with what rests in the mount, and what is refused.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type CallReply, call } from '../support/http.ts';
import { type InnerCoffer, startInnerCoffer } from '../support/inner-coffer.ts';
import { until } from '../support/until.ts';

const RESERVED = "cannot remount to the destination in 'to': it is reserved";

const UNREACHABLE =
  "no request could reach the path in 'to': it has an empty segment, `.`, `..` or a character that is not printable";

let inner: InnerCoffer;
before(async () => {
  inner = await startInnerCoffer();
});
after(() => inner.coffer.stop());

const ask = (method: string, path: string, body?: unknown, token = inner.root): Promise<CallReply> =>
  call(inner.address, method, `/v1/${path}`, { token, body });
const remount = (from: string, to: string, where = '') => ask('POST', `${where}sys/remount`, { from, to });

async function done(reply: Promise<CallReply>, where = ''): Promise<{ source: string; target: string }> {
  const { status, body, text } = await reply;
  assert.equal(status, 200, text);
  assert.equal(body.migration_id, body.data.migration_id);
  const { data } = (await ask('GET', `${where}sys/remount/status/${body.migration_id}`)).body;
  assert.equal(data.migration_id, body.migration_id);
  assert.equal(data.migration_info.status, 'success');
  return { source: data.migration_info.source_mount, target: data.migration_info.target_mount };
}

async function refused(reply: Promise<CallReply>, error: string): Promise<void> {
  const { status, body } = await reply;
  assert.deepEqual([status, body.errors], [400, [error]]);
}

async function mountKv(path: string, where = ''): Promise<void> {
  const { status, text } = await ask('POST', `${where}sys/mounts/${path}`, {
    type: 'kv',
    options: { version: '2' },
    description: 'moved',
  });
  assert.equal(status, 204, text);
}

test('a secrets engine moves with its versions, settings and accessor; the old path is free', async () => {
  await mountKv('team/old');
  for (const n of [1, 2]) await ask('POST', 'team/old/data/a/b', { data: { n } });
  await ask('POST', 'team/old/config', { cas_required: true });
  const { accessor, uuid } = (await ask('GET', 'sys/mounts/team/old')).body.data;
  const moved = await done(remount('/team/old', 'new/place/'));
  assert.deepEqual(moved, { source: 'team/old/', target: 'new/place/' });

  const info = (await ask('GET', 'sys/mounts/new/place')).body.data;
  assert.deepEqual([info.accessor, info.uuid, info.description], [accessor, uuid, 'moved']);
  assert.deepEqual((await ask('GET', 'new/place/data/a/b?version=1')).body.data.data, { n: 1 });
  assert.deepEqual((await ask('LIST', 'new/place/metadata/a')).body.data.keys, ['b']);
  assert.equal(
    (await ask('POST', 'new/place/data/c', { data: {} })).status,
    400,
    'cas is required there too',
  );
  assert.equal((await ask('GET', 'team/old/data/a/b')).status, 404);
  await mountKv('team/old');
  assert.equal((await ask('GET', 'team/old/data/a/b')).status, 404, 'what comes back under the path is new');
  await ask('DELETE', 'sys/mounts/team/old');
  assert.deepEqual((await ask('GET', 'new/place/data/a/b')).body.data.data, { n: 2 });
});

test('policies go by the new path at once', async () => {
  await mountKv('p1');
  await ask('POST', 'p1/data/x', { data: { n: 1 } });
  await ask('PUT', 'sys/policies/acl/p1', { policy: 'path "p1/*" { capabilities = ["read"] }' });
  const made = await ask('POST', 'auth/token/create', { policies: ['p1'] });
  const token = made.body.auth.client_token;
  assert.equal((await ask('GET', 'p1/data/x', undefined, token)).status, 200);
  await done(remount('p1', 'p2'));
  assert.equal((await ask('GET', 'p2/data/x', undefined, token)).status, 403);
  assert.equal((await ask('GET', 'p1/data/x', undefined, token)).status, 404);
});

test('an auth method moves with its users; what its logins issued ends, and new logins work', async () => {
  await ask('POST', 'sys/auth/people', { type: 'userpass' });
  await ask('POST', 'auth/people/users/ada', { password: 'lovelace' });
  const login = async (path: string) =>
    (await ask('POST', `auth/${path}/login/ada`, { password: 'lovelace' }, '')).body.auth?.client_token;
  const before = await login('people');
  assert.equal((await ask('GET', 'auth/token/lookup-self', undefined, before)).status, 200);
  assert.deepEqual(await done(remount('auth/people', 'auth/staff')), {
    source: 'auth/people/',
    target: 'auth/staff/',
  });
  assert.equal((await ask('GET', 'auth/token/lookup-self', undefined, before)).status, 403);
  assert.equal(await login('people'), undefined);
  const now = await login('staff');
  assert.equal((await ask('GET', 'auth/token/lookup-self', undefined, now)).status, 200);
  assert.equal((await ask('POST', 'auth/token/renew-self', {}, now)).status, 200);
  await done(remount('auth/staff', 'auth/people'));
  assert.equal(
    (await ask('GET', 'auth/token/lookup-self', undefined, before)).status,
    403,
    'and stays ended',
  );
  assert.equal((await ask('GET', 'auth/token/lookup-self', undefined, now)).status, 403);
});

test('between namespaces: reached in one only, and gone with the one it is in', async () => {
  for (const path of ['east', 'west']) await ask('POST', `sys/namespaces/${path}`);
  await mountKv('kv', 'east/');
  await ask('POST', 'east/kv/data/x', { data: { n: 1 } });
  const moved = await done(remount('east/kv', 'west/deep/kv'));
  assert.deepEqual(moved, { source: 'east/kv/', target: 'west/deep/kv/' });
  assert.equal((await ask('GET', 'east/kv/data/x')).status, 404);
  assert.deepEqual((await ask('GET', 'west/deep/kv/data/x')).body.data.data, { n: 1 });
  assert(!Object.keys((await ask('GET', 'east/sys/mounts')).body.data).includes('kv/'));
  assert(Object.keys((await ask('GET', 'west/sys/mounts')).body.data).includes('deep/kv/'));

  // The namespace it came from goes: it is not its business any more.
  assert.equal((await ask('DELETE', 'sys/namespaces/east')).status, 204);
  await until('the sweep', async () => (await ask('GET', 'sys/namespaces/east')).status === 404);
  await ask('POST', 'sys/namespaces/east');
  assert.deepEqual((await ask('GET', 'west/deep/kv/data/x')).body.data.data, { n: 1 });

  const inside = await ask('POST', 'west/sys/remount', { from: 'deep/kv', to: 'kv' });
  const id = inside.body.migration_id;
  assert.equal((await ask('GET', `west/sys/remount/status/${id}`)).status, 200);
  assert.equal((await ask('GET', `east/sys/remount/status/${id}`)).status, 404, 'is told to nobody else');
  await done(remount('west/kv', 'home'));
  assert.equal((await ask('DELETE', 'sys/namespaces/west')).status, 204);
  assert.deepEqual((await ask('GET', 'home/data/x')).body.data.data, { n: 1 });
  await done(remount('home', 'east/home'));
  await ask('DELETE', 'sys/namespaces/east');
  await until('the mount to be gone', async () => (await ask('GET', 'east/home/data/x')).status === 404);
});

test('what cannot be moved, or not there, is refused and stays where it is', async () => {
  await mountKv('stays');
  await ask('POST', 'stays/data/x', { data: { n: 1 } });
  await ask('POST', 'sys/auth/up', { type: 'userpass' });
  await ask('POST', 'sys/namespaces/here');
  const cases: [from: string, to: string, error: string][] = [
    ['nothere', 'kv3', "no matching mount at 'from'"],
    ['', 'x', "both 'from' and 'to' path must be specified as a string"],
    ['stays', '', "both 'from' and 'to' path must be specified as a string"],
    ['stays ', 'a', "'from' path cannot contain trailing whitespace"],
    [' stays', 'a', "'from' path cannot contain trailing whitespace"],
    ['stays', 'a b ', "'to' path cannot contain trailing whitespace"],
    ['stays', 'stays', 'path already in use at "stays/"'],
    ['stays', 'stays/below', 'path already in use at "stays/"'],
    ['stays', 'here', RESERVED],
    ['stays', 'a//b', UNREACHABLE],
    ['stays', 'a/../b', UNREACHABLE],
    ['stays', './b', UNREACHABLE],
    ['stays', 'a\u0000b', UNREACHABLE],
    ['stays', 'a\u200bb', UNREACHABLE],
    ['stays', 'a\u00a0b', UNREACHABLE],
    ['stays', 'a\u2028b', UNREACHABLE],
    ['auth/up', 'auth/a//b', UNREACHABLE],
    ['sys', 'x', 'cannot remount "sys/"'],
    ['cubbyhole', 'x', 'cannot remount "cubbyhole/"'],
    ['stays', 'sys/x', RESERVED],
    ['stays', 'auth/x', RESERVED],
    ['auth/token', 'auth/x', 'cannot remount "auth/token/"'],
    ['auth/up', 'kv9', 'cannot remount auth mount to non-auth mount'],
    ['auth/up', 'auth/token', 'path already in use at "auth/token/"'],
    ['auth/up', 'here/auth/token', 'path already in use at "here/auth/token/"'],
  ];
  for (const [from, to, error] of cases) await refused(remount(from, to), error);
  assert.equal((await remount('stays', `${'n/'.repeat(600)}`)).status, 400);
  assert.equal((await remount('stays', 'elsewhere', 'here/')).status, 400, 'a namespace sees what is in it');
  assert.equal((await ask('GET', 'sys/remount/status/8c6bd8e2-0000-4000-8000-000000000000')).status, 404);
  assert.deepEqual((await ask('GET', 'stays/data/x')).body.data.data, { n: 1 });

  await ask('PUT', 'sys/policies/acl/weak', { policy: 'path "sys/remount" { capabilities = ["update"] }' });
  const made = await ask('POST', 'auth/token/create', { policies: ['weak'] });
  const weak = made.body.auth.client_token;
  const reply = await ask('POST', 'sys/remount', { from: 'stays', to: 'taken' }, weak);
  assert.equal(reply.status, 403, 'it takes sudo');
});

test('two moves of one mount at a time: one wins, or both in turn; the data are where the table says', async () => {
  await mountKv('race/start');
  await ask('POST', 'race/start/data/x', { data: { n: 1 } });
  const replies = await Promise.all(['race/a', 'race/b'].map((to) => remount('race/start', to)));
  assert(replies.some(({ status }) => status === 200));
  const mounts = Object.keys((await ask('GET', 'sys/mounts')).body.data).filter((path) =>
    path.startsWith('race/'),
  );
  assert.equal(mounts.length, 1);
  assert.deepEqual((await ask('GET', `${mounts[0]}data/x`)).body.data.data, { n: 1 });
});
