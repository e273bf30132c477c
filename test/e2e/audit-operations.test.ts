/**
 * What the audit log says a POST was, through the front door: `create` or `update` is found out before the policies are asked (contract §1.1, §17).
 *
 * @module
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Ask, asking, makeToken, succeed } from '../support/asking.ts';
import { logLines } from '../support/audit-chain.ts';
import { type RunningServer, startDev } from '../support/server.ts';
import { testFolder } from '../support/test-folder.ts';

let server: RunningServer;
let root: Ask;
const folder = testFolder('audit-operations');
const log = join(folder, 'audit.log');
before(async () => {
  server = await startDev();
  root = asking(server.address);
  await succeed(root, 'PUT', 'sys/audit/file', { type: 'file', options: { file_path: log } });
  await succeed(root, 'POST', 'sys/mounts/kv1', { type: 'kv' });
  await succeed(root, 'POST', 'sys/auth/userpass', { type: 'userpass' });
  await succeed(root, 'POST', 'sys/auth/approle', { type: 'approle' });
});
after(() => server?.stop());

/** Of what is asked meanwhile at `path`: operation, whether it was allowed and by whom, and the error, of each line. */
async function told(path: string, ask: () => Promise<unknown>) {
  const before = logLines(log).length;
  await ask();
  return logLines(log)
    .slice(before)
    .map((line) => JSON.parse(line))
    .filter(({ request }) => request?.path === path)
    .map(({ type, auth, request, error }) => [
      type,
      request.operation,
      auth.policy_results?.allowed,
      (auth.policy_results?.granting_policies ?? []).map(({ name }: { name: string }) => name).join(),
      error?.includes('permission denied') ? 'denied' : error,
    ]);
}

async function tokenOf(...policies: string[]): Promise<Ask> {
  return asking(server.address, (await makeToken(root, { policies, no_default_policy: true })).token);
}

const WRITES: [string, object][] = [
  ['secret/data/a', { data: { a: '1' } }],
  ['secret/metadata/b', { max_versions: 3 }],
  ['kv1/a', { a: '1' }],
  ['cubbyhole/a', { a: '1' }],
  ['auth/userpass/users/ann', { password: 'pw' }],
  ['auth/approle/role/app', { bind_secret_id: true }],
  ['auth/token/roles/app', { period: '1h' }],
];
for (const [path, body] of WRITES) {
  test(`${path}: create, then update, also where root asks`, async () => {
    for (const operation of ['create', 'update', 'update']) {
      const lines = await told(path, () => succeed(root, 'POST', path, body));
      const line = (type: string) => [type, operation, true, 'root', undefined];
      assert.deepEqual(lines, [line('request'), line('response')]);
    }
  });
}

test('after a delete it is create again', async () => {
  await succeed(root, 'POST', 'kv1/gone', { a: '1' });
  await succeed(root, 'DELETE', 'kv1/gone');
  const lines = await told('kv1/gone', () => succeed(root, 'POST', 'kv1/gone', { a: '2' }));
  assert.deepEqual(
    lines.map(([, operation]) => operation),
    ['create', 'create'],
  );
});

test('what nothing tells apart is update', async () => {
  for (const [path, body] of [
    ['secret/config', { max_versions: 0 }],
    ['sys/policies/acl/new', { policy: 'path "a" { capabilities = ["read"] }' }],
  ] as const) {
    const lines = await told(path, () => succeed(root, 'POST', path, body));
    assert.deepEqual(
      lines.map(([, operation]) => operation),
      ['update', 'update'],
    );
  }
});

test('who may create but not update, and the other way round', async () => {
  const rule = (capability: string) => ({
    policy: `path "kv1/*" { capabilities = ["${capability}"] }\npath "secret/data/*" { capabilities = ["${capability}"] }`,
  });
  await succeed(root, 'PUT', 'sys/policies/acl/creates', rule('create'));
  await succeed(root, 'PUT', 'sys/policies/acl/updates', rule('update'));
  const creates = await tokenOf('creates');
  const updates = await tokenOf('updates');
  const both = await tokenOf('creates', 'updates');
  for (const [name, body] of [
    ['kv1/held', { a: '1' }],
    ['secret/data/held', { data: { a: '1' } }],
  ] as const) {
    const ask = (who: Ask) => told(name, () => who('POST', name, body));
    const twoLines = (...rest: unknown[]) => ['request', 'response'].map((type) => [type, ...rest]);
    assert.deepEqual(await ask(updates), twoLines('create', false, '', 'denied'));
    assert.deepEqual(await ask(creates), twoLines('create', true, 'creates', undefined));
    assert.deepEqual(await ask(creates), twoLines('update', false, '', 'denied'));
    assert.deepEqual(await ask(updates), twoLines('update', true, 'updates', undefined));
    assert.deepEqual(await ask(both), twoLines('update', true, 'updates', undefined));
    await succeed(root, 'DELETE', name.replace('/data/', '/metadata/'));
    assert.deepEqual(await ask(both), twoLines('create', true, 'creates', undefined));
  }
});

test('for whom the policies allow neither nobody looks what is there', async () => {
  const nobody = await tokenOf('nothing');
  for (const caller of [nobody, asking(server.address, 'hvs.nobody')]) {
    const lines = await told('kv1/unknown', () => caller('POST', 'kv1/unknown', { a: '1' }));
    assert.deepEqual(
      lines.map(([, operation, , , error]) => [operation, error]),
      [
        ['update', 'denied'],
        ['update', 'denied'],
      ],
    );
  }
});

test('names that lead nowhere, and tokens without a cubbyhole, are refused as without a device', async () => {
  assert.equal((await root('POST', 'kv1/', { a: '1' })).status, 400);
  assert.equal((await root('POST', 'kv1/folder/', { a: '1' })).status, 400);
  const made = await succeed(root, 'POST', 'auth/token/create', { type: 'batch', policies: ['default'] });
  const batch = asking(server.address, made.body.auth.client_token);
  assert.equal((await batch('POST', 'cubbyhole/a', { a: '1' })).status, 400);
});
