/**
 * The system engine as a client meets it: who may ask, what stands at the top level, what a sealed server says.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startReadyDev } from '../../support/dev-ready.ts';
import { type CallOptions, type CallReply, call } from '../../support/http.ts';
import type { RunningServer } from '../../support/server.ts';

let server: RunningServer;
/** Has the policy `default` and nothing else. */
let plainToken: string;
before(async () => {
  server = await startReadyDev();
  plainToken = (await ask('POST', 'auth/token/create', { body: { policies: ['default'] } })).body.auth
    .client_token;
});
after(() => server.stop());

const ask = (method: string, path: string, options: CallOptions = {}): Promise<CallReply> =>
  call(server.address, method, `/v1/${path}`, { token: 'root', ...options });

for (const path of [
  'init',
  'seal-status',
  'leader',
  'health',
  'internal/ui/mounts',
  'internal/specs/openapi',
  'replication/status',
  'seal-backend-status',
  'internal/ui/feature-flags',
]) {
  test(`sys/${path} is served without a token`, async () => {
    assert.equal((await ask('GET', `sys/${path}`, { token: undefined })).status, 200);
  });
}

for (const [method, path] of [
  ['GET', 'mounts'],
  ['GET', 'auth'],
  ['GET', 'policy'],
  ['LIST', 'policies/acl'],
  ['GET', 'key-status'],
  ['GET', 'ha-status'],
  ['GET', 'host-info'],
  ['GET', 'in-flight-req'],
  ['PUT', 'seal'],
  ['PUT', 'step-down'],
  ['PUT', 'rotate'],
  ['GET', 'audit'],
  ['GET', 'config/cors'],
  ['DELETE', 'config/cors'],
  ['LIST', 'config/ui/headers'],
  ['POST', 'config/ui/headers/x-a'],
  ['GET', 'config/state/sanitized'],
  ['LIST', 'policies/password'],
  ['POST', 'policies/password/x'],
  ['GET', 'policies/password/x/generate'],
  ['LIST', 'version-history'],
  ['GET', 'internal/counters/tokens'],
  ['GET', 'internal/counters/activity'],
  ['GET', 'internal/ui/version'],
  ['GET', 'experiments'],
  ['GET', 'plugins/catalog'],
  ['GET', 'quotas/config'],
  ['POST', 'quotas/config'],
  ['POST', 'quotas/rate-limit/x'],
  ['GET', 'leases'],
  ['PUT', 'leases/revoke'],
  ['PUT', 'leases/tidy'],
  ['LIST', 'plugins/catalog/auth'],
] as const) {
  test(`${method} sys/${path} wants a token, and one that may`, async () => {
    const none = await ask(method, `sys/${path}`, { token: undefined });
    assert.deepEqual([none.status, none.body], [403, { errors: ['permission denied'] }]);
    const plain = await ask(method, `sys/${path}`, { token: plainToken });
    assert.deepEqual(
      [plain.status, plain.body],
      [403, { errors: ['1 error occurred:\n\t* permission denied\n\n'] }],
    );
  });
}

test('what Vault guards with sudo needs it besides the verb', async () => {
  const policy = (capabilities: string) => `path "sys/*" { capabilities = [${capabilities}] }`;
  const tokenWith = async (name: string, capabilities: string) => {
    await ask('PUT', `sys/policies/acl/${name}`, { body: { policy: policy(capabilities) } });
    return (await ask('POST', 'auth/token/create', { body: { policies: [name] } })).body.auth.client_token;
  };
  const verbs = '"create", "read", "update", "delete", "list"';
  const without = await tokenWith('without', verbs);
  const withSudo = await tokenWith('with', `${verbs}, "sudo"`);
  for (const [method, path] of [
    ['GET', 'audit'],
    ['PUT', 'rotate'],
    ['PUT', 'step-down'],
    ['GET', 'auth/token'],
    ['GET', 'auth/token/tune'],
  ] as const) {
    assert.equal((await ask(method, `sys/${path}`, { token: without })).status, 403, path);
    assert((await ask(method, `sys/${path}`, { token: withSudo })).status < 300, path);
  }
  for (const path of ['mounts', 'auth', 'mounts/auth/token/tune', 'policy']) {
    assert.equal((await ask('GET', `sys/${path}`, { token: without })).status, 200, path);
  }
});

test('members stand at the top level too, where old clients look for them', async () => {
  const mounts = (await ask('GET', 'sys/mounts')).body;
  assert.deepEqual(mounts['secret/'], mounts.data['secret/']);
  const auth = (await ask('GET', 'sys/auth')).body;
  assert.match(auth['token/'].accessor, /^auth_token_[0-9a-f]{8}$/);
  const policies = (await ask('LIST', 'sys/policy')).body;
  assert.deepEqual(policies.keys, policies.data.policies);
  const tune = (await ask('GET', 'sys/mounts/secret/tune')).body;
  assert.equal(tune.max_lease_ttl, 2_764_800);
  const acl = (await ask('LIST', 'sys/policies/acl')).body;
  assert.equal('keys' in acl, false);
  assert.equal(acl.mount_type, 'system');
});

test('HEAD of health: the status of GET, and no body', async () => {
  const head = await ask('HEAD', 'sys/health', { token: undefined });
  assert.deepEqual([head.status, head.text], [200, '']);
});

test('bodies: POST and PUT, names in any case, and a mount that is used at once', async () => {
  for (const [method, path] of [
    ['POST', 'sys/mounts/by-post'],
    ['PUT', 'sys/mounts/by/put'],
  ] as const) {
    assert.equal((await ask(method, path, { body: { type: 'kv', options: { version: 2 } } })).status, 204);
  }
  assert.equal((await ask('POST', 'by/put/data/x', { body: { data: { a: 1 } } })).status, 200);
  assert.equal((await ask('DELETE', 'sys/mounts/by/put')).status, 204);
  assert.equal((await ask('GET', 'by/put/data/x')).status, 404);
  assert.equal((await ask('POST', 'sys/mounts/by/put', { body: { type: 'kv-v2' } })).status, 204);
  assert.equal((await ask('GET', 'by/put/data/x')).status, 404, 'what was there before is out of reach');
});

test('kv of version 1 becomes version 2, with the warning that Vault gives', async () => {
  await ask('POST', 'sys/mounts/grows', { body: { type: 'kv', options: { version: '1' } } });
  const reply = await ask('POST', 'sys/mounts/grows/tune', { body: { options: { version: '2' } } });
  assert.equal(reply.status, 200);
  assert.match(reply.body.warnings[0], /^Upgrading mount from version 1 to version 2\./);
  assert.deepEqual((await ask('GET', 'sys/mounts/grows')).body.data.options, { version: '2' });
  assert.equal(
    (await ask('POST', 'sys/mounts/grows/tune', { body: { options: { version: '2' } } })).status,
    204,
  );
});

test('a policy under any spelling of its name is one policy', async () => {
  const policy = 'path "secret/data/spelled" { capabilities = ["read"] }';
  await ask('PUT', 'sys/policies/acl/SpellEd', { body: { policy } });
  assert.equal((await ask('GET', 'sys/policy/sPELLED')).body.data.name, 'spelled');
  await ask('PUT', 'sys/policies/acl/guard', {
    body: {
      policy:
        'path "sys/policies/acl/*" { capabilities = ["read"] }\npath "sys/policies/acl/spelled" { capabilities = ["deny"] }',
    },
  });
  const { client_token } = (await ask('POST', 'auth/token/create', { body: { policies: ['guard'] } })).body
    .auth;
  assert.equal((await ask('GET', 'sys/policies/acl/SPELLED', { token: client_token })).status, 403);
});

test('the UI and the CLI find the mount of a path', async () => {
  const reply = await ask('GET', 'sys/internal/ui/mounts/secret/some/thing');
  assert.equal(reply.body.data.path, 'secret/');
  assert.deepEqual(reply.body.data.options, { version: '2' });
  const refused = await ask('GET', 'sys/internal/ui/mounts/secret', { token: plainToken });
  assert.deepEqual(refused.body.errors, [
    'preflight capability check returned 403, please ensure client\'s policies grant access to path "secret/"',
  ]);
  assert.equal((await ask('GET', 'sys/internal/ui/mounts', { token: 'no such token' })).status, 403);
  assert.equal((await ask('GET', 'sys/internal/ui/resultant-acl')).body.data.root, true);
});

test('help: for any token', async () => {
  const { status, body } = await ask('GET', 'sys/mounts/x/tune?help=1', { token: plainToken });
  assert.equal(status, 200);
  assert.deepEqual(Object.keys(body), ['help', 'openapi', 'see_also']);
  assert.match(body.help, /^Request: {8}mounts\/x\/tune\nMatching Route: mounts\/:path\*\/tune\n/);
  assert.equal((await ask('GET', 'sys/nothing?help=1')).status, 404);
});

test('metrics: JSON, and the text format of Prometheus', async () => {
  const summary = (await ask('GET', 'sys/metrics')).body;
  assert(Array.isArray(summary.Gauges));
  const text = await ask('GET', 'sys/metrics?format=prometheus');
  assert.match(text.headers['content-type']!, /^text\/plain/);
  assert.match(text.text, /^# HELP /m);
  assert.equal((await ask('GET', 'sys/metrics?format=nope')).status, 400);
});

test('in-flight-req shows the request that asks', async () => {
  const { body } = await ask('GET', 'sys/in-flight-req');
  const [request] = Object.values<Record<string, string>>(body);
  assert.equal(request!.request_path, '/v1/sys/in-flight-req');
  assert.equal(request!.request_method, 'GET');
});

test('capabilities-self of a path that is a member of the envelope', async () => {
  const { text } = await ask('POST', 'sys/capabilities-self', { body: { paths: ['data', 'auth'] } });
  assert.deepEqual(JSON.parse(text).data, { data: ['root'], auth: ['root'] });
});

test('sealed, it says so, and opens again with its key', async () => {
  const other = await startReadyDev();
  const askOther = (method: string, path: string, options: CallOptions = {}) =>
    call(other.address, method, `/v1/${path}`, { token: 'root', ...options });
  try {
    await askOther('POST', 'secret/data/kept', { body: { data: { a: 'b' } } });
    assert.equal((await askOther('PUT', 'sys/seal')).status, 204);
    assert.equal((await askOther('GET', 'sys/health')).status, 503);
    assert.equal((await askOther('GET', 'sys/health?sealedcode=299')).status, 299);
    assert.equal((await askOther('GET', 'sys/seal-status')).body.sealed, true);
    assert.deepEqual((await askOther('GET', 'sys/init')).body, { initialized: true });
    assert.equal((await askOther('GET', 'sys/leader')).body.ha_enabled, false);
    for (const path of ['sys/mounts', 'secret/data/kept', 'sys/nothing']) {
      const reply = await askOther('GET', path);
      assert.deepEqual([reply.status, reply.body], [503, { errors: ['Vault is sealed'] }], path);
    }
    const wrong = await askOther('PUT', 'sys/unseal', {
      body: { key: Buffer.alloc(32, 1).toString('base64') },
    });
    assert.equal(wrong.status, 400);
    assert.equal(
      (await askOther('PUT', 'sys/unseal', { body: { Key: other.unsealKey } })).body.sealed,
      false,
    );
    assert.equal((await askOther('GET', 'secret/data/kept')).body.data.data.a, 'b');
  } finally {
    await other.stop();
  }
});
