/**
 * What went wrong in others, tried at our front door: who asks, and what operators may make of the server. The table is in
 * `docs/security-lessons.md`.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Ask, asking, makeToken, succeed, tokenWith } from '../support/asking.ts';
import { call } from '../support/http.ts';
import { type RunningServer, startDev } from '../support/server.ts';
import { testFolder } from '../support/test-folder.ts';

let server: RunningServer;
let root: Ask;
const folder = testFolder('lessons');
before(async () => {
  server = await startDev({ args: [`-dev-data=${join(folder, 'data')}`] });
  root = asking(server.address);
});
after(() => server.stop());

const allowed = async (policy: string): Promise<Ask> => asking(server.address, await tokenWith(root, policy));

const ALL = '["create", "read", "update", "patch", "delete", "list", "sudo"]';

test('GHSA-mwr2, CVE-2020-10661, GHSA-c36x: no request passes through a namespace that is not there', async () => {
  await succeed(root, 'PUT', 'secret/data/rooted', { data: { a: 'untouched' } });
  const names = [
    'ns1',
    'ns1/',
    'Root',
    'ROOT',
    'root/ns1',
    'root/../root',
    './root',
    'ns1/..',
    'root%2f',
    'secret',
    'sys',
    ' root x',
  ];
  for (const namespace of names) {
    const options = { headers: { 'x-vault-namespace': namespace } };
    for (const [method, path, body] of [
      ['GET', 'secret/data/rooted'],
      ['PUT', 'secret/data/rooted', { data: { a: 'reached' } }],
      ['DELETE', 'secret/metadata/rooted'],
      ['LIST', 'secret/metadata'],
      ['GET', 'sys/mounts'],
      ['GET', 'sys/policies/acl/default'],
      ['POST', 'auth/token/create', {}],
      ['GET', 'auth/token/lookup-self'],
      ['POST', 'sys/mounts/namespaced', { type: 'kv' }],
      ['GET', 'sys/internal/ui/mounts'],
    ] as const) {
      const reply = await root(method, path, body, options);
      assert(
        [400, 404].includes(reply.status),
        `${namespace}: ${method} ${path}: ${reply.status} ${reply.text}`,
      );
      assert(!reply.text.includes('untouched'));
    }
  }
  for (const prefix of ['ns1/', 'root/', 'Root/']) {
    assert.equal((await root('GET', `${prefix}secret/data/rooted`)).status, 404, prefix);
  }
  assert.deepEqual((await root('GET', 'secret/data/rooted')).body.data.data, { a: 'untouched' });
  assert.equal((await root('GET', 'sys/mounts/namespaced')).status, 400);
});

test('CVE-2026-40264: an accessor is no token: each thing done by it wants its own right', async () => {
  const { token, accessor } = await makeToken(root, { policies: ['default'], ttl: '1h' });
  const self = asking(server.address, (await makeToken(root, { policies: ['default'] })).token);
  for (const path of ['lookup-accessor', 'renew-accessor', 'revoke-accessor']) {
    assert.equal((await self('POST', `auth/token/${path}`, { accessor })).status, 403, path);
  }
  assert.equal((await self('POST', 'sys/capabilities-accessor', { accessor, paths: ['a'] })).status, 403);
  assert.equal((await asking(server.address, accessor)('GET', 'auth/token/lookup-self')).status, 403);
  assert.equal((await asking(server.address, token)('GET', 'auth/token/lookup-self')).status, 200);
});

test('GHSA-vv66: what a mount held is gone with it, under its old name too', async () => {
  for (let round = 0; round < 3; round++) {
    await succeed(root, 'POST', 'sys/mounts/again', { type: round === 1 ? 'kv-v1' : 'kv-v2' });
    assert.equal(
      (await root('LIST', round === 1 ? 'again' : 'again/metadata')).status,
      404,
      `round ${round}`,
    );
    assert.equal((await root('GET', round === 1 ? 'again/a' : 'again/data/a')).status, 404);
    await succeed(root, 'PUT', round === 1 ? 'again/a' : 'again/data/a', { data: { a: 'old' } });
    await succeed(root, 'DELETE', 'sys/mounts/again');
    assert.equal((await root('GET', 'again/data/a')).status, 404);
  }
});

test('CVE-2024-9180, CVE-2025-5999, CVE-2025-64761: no spelling of a reserved policy can be written or given', async () => {
  const spellings = [
    'root',
    'Root',
    'ROOT',
    'rOOt',
    'root%20',
    '%20root',
    'ROOT%09',
    'response-wrapping',
    'Response-Wrapping',
  ];
  for (const name of spellings) {
    for (const place of ['sys/policies/acl', 'sys/policy']) {
      const written = await root('PUT', `${place}/${name}`, {
        policy: 'path "*" { capabilities = ["read"] }',
      });
      assert.equal(written.status, 400, `${place}/${name}`);
      assert.equal((await root('DELETE', `${place}/${name}`)).status, 400, `${place}/${name}`);
    }
  }
  const text = `path "auth/token/*" { capabilities = ${ALL} } path "sys/policies/*" { capabilities = ${ALL} }`;
  const ask = await allowed(text);
  for (const name of ['root', 'Root', ' rOOT', 'ROOT\t', '\nroot', 'root\u00a0', '\ufeffroot']) {
    for (const policies of [[name], ['default', name]]) {
      const reply = await ask('POST', 'auth/token/create', { policies, ttl: '1h' });
      assert.equal(reply.status, 400, JSON.stringify(policies));
      assert.equal(reply.body.auth, undefined);
    }
  }
  for (const name of ['root,default', 'r\u200boot', 'ｒoot']) {
    const { token } = await makeToken(root, { policies: [name] });
    assert.equal((await asking(server.address, token)('GET', 'sys/mounts')).status, 403, name);
  }
});

test('CVE-2025-6000, O 2.4, the chain of 28 Sept 2026: an audit device writes no program and nowhere near our own data', async () => {
  const program = join(folder, 'program');
  writeFileSync(program, '#!/bin/sh\n');
  chmodSync(program, 0o755);
  const fine = join(folder, 'audit.log');
  for (const options of [
    { file_path: fine, prefix: '#!/bin/sh\n' },
    { file_path: fine, mode: '0755' },
    { file_path: fine, mode: '755' },
    { file_path: fine, mode: '04600' },
    { file_path: fine, mode: '0611' },
    { file_path: program },
    { file_path: join(folder, 'data', 'store', 'new.log') },
    { file_path: join(folder, 'data', 'store', '..', 'store', 'new.log') },
    { file_path: folder },
    { file_path: `${fine}\n` },
    { file_path: '/proc/self/comm', mode: '0' },
    { path: program },
  ]) {
    const reply = await root('PUT', 'sys/audit/lesson', { type: 'file', options });
    assert.equal(reply.status, 400, JSON.stringify(options));
  }
  for (const type of ['socket', 'http', 'exec', '']) {
    assert.equal(
      (await root('PUT', 'sys/audit/lesson', { type, options: { file_path: fine } })).status,
      400,
      type,
    );
  }
  assert.equal(readFileSync(program, 'utf8'), '#!/bin/sh\n');
  assert.equal(existsSync(join(folder, 'data', 'store', 'new.log')), false);
  // Nor to a file that is something else: neither its bytes nor who may read it change.
  const users = join(folder, 'users');
  writeFileSync(users, 'root:x:0:0:root:/root:/bin/sh\n', { mode: 0o644 });
  for (const more of [{}, { mode: '0666' }, { mode: '0000' }]) {
    const options = { file_path: users, ...more };
    const reply = await root('PUT', 'sys/audit/lesson', { type: 'file', options });
    assert.equal(reply.status, 400);
    assert.match(reply.text, /something else than an audit log/);
  }
  assert.equal(readFileSync(users, 'utf8'), 'root:x:0:0:root:/root:/bin/sh\n');
  assert.equal(statSync(users).mode & 0o777, 0o644);
  assert.deepEqual((await root('GET', 'sys/audit')).body.data, {});
});

test('CVE-2025-6000 once more: a log in a file that a shell reads runs nothing of what strangers sent', async () => {
  const [log, trace] = [join(folder, 'read-by-a-shell'), join(folder, 'was-run')];
  await succeed(root, 'PUT', 'sys/audit/shell', {
    type: 'file',
    options: { file_path: log, log_raw: 'true' },
  });
  const stranger = asking(server.address, '');
  for (const way of [`$(touch%20${trace})`, `%60touch%20${trace}%60`, `%24%7BX:-$(touch%20${trace})%7D`]) {
    await stranger('GET', `secret/data/${way}`);
    await root('GET', `secret/data/${way}`);
    await root('PUT', `secret/data/${way}`, { data: { [decodeURIComponent(way)]: decodeURIComponent(way) } });
    await root('GET', `no/such/mount/${way}`);
  }
  await succeed(root, 'DELETE', 'sys/audit/shell');
  const lines = readFileSync(log, 'utf8').trimEnd().split('\n');
  const paths = lines.map((line) => JSON.parse(line).request?.path);
  assert(paths.includes(`secret/data/$(touch ${trace})`), 'what it says is the same');
  for (const shell of ['sh', 'bash']) {
    spawnSync(shell, [log], { cwd: folder });
    assert.equal(existsSync(trace), false, shell);
  }
});

test('CVE-2025-6011, CVE-2023-3462: a token that never was, one that ended and no token at all learn the same', async () => {
  const { token } = await makeToken(root);
  await succeed(root, 'POST', 'auth/token/revoke', { token });
  const answers = new Set<string>();
  for (const sent of [
    token,
    `${token.slice(0, -1)}!`,
    'hvs.never',
    'x',
    'x'.repeat(20_000),
    '../root',
    '__proto__',
  ]) {
    for (const path of ['secret/data/rooted', 'sys/mounts', 'no/such/thing', 'auth/token/lookup-self']) {
      const reply = await asking(server.address, sent)('GET', path);
      answers.add(`${reply.status} ${reply.text}`);
    }
  }
  assert.deepEqual(
    [...answers],
    ['403 {"errors":["2 errors occurred:\\n\\t* permission denied\\n\\t* invalid token\\n\\n"]}\n'],
  );
});

test('CVE-2025-4656, CVE-2026-5807, CVE-2022-36129, CVE-2021-3282: without a token, these and nothing else', async () => {
  const nobody = (method: string, path: string, body?: unknown) =>
    call(server.address, method, `/v1/${path}`, {
      body,
      headers: method === 'PATCH' ? { 'content-type': 'application/merge-patch+json' } : {},
    });
  const { paths } = (await nobody('GET', 'sys/internal/specs/openapi')).body;
  assert.deepEqual(paths, {}, 'who may see no mount sees no path');
  const all = (await succeed(root, 'GET', 'sys/internal/specs/openapi')).body.paths;
  const open: string[] = [];
  for (const [template, item] of Object.entries(all as Record<string, object>)) {
    const path = template.slice(1).replace(/\{\w+\}/g, 'x');
    for (const method of ['get', 'list', 'post', 'patch', 'delete']) {
      // Without a body nothing happens, and what is open says so.
      const { status } = await nobody(method.toUpperCase(), path);
      if (status !== 403) open.push(`${method in item ? '' : 'no '}${method} ${path} ${status}`);
    }
  }
  // What shares alone do may be begun by anybody, and ended by who has the nonce: `seal-attempts.test.ts`, `test/seal/attempts.test.ts`.
  assert.deepEqual(open.filter((one) => !one.startsWith('no ')).sort(), [
    'delete sys/generate-root/attempt 400',
    'delete sys/rekey-recovery-key/init 400',
    'delete sys/rekey-recovery-key/verify 400',
    'delete sys/rekey/init 204',
    'delete sys/rekey/verify 400',
    'get sys/generate-root/attempt 200',
    'get sys/health 200',
    'get sys/init 200',
    'get sys/internal/specs/openapi 200',
    'get sys/internal/ui/feature-flags 200',
    'get sys/internal/ui/mounts 200',
    'get sys/leader 200',
    // On dev mode's own listener.
    'get sys/metrics 200',
    'get sys/rekey-recovery-key/init 400',
    'get sys/rekey-recovery-key/verify 400',
    'get sys/rekey/init 200',
    'get sys/rekey/verify 400',
    'get sys/replication/status 200',
    'get sys/seal-backend-status 200',
    'get sys/seal-status 200',
    'post sys/decode-token 400',
    'post sys/generate-root/attempt 200',
    'post sys/generate-root/update 400',
    'post sys/init 400',
    'post sys/rekey-recovery-key/init 400',
    'post sys/rekey-recovery-key/update 400',
    'post sys/rekey-recovery-key/verify 400',
    'post sys/rekey/init 400',
    'post sys/rekey/update 400',
    'post sys/rekey/verify 400',
    'post sys/unseal 400',
  ]);
  for (const one of open) assert(/ (20[04]|400|405)$/.test(one), one);
  // Nobody's members, and nothing of the keys: not there, or not theirs.
  for (const path of [
    'sys/rekey/backup',
    'sys/rekey/recovery-key-backup',
    'sys/generate-recovery-token/attempt',
    'sys/generate-root-token/attempt',
    'sys/generate-root-token/update',
    'sys/rotate',
    'sys/rotate/config',
    'sys/rotate/root/init',
    'sys/rotate/root/update',
    'sys/rotate/root/verify',
    'sys/rotate/root/backup',
    'sys/storage/raft/join',
    'sys/storage/raft/remove-peer',
    'sys/storage/raft/bootstrap/answer',
    'sys/storage/raft/snapshot-force',
    'sys/raw/keyring',
    'sys/step-down',
    'sys/seal',
  ]) {
    for (const method of ['GET', 'POST', 'PUT', 'DELETE']) {
      const { status } = await nobody(method, path, method === 'GET' ? undefined : { nonce: 'x', key: 'x' });
      assert([403, 404, 405].includes(status), `${method} ${path}: ${status}`);
    }
  }
});

/** Headers that make another verb, path or caller of a request elsewhere. */
const OVERRIDES: Record<string, string>[] = [
  { 'x-http-method-override': 'DELETE' },
  { 'x-http-method': 'DELETE' },
  { 'x-method-override': 'PUT' },
  { 'x-vault-operation': 'delete' },
  { 'x-vault-inline-auth-path': 'auth/token', 'x-vault-inline-auth-operation': 'revoke' },
  { 'x-vault-policy-override': 'true' },
  { 'x-vault-forward': 'active-node' },
  { 'x-original-url': '/v1/sys/mounts' },
  { 'x-forwarded-for': '127.0.0.1' },
];

test('GHSA-rh46: operations of the server’s own are no verbs, and no header or field makes them one', async () => {
  const verbs = [
    'RENEW',
    'REVOKE',
    'ROLLBACK',
    'HEADER',
    'CREATE',
    'UPDATE',
    'READ',
    'SCAN',
    'OPERATION',
    'alias-lookahead',
    'resolve-role',
  ];
  for (const method of verbs) {
    const { status } = await root(method, 'secret/data/rooted');
    assert.equal(status, 405, method);
  }
  await succeed(root, 'PUT', 'secret/data/rooted', { data: { a: 'untouched' } });
  const ask = await allowed('path "secret/data/rooted" { capabilities = ["read"] }');
  for (const headers of OVERRIDES) {
    const { status, body } = await ask('GET', 'secret/data/rooted', undefined, { headers });
    assert.deepEqual([status, body.data?.data], [200, { a: 'untouched' }], JSON.stringify(headers));
    const other = await ask('GET', 'sys/mounts', undefined, { headers });
    assert.equal(other.status, 403);
  }
  assert.equal((await ask('GET', 'secret/data/rooted?_method=DELETE')).status, 200);
});

test('GHSA-rh46: a write says what it says in its body; its query, which logs and proxies keep, adds nothing', async () => {
  const policy = encodeURIComponent('path "*" { capabilities = ["sudo"] }');
  assert.equal((await root('PUT', `sys/policies/acl/by-query?policy=${policy}`)).status, 400);
  assert.equal((await root('PUT', `sys/policies/acl/by-query?policy=${policy}`, { other: 'x' })).status, 400);
  assert.equal((await root('GET', 'sys/policies/acl/by-query')).status, 404);
  const made = await root('POST', 'auth/token/create?policies=root&num_uses=5&id=chosen', {
    policies: ['default'],
  });
  assert.deepEqual([made.body.auth.policies, made.body.auth.num_uses], [['default'], 0]);
  assert.notEqual(made.body.auth.client_token, 'chosen');
});

test('CVE-2026-46405: what is refused hands out no token beside its error', async () => {
  const before = (await succeed(root, 'LIST', 'auth/token/accessors')).body.data.keys.length;
  for (const body of [
    { num_uses: -1 },
    { ttl: '-1s' },
    { explicit_max_ttl: '-5' },
    { period: -1 },
    { policies: ['response-wrapping'] },
    { type: 'batch' },
    { type: 'nonsense' },
    { id: 'a.b' },
    { id: 'root' },
    { entity_alias: 'x' },
    { meta: 'no pairs' },
    { policies: { a: 'b' } },
  ]) {
    const reply = await root('POST', 'auth/token/create', body);
    assert.equal(reply.status, 400, JSON.stringify(body));
    assert.deepEqual(Object.keys(reply.body), ['errors'], reply.text);
  }
  assert.equal((await succeed(root, 'LIST', 'auth/token/accessors')).body.data.keys.length, before);
});
