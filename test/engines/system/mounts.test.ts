import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apiPath } from '../../../src/model/mount.ts';
import { answer, ask, fakeCore, refusal } from './ask.ts';

test('mounts: injected, each with the members that Vault shows', async () => {
  const core = fakeCore();
  assert.equal((await ask(core, 'read', 'mounts')).inject, true);
  const mounts = await answer(core, 'read', 'mounts');
  assert.deepEqual(Object.keys(mounts), ['cubbyhole/', 'secret/', 'sys/']);
  const { uuid, accessor, ...rest } = mounts['secret/'];
  assert.match(uuid, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.match(accessor, /^kv_[0-9a-f]{8}$/);
  assert.deepEqual(rest, {
    type: 'kv',
    description: 'key/value secret storage',
    local: false,
    seal_wrap: false,
    external_entropy_access: false,
    options: { version: '2' },
    plugin_version: '',
    running_plugin_version: 'v1.19.5+builtin.vault',
    running_sha256: '',
    deprecation_status: 'supported',
    config: { default_lease_ttl: 0, max_lease_ttl: 0, force_no_cache: false },
  });
  assert.equal(mounts['sys/'].options, null, 'null where Vault has null, not {}');
  assert.equal(mounts['sys/'].seal_wrap, true);
  assert.equal('deprecation_status' in mounts['sys/'], false);
  assert.equal(mounts['cubbyhole/'].local, true);
});

test('auth: the token method, with the kind of its tokens', async () => {
  const auth = await answer(fakeCore(), 'read', 'auth');
  assert.deepEqual(Object.keys(auth), ['token/']);
  assert.match(auth['token/'].accessor, /^auth_token_[0-9a-f]{8}$/);
  assert.equal(auth['token/'].config.token_type, 'default-service');
});

test('one mount: with or without the slash, of any depth; auth methods below auth/ too', async () => {
  const core = fakeCore();
  await ask(core, 'update', 'mounts/a/b c', { body: { type: 'kv', description: 'd' } });
  for (const path of ['mounts/a/b c', 'mounts/a/b c/']) {
    const reply = await ask(core, 'read', path);
    assert.equal(reply.inject, true);
    assert.equal((await answer(core, 'read', path)).description, 'd');
  }
  assert.equal((await answer(core, 'read', 'mounts/auth/token')).type, 'token');
  assert.equal((await answer(core, 'read', 'auth/token')).type, 'token');
  assert.deepEqual(await refusal(core, 'read', 'mounts/nope'), [400, 'No secret engine mount at nope/']);
  assert.deepEqual(await refusal(core, 'read', 'auth/nope'), [400, 'No auth engine at nope/']);
});

for (const [body, options] of [
  [{ type: 'kv' }, {}],
  [{ type: 'kv', options: null, config: null, description: null, plugin_name: null, local: false }, null],
  [{ type: 'kv', options: { version: 1 } }, { version: '1' }],
  [{ type: 'kv', options: ['version=2'] }, { version: '2' }],
  [{ type: 'kv-v1' }, { version: '1' }],
  [{ type: 'kv-v2', options: { version: '1' } }, { version: '2' }],
  [{ type: 'generic' }, { version: '1' }],
  [{ type: 'plugin', plugin_name: 'kv' }, {}],
  [{ type: 'plugin', config: { plugin_name: 'kv' } }, {}],
] as const) {
  test(`enabling ${JSON.stringify(body)} makes a kv with options ${JSON.stringify(options)}`, async () => {
    const core = fakeCore();
    assert.deepEqual(await ask(core, 'update', 'mounts/x', { body }), {});
    const mount = await answer(core, 'read', 'mounts/x');
    assert.equal(mount.type, 'kv');
    assert.deepEqual(mount.options, options);
  });
}

test('enabling keeps the settings sent, and shows those that are set', async () => {
  const core = fakeCore();
  const config = {
    default_lease_ttl: '72h',
    max_lease_ttl: 360_000,
    force_no_cache: true,
    listing_visibility: 'unauth',
    audit_non_hmac_request_keys: ['a'],
    audit_non_hmac_response_keys: [],
    passthrough_request_headers: 'X-A, X-B',
    allowed_response_headers: ['Link'],
  };
  await ask(core, 'update', 'mounts/x', { body: { type: 'kv', config, local: true, seal_wrap: true } });
  const mount = await answer(core, 'read', 'mounts/x');
  assert.equal(mount.local, true);
  assert.equal(mount.seal_wrap, true);
  assert.deepEqual(mount.config, {
    default_lease_ttl: 259_200,
    max_lease_ttl: 360_000,
    force_no_cache: true,
    listing_visibility: 'unauth',
    audit_non_hmac_request_keys: ['a'],
    passthrough_request_headers: ['X-A', 'X-B'],
    allowed_response_headers: ['Link'],
  });
});

for (const [path, body, text] of [
  ['x', {}, 'backend type must be specified as a string'],
  ['x', { type: '' }, 'backend type must be specified as a string'],
  ['x', { type: 'plugin' }, 'backend type must be specified as a string'],
  ['x', { type: 'transit' }, 'plugin not found in the catalog: transit'],
  ['x', { type: 'canary' }, 'plugin not found in the catalog'],
  ['x', { type: 'KV' }, 'plugin not found in the catalog'],
  ['x', { type: 'cubbyhole' }, 'mount type of "cubbyhole" is not mountable'],
  ['x', { type: 'system' }, 'mount type of "system" is not mountable'],
  ['x', { type: 'token' }, 'mount type of "token" is not mountable'],
  ['x', { type: 'kv', options: { version: '3' } }, 'invalid version for kv: expected "1" or "2"'],
  ['x', { type: 'kv', plugin_version: 'v1.0.0' }, 'plugin not found in the catalog: no such version'],
  ['sys/x', { type: 'kv' }, 'cannot mount "sys/x/"'],
  ['auth/x', { type: 'kv' }, 'cannot mount "auth/x/"'],
  ['cubbyhole', { type: 'kv' }, 'cannot mount "cubbyhole/"'],
  ['identity/x', { type: 'kv' }, 'cannot mount "identity/x/"'],
  ['audit/x', { type: 'kv' }, 'cannot mount "audit/x/"'],
  ['secret', { type: 'kv' }, 'path is already in use at secret/'],
  ['secret/below', { type: 'kv' }, 'path is already in use at secret/'],
  ['a', { type: 'kv' }, 'path is already in use at a/b/'],
  ['x'.repeat(512), { type: 'kv' }, "a mount's path must not be longer than 512 bytes"],
  [
    'x',
    { type: 'kv', description: 'x'.repeat(65_536) },
    'the settings of a mount must not exceed 65536 bytes',
  ],
  [
    'x',
    { type: 'kv', config: { default_lease_ttl: '72h', max_lease_ttl: '1h' } },
    'given default lease TTL greater than given max lease TTL',
  ],
  [
    'x',
    { type: 'kv', config: { default_lease_ttl: '9999h' } },
    'given default lease TTL greater than system max lease TTL of 2764800',
  ],
  [
    'x',
    { type: 'kv', config: { default_lease_ttl: 'canary' } },
    'unable to parse default_lease_ttl: expected a duration such as "90s" or "1h30m"',
  ],
  [
    'x',
    { type: 'kv', config: { max_lease_ttl: '-1h' } },
    'unable to parse max_lease_ttl: a duration must not be negative',
  ],
  [
    'x',
    { type: 'kv', config: { listing_visibility: 'canary' } },
    'invalid listing_visibility: expected "", "hidden" or "unauth"',
  ],
  [
    'x',
    { type: 'kv', config: { user_lockout_config: { lockout_threshold: '3' } } },
    'tuning of user lockout configuration for auth type "kv" not allowed',
  ],
] as const) {
  const shown = JSON.stringify(body).slice(0, 80);
  test(`enabling ${shown} at ${path.slice(0, 20)} is refused: ${text}`, async () => {
    const core = fakeCore();
    await ask(core, 'update', 'mounts/a/b', { body: { type: 'kv' } });
    const before = core.mountsNow;
    assert.deepEqual(await refusal(core, 'update', `mounts/${path}`, { body }), [400, text]);
    assert.equal(core.mountsNow, before);
  });
}

for (const [path, body, text] of [
  ['x', { type: 'token' }, 'token credential backend cannot be instantiated'],
  ['x', { type: 'approle' }, 'plugin not found in the catalog: approle'],
  ['x', { type: 'kv' }, 'plugin not found in the catalog: kv'],
  ['x', {}, 'backend type must be specified as a string'],
] as const) {
  test(`enabling the auth method ${JSON.stringify(body)} is refused: ${text}`, async () => {
    assert.deepEqual(await refusal(fakeCore(), 'update', `auth/${path}`, { body }), [400, text]);
  });
}

test('an auth method whose type is known: in its own table, conflicts named as there', async () => {
  const core = fakeCore();
  core.authTypes.push('userpass');
  await ask(core, 'update', 'auth/up', { body: { type: 'userpass', config: { token_type: 'batch' } } });
  const auth = await answer(core, 'read', 'auth');
  assert.equal(auth['up/'].config.token_type, 'batch');
  assert.equal('up/' in (await answer(core, 'read', 'mounts')), false);
  const body = { type: 'userpass' };
  assert.deepEqual(await refusal(core, 'update', 'auth/token', { body }), [
    400,
    'path is already in use at token/',
  ]);
  assert.deepEqual(
    await refusal(core, 'update', 'auth/x', { body: { ...body, config: { token_type: 'canary' } } }),
    [400, "invalid value for 'token_type'"],
  );
  assert.deepEqual(
    await refusal(core, 'update', 'auth/x', { body: { ...body, options: { version: '2' } } }),
    [400, 'auth method "userpass" does not allow setting a version'],
  );
});

test('disabling takes the mount away; what is not there is no mistake; what must stay stays', async () => {
  const core = fakeCore();
  assert.deepEqual(await ask(core, 'delete', 'mounts/secret'), {});
  assert.equal(
    core.mountsNow.some((mount) => apiPath(mount) === 'secret/'),
    false,
  );
  assert.deepEqual(await ask(core, 'delete', 'mounts/secret'), {});
  assert.deepEqual(await ask(core, 'delete', 'auth/nothing'), {});
  for (const path of ['sys', 'cubbyhole', 'auth/token', 'identity']) {
    assert.deepEqual(await refusal(core, 'delete', `mounts/${path}`), [400, `cannot unmount "${path}/"`]);
  }
  assert.deepEqual(await refusal(core, 'delete', 'auth/token'), [
    400,
    'token credential backend cannot be disabled',
  ]);
  assert.equal(core.mountsNow.length, 3);
});

test('names from JavaScript are names like others', async () => {
  const core = fakeCore();
  await ask(core, 'update', 'mounts/__proto__', {
    body: { type: 'kv', options: ['__proto__=x', 'constructor=y'] },
  });
  const mount = core.mountsNow.at(-1)!;
  assert.equal(Object.hasOwn(mount.options!, '__proto__'), true);
  assert.equal((await answer(core, 'read', 'mounts/__proto__')).type, 'kv');
  assert.equal(Object.getPrototypeOf(mount.options), Object.prototype);
});
