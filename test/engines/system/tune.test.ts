import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answer, ask, fakeCore, refusal } from './ask.ts';

test('tune shows what takes effect, flat and injected', async () => {
  const core = fakeCore();
  assert.equal((await ask(core, 'read', 'mounts/secret/tune')).inject, true);
  assert.deepEqual(await answer(core, 'read', 'mounts/secret/tune'), {
    default_lease_ttl: 2_764_800,
    max_lease_ttl: 2_764_800,
    force_no_cache: false,
    description: 'key/value secret storage',
    options: { version: '2' },
  });
  const auth = {
    default_lease_ttl: 2_764_800,
    max_lease_ttl: 2_764_800,
    force_no_cache: false,
    description: 'token based credentials',
    token_type: 'default-service',
  };
  assert.deepEqual(await answer(core, 'read', 'auth/token/tune'), auth);
  assert.deepEqual(await answer(core, 'read', 'mounts/auth/token/tune'), auth);
});

test('tune changes what is sent and nothing else', async () => {
  const core = fakeCore();
  const body = { default_lease_ttl: 3600, listing_visibility: 'hidden', audit_non_hmac_request_keys: 'a, b' };
  assert.deepEqual(await ask(core, 'update', 'mounts/secret/tune', { body }), { warnings: [] });
  assert.deepEqual(await answer(core, 'read', 'mounts/secret/tune'), {
    default_lease_ttl: 3_600,
    max_lease_ttl: 2_764_800,
    force_no_cache: false,
    listing_visibility: 'hidden',
    audit_non_hmac_request_keys: ['a', 'b'],
    description: 'key/value secret storage',
    options: { version: '2' },
  });
});

test('tune clears: "system" for TTLs, "" for texts, [] for lists', async () => {
  const core = fakeCore();
  await ask(core, 'update', 'mounts/secret/tune', {
    body: {
      default_lease_ttl: '1h',
      max_lease_ttl: '2h',
      listing_visibility: 'unauth',
      allowed_response_headers: ['a'],
    },
  });
  await ask(core, 'update', 'mounts/secret/tune', {
    body: {
      default_lease_ttl: 'system',
      max_lease_ttl: 'system',
      listing_visibility: '',
      allowed_response_headers: [],
      description: '',
    },
  });
  const mount = await answer(core, 'read', 'mounts/secret');
  assert.equal(mount.description, '');
  assert.deepEqual(mount.config, { default_lease_ttl: 0, max_lease_ttl: 0, force_no_cache: false });
});

test("a default TTL above the mount's longest shows as the longest", async () => {
  const core = fakeCore();
  await ask(core, 'update', 'mounts/secret/tune', { body: { max_lease_ttl: '1h' } });
  const shown = await answer(core, 'read', 'mounts/secret/tune');
  assert.deepEqual([shown.default_lease_ttl, shown.max_lease_ttl], [3_600, 3_600]);
});

test('tune of nothing changes nothing', async () => {
  const core = fakeCore();
  await ask(core, 'update', 'mounts/secret/tune', { body: {} });
  assert.deepEqual(core.done, []);
});

for (const [from, to, warning] of [
  [
    { version: '1' },
    '2',
    'Upgrading mount from version 1 to version 2. This mount will be unavailable for a brief period and will resume service shortly.',
  ],
  [
    {},
    2,
    'Upgrading mount from version 0 to version 2. This mount will be unavailable for a brief period and will resume service shortly.',
  ],
  [{ version: '2' }, '2', undefined],
] as const) {
  test(`tuning kv of ${JSON.stringify(from)} to version ${JSON.stringify(to)}`, async () => {
    const core = fakeCore();
    await ask(core, 'update', 'mounts/x', { body: { type: 'kv', options: from } });
    const { warnings } = await ask(core, 'update', 'mounts/x/tune', { body: { options: { version: to } } });
    assert.deepEqual(warnings, warning ? [warning] : []);
    assert.deepEqual((await answer(core, 'read', 'mounts/x')).options, { version: '2' });
  });
}

test('options: added, and removed by an empty value', async () => {
  const core = fakeCore();
  const tune = (options: object) => ask(core, 'update', 'mounts/secret/tune', { body: { options } });
  await tune({ foo: 'bar', __proto__: undefined });
  assert.deepEqual((await answer(core, 'read', 'mounts/secret')).options, { foo: 'bar', version: '2' });
  await tune({ foo: '' });
  assert.deepEqual((await answer(core, 'read', 'mounts/secret')).options, { version: '2' });
});

for (const [path, body, text] of [
  ['mounts/nope', { description: 'x' }, 'tune of path "nope/" failed: no mount entry found'],
  ['auth/nope', {}, 'tune of path "auth/nope/" failed: no mount entry found'],
  ['mounts/auth/nope', {}, 'tune of path "auth/nope/" failed: no mount entry found'],
  ['mounts/sys', { description: 'x' }, 'cannot tune parameter description of sys/'],
  ['mounts/sys', { default_lease_ttl: '1h' }, 'cannot tune parameter default_lease_ttl of sys/'],
  ['mounts/cubbyhole', { options: { a: 'b' } }, 'cannot tune parameter options of cubbyhole/'],
  ['mounts/secret', { options: { version: '1' } }, 'cannot downgrade mount from version 2'],
  ['mounts/secret', { options: { version: '' } }, 'invalid version provided: expected "1" or "2"'],
  ['mounts/secret', { options: { version: 'canary' } }, 'invalid version provided: expected "1" or "2"'],
  ['auth/token', { options: { version: '2' } }, 'mount type "token" does not allow setting a version'],
  ['mounts/secret', { token_type: 'service' }, "'token_type' can only be modified on auth mounts"],
  [
    'auth/token',
    { token_type: 'service' },
    "'token_type' cannot be set for 'token' or 'ns_token' auth mounts",
  ],
  [
    'mounts/secret',
    { user_lockout_config: { lockout_disable: true } },
    'tuning of user lockout configuration for auth type "kv" not allowed',
  ],
  [
    'mounts/secret',
    { default_lease_ttl: '2h', max_lease_ttl: '1h' },
    'backend max lease TTL of 3600 would be less than backend default lease TTL of 7200',
  ],
  [
    'mounts/secret',
    { default_lease_ttl: 'canary' },
    'unable to parse default_lease_ttl: expected a duration such as "90s" or "1h30m"',
  ],
  [
    'mounts/secret',
    { listing_visibility: 'canary' },
    'invalid listing_visibility: expected "", "hidden" or "unauth"',
  ],
] as const) {
  test(`tuning ${path} with ${JSON.stringify(body)} is refused: ${text}`, async () => {
    const core = fakeCore();
    assert.deepEqual(await refusal(core, 'update', `${path}/tune`, { body }), [400, text]);
    assert.deepEqual(core.done, []);
  });
}

test('of the mounts that must stay, what concerns audit may change', async () => {
  const core = fakeCore();
  await ask(core, 'update', 'mounts/sys/tune', { body: { audit_non_hmac_request_keys: ['x'] } });
  assert.deepEqual((await answer(core, 'read', 'mounts/sys')).config.audit_non_hmac_request_keys, ['x']);
});

test('reading the settings of what is not mounted', async () => {
  assert.deepEqual(await refusal(fakeCore(), 'read', 'mounts/nope/tune'), [
    400,
    'cannot fetch sysview for path "nope/"',
  ]);
  assert.deepEqual(await refusal(fakeCore(), 'read', 'auth/nope/tune'), [
    400,
    'cannot fetch sysview for path "auth/nope/"',
  ]);
});
