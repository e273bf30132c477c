/** `policy explain` and its endpoints, through the front door: what is explained is what happens to the request itself. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Ask, asking, type Made, makeToken, succeed } from '../support/asking.ts';
import { type RunningServer, startDev } from '../support/server.ts';
import { runInProcess } from './in-process.ts';

let server: RunningServer;
let root: Ask;
let app: Made;
before(async () => {
  server = await startDev();
  root = asking(server.address);
  await policy(
    'app',
    `path "secret/data/*" { capabilities = ["read"] }
     path "secret/data/app" { capabilities = ["create", "read"] }
     path "secret/data/no" { capabilities = ["deny"] }
     path "secret/metadata/*" { capabilities = ["list"] }
     path "sys/audit" { capabilities = ["read"] }
     path "auth/token/create" { capabilities = ["update"] allowed_parameters = { "ttl" = [] } }
     path "auth/userpass/users/Bob" { capabilities = ["read"] }
     path "sys/tools/hash" { capabilities = ["update"] max_wrapping_ttl = "60s" }
     path "team/secret/*" { capabilities = ["read"] }`,
  );
  await policy('more', 'path "secret/data/app" { capabilities = ["update"] }');
  await succeed(root, 'POST', 'sys/auth/userpass', { type: 'userpass' });
  await succeed(root, 'POST', 'auth/userpass/users/bob', { password: 'a long password' });
  await succeed(root, 'POST', 'sys/namespaces/team');
  app = await makeToken(root, { policies: ['app', 'more'] });
});
after(() => server.stop());

const policy = (name: string, text: string) =>
  succeed(root, 'PUT', `sys/policies/acl/${name}`, { policy: text });
const as = (token: string): Ask => asking(server.address, token);
const explain = async (ask: Ask, body: object, who = '-self') =>
  (await succeed(ask, 'POST', `sys/internal/policy-explain${who}`, body)).body.data;
const run = (token: string, ...args: string[]) =>
  runInProcess(['policy', 'explain', ...args], {
    COFFER_ARGV0: 'vault',
    HOME: '/nonexistent',
    VAULT_ADDR: server.address,
    VAULT_TOKEN: token,
    VAULT_MAX_RETRIES: '0',
  });

const REQUESTS: readonly (readonly [method: string, path: string, reason: string, parameters?: object])[] = [
  ['GET', 'secret/data/x', 'granted'],
  ['GET', 'secret/data/no', 'denied'],
  ['POST', 'secret/data/app', 'granted', { data: {} }],
  ['POST', 'secret/data/x', 'capability missing', { data: {} }],
  ['DELETE', 'secret/data/app', 'capability missing'],
  ['LIST', 'secret/metadata', 'granted'],
  ['LIST', 'secret/metadata/', 'granted'],
  ['GET', 'other/x', 'no rule'],
  ['GET', 'sys/audit', 'sudo missing'],
  ['POST', 'auth/token/create', 'granted', { ttl: '1m' }],
  ['POST', 'auth/token/create', 'parameters', { ttl: '1m', policies: ['root'] }],
  ['GET', 'auth/userpass/users/BOB', 'granted'],
  ['POST', 'sys/tools/hash', 'wrapping', { input: 'YQ==' }],
  ['GET', 'sys/health', 'open'],
  ['GET', 'team/secret/a', 'granted'],
  ['GET', 'team/sys/mounts', 'no rule'],
];
for (const [method, path, reason, parameters] of REQUESTS) {
  test(`${method} ${path}: ${reason}, as the request itself is answered`, async () => {
    const ask = as(app.token);
    const found = await explain(ask, { method, path, parameters });
    assert.equal(found.reason, reason, JSON.stringify(found));
    const { status } = await ask(method, path, parameters);
    assert.equal(found.allowed, status !== 403, `answered ${status}`);
    assert.deepEqual(
      await explain(root, { accessor: app.accessor, method, path, parameters }, ''),
      found,
      'asked by accessor',
    );
  });
}

test('a wrapping that fits, and one that does not', async () => {
  const asked = { method: 'POST', path: 'sys/tools/hash', parameters: { input: 'YQ==' } };
  assert.equal((await explain(as(app.token), { ...asked, wrap_ttl: '1m' })).allowed, true);
  const long = await explain(as(app.token), { ...asked, wrap_ttl: '2m' });
  assert.equal(long.allowed, false);
  assert.match(long.because, /for 60 seconds at most/);
});

test('in a namespace: paths are those of there, also by its header', async () => {
  const inside = await as(app.token)('POST', 'team/sys/internal/policy-explain-self', {
    method: 'GET',
    path: 'secret/a',
  });
  assert.equal(inside.status, 200, inside.text);
  assert.equal(inside.body.data.path, 'team/secret/a');
  assert.equal(inside.body.data.namespace, 'team/');
  assert.equal(inside.body.data.allowed, true);
  const child = await makeToken(asking(server.address, 'root'), { policies: ['default'] });
  const made = await root('POST', 'team/auth/token/create', { policies: ['default'] });
  const foreign = await explain(root, { accessor: child.accessor, method: 'GET', path: 'team/secret/a' }, '');
  assert.equal(foreign.reason, 'no rule');
  // A token of a namespace is nobody's outside it.
  const outside = await as(made.body.auth.client_token)('POST', 'sys/internal/policy-explain-self', {
    method: 'GET',
    path: 'secret/a',
  });
  assert.equal(outside.status, 403);
  const byAccessor = await root('POST', 'sys/internal/policy-explain', {
    accessor: made.body.auth.accessor,
    method: 'GET',
    path: 'secret/a',
  });
  assert.equal(byAccessor.status, 400);
});

test('about others asks only who has sudo; about itself every token, and nobody without one', async () => {
  const asked = { method: 'GET', path: 'secret/data/x' };
  await policy('asker', 'path "sys/internal/policy-explain" { capabilities = ["update"] }');
  const asker = await makeToken(root, { policies: ['asker'] });
  for (const body of [
    { ...asked, token: app.token },
    { ...asked, accessor: app.accessor },
  ]) {
    assert.equal((await as(asker.token)('POST', 'sys/internal/policy-explain', body)).status, 403);
    assert.equal((await as(app.token)('POST', 'sys/internal/policy-explain', body)).status, 403);
  }
  await policy('asker', 'path "sys/internal/policy-explain" { capabilities = ["update", "sudo"] }');
  assert.equal((await explain(as(asker.token), { ...asked, token: app.token }, '')).allowed, true);
  for (const token of [undefined, 'hvs.none', ''])
    assert.equal(
      (await asking(server.address, token ?? '')('POST', 'sys/internal/policy-explain-self', asked)).status,
      403,
    );
  const bare = await makeToken(root, { policies: ['none'], no_default_policy: true });
  assert.equal((await explain(as(bare.token), asked)).reason, 'no rule');
});

test('what is not a request, or nobody: refused, and nothing of it is repeated', async () => {
  const marked = 'CANARY';
  const wrong: object[] = [
    { path: 'a' },
    { method: 'GET' },
    { method: marked, path: 'a' },
    { method: 'GET', path: `${marked}/../a` },
    { method: 'GET', path: `${marked}//a` },
    { method: 'GET', path: `${marked}\n` },
    { method: 'GET', path: `${marked}${'a'.repeat(5_000)}` },
    { method: 'GET', path: 'a', parameters: marked },
    { method: 'GET', path: 'a', wrap_ttl: marked },
  ];
  for (const body of wrong) {
    const reply = await root('POST', 'sys/internal/policy-explain-self', body);
    assert.equal(reply.status, 400, JSON.stringify(body));
    assert(!reply.text.includes(marked), reply.text);
  }
  const asked = { method: 'GET', path: 'a' };
  for (const body of [
    asked,
    { ...asked, token: 'a', accessor: 'b' },
    { ...asked, token: marked },
    { ...asked, accessor: marked },
  ]) {
    const reply = await root('POST', 'sys/internal/policy-explain', body);
    assert.equal(reply.status, 400, JSON.stringify(body));
    assert(!reply.text.includes(marked), reply.text);
  }
});

test('whether something is mounted is told only where it may pass', async () => {
  const known = await explain(as(app.token), { method: 'POST', path: 'auth/userpass/users/alice' });
  const unknown = await explain(as(app.token), { method: 'POST', path: 'auth/nothing/users/alice' });
  const paths = (found: typeof known) =>
    JSON.parse(JSON.stringify(found).replaceAll(/nothing|userpass/g, '…'));
  assert.deepEqual(paths(known), paths(unknown));
});

test('the command: a table, an exit code, a rule to copy', async () => {
  const granted = await run(app.token, 'GET', 'secret/data/app');
  assert.equal(granted.exit, 0, granted.stderr);
  assert.match(granted.stdout, /^Allowed +yes$/m);
  assert.match(granted.stdout, /^Rule +secret\/data\/app \[create, read, update\]$/m);
  assert.match(granted.stdout, /^of more +secret\/data\/app \[update\]$/m);
  assert.match(granted.stdout, /^Passed over +secret\/data\/\* \[read\] of app$/m);
  const refused = await run('root', app.token, 'delete', '/v1/secret/data/x');
  assert.equal(refused.exit, 2);
  assert.match(
    refused.stdout,
    /^Because +the rule "secret\/data\/\*" of policy app decides, and does not grant delete$/m,
  );
  assert(refused.stdout.endsWith('path "secret/data/x" {\n  capabilities = ["delete", "read"]\n}\n'));
  await policy('needed', refused.stdout.slice(refused.stdout.indexOf('path "')));
  const helped = await makeToken(root, { policies: ['app', 'needed'] });
  assert.equal((await run(helped.token, 'DELETE', 'secret/data/x')).exit, 0);
});

test('the command: JSON, accessor, parameters, and what is wrong with it', async () => {
  const json = await run(
    'root',
    '-accessor',
    '-format=json',
    '-parameter=policies=root',
    app.accessor,
    'POST',
    'auth/token/create',
  );
  assert.equal(json.exit, 2);
  assert.deepEqual(JSON.parse(json.stdout).parameter_faults, [{ name: 'policies', reason: 'not allowed' }]);
  const rootly = await run('root', 'GET', 'x');
  assert.match(rootly.stdout, /it is a root token[\s\S]*nothing answers that method/);
  for (const args of [['GET'], ['FETCH', 'a'], ['-accessor', 'GET', 'a']])
    assert.equal((await run('root', ...args)).exit, 1);
  const denied = await run(app.token, 'root', 'GET', 'a');
  assert.equal(denied.exit, 2);
  assert.match(denied.stderr, /^Error explaining: .*403/s);
});
