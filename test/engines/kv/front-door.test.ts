/** KV and cubbyhole through a running server: what engines leave to the front door and to policies. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { call } from '../../support/http.ts';
import { type RunningServer, startDev } from '../../support/server.ts';

let server: RunningServer;
before(async () => {
  server = await startDev();
});
after(() => server.stop());

function ask(method: string, path: string, body?: unknown, token = 'root') {
  const headers: Record<string, string> =
    method === 'PATCH' ? { 'content-type': 'application/merge-patch+json' } : {};
  return call(server.address, method, `/v1/${path}`, { token, body, headers });
}

async function tokenWith(policy: string): Promise<string> {
  await ask('POST', 'sys/policies/acl/p', { policy });
  const { body } = await ask('POST', 'auth/token/create', { policies: ['p'] });
  return body.auth.client_token;
}

test('write, read, patch, list by both verbs, delete', async () => {
  assert.equal((await ask('PUT', 'secret/data/a/b', { data: { x: 1 } })).status, 200);
  assert.equal((await ask('PATCH', 'secret/data/a/b', { data: { y: 2 } })).body.data.version, 2);
  const { body } = await ask('GET', 'secret/data/a/b');
  assert.deepEqual(body.data.data, { x: 1, y: 2 });
  assert.equal(body.mount_type, 'kv');
  assert.deepEqual((await ask('LIST', 'secret/metadata/a')).body.data.keys, ['b']);
  assert.deepEqual((await ask('GET', 'secret/metadata?list=true')).body.data.keys, ['a/']);
  assert.equal((await ask('DELETE', 'secret/data/a/b')).status, 204);
  const gone = await ask('GET', 'secret/data/a/b');
  assert.equal(gone.status, 404);
  assert.equal(gone.body.data.metadata.version, 2);
  assert.equal((await ask('DELETE', 'secret/metadata/a/b')).status, 204);
  assert.equal((await ask('LIST', 'secret/metadata')).status, 404);
});

test('a mount goes from v1 to v2 while it serves', async () => {
  await ask('POST', 'sys/mounts/up', { type: 'kv', options: { version: '1' } });
  await ask('POST', 'up/x', '{"n":1.0}');
  assert((await ask('GET', 'up/x')).text.includes('"data":{"n":1.0}'));
  assert.equal((await ask('POST', 'sys/mounts/up/tune', { options: { version: '2' } })).status, 200);
  assert((await ask('GET', 'up/data/x')).text.includes('"data":{"data":{"n":1},"metadata"'));
  assert.equal((await ask('GET', 'up/x')).status, 404);
  assert.equal((await ask('POST', 'up/data/x', { data: {}, options: { cas: 1 } })).body.data.version, 2);
});

test('policies: create is not update, and a slash at the end opens nothing', async () => {
  const token = await tokenWith(`
    path "secret/data/*" { capabilities = ["create", "read"] }
    path "secret/*" { capabilities = ["read"] }
    path "secret/config" { capabilities = ["deny"] }
  `);
  assert.equal((await ask('POST', 'secret/data/once', { data: {} }, token)).status, 200);
  assert.equal((await ask('POST', 'secret/data/once', { data: {} }, token)).status, 403);
  assert.equal((await ask('PATCH', 'secret/data/once', { data: {} }, token)).status, 403);
  assert.equal((await ask('GET', 'secret/config', undefined, token)).status, 403);
  const slashed = await ask('GET', 'secret/config/', undefined, token);
  assert.equal(slashed.status, 404);
  assert.equal(slashed.body.data, null);
});

test('each token has its own cubbyhole', async () => {
  const mine = await tokenWith('');
  const other = await tokenWith('');
  assert.equal((await ask('POST', 'cubbyhole/x', { a: 1 }, mine)).status, 204);
  assert.deepEqual((await ask('GET', 'cubbyhole/x', undefined, mine)).body.data, { a: 1 });
  assert.equal((await ask('GET', 'cubbyhole/x', undefined, other)).status, 404);
  assert.equal((await ask('LIST', 'cubbyhole', undefined, other)).status, 404);
  assert.equal((await ask('GET', 'cubbyhole/x')).status, 404);
});

test('many writers of one secret: every version is somebody\u2019s', async () => {
  const writes = Array.from({ length: 50 }, (_, i) => ask('POST', 'secret/data/hot', { data: { i } }));
  const versions = (await Promise.all(writes)).map(({ body }) => body.data.version);
  assert.deepEqual(
    versions.sort((a, b) => a - b),
    Array.from({ length: 50 }, (_, i) => i + 1),
  );
  const raced = await Promise.all(
    Array.from({ length: 20 }, (_, i) =>
      ask('POST', 'secret/data/cas', { data: { i }, options: { cas: 0 } }),
    ),
  );
  assert.equal(raced.filter(({ status }) => status === 200).length, 1);
});
