import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answer, ask, fakeCore, refusal, stateWith } from './ask.ts';

async function coreWithReader() {
  const core = fakeCore();
  core.policyTexts.set('reader', 'path "kv/data/a" { capabilities = ["read"] }');
  core.tokens.set('reader', stateWith(['reader']));
  await ask(core, 'update', 'mounts/kv', { body: { type: 'kv-v2' } });
  await ask(core, 'update', 'mounts/open', {
    body: { type: 'kv', description: 'o', config: { listing_visibility: 'unauth' } },
  });
  return core;
}

test('mounts: those the caller can touch, and those everybody sees', async () => {
  const core = await coreWithReader();
  const seen = await answer(core, 'read', 'internal/ui/mounts', { token: 'reader' });
  assert.deepEqual(Object.keys(seen.secret), ['kv/', 'open/']);
  assert.deepEqual(seen.auth, {});
  assert.match(seen.secret['kv/'].uuid, /-/);
  const all = await answer(core, 'read', 'internal/ui/mounts');
  assert.deepEqual(Object.keys(all.secret), ['cubbyhole/', 'kv/', 'open/', 'secret/', 'sys/']);
  assert.deepEqual(Object.keys(all.auth), ['token/']);
});

test('mounts without a token: three members of those that everybody sees', async () => {
  const core = await coreWithReader();
  assert.deepEqual(await answer(core, 'read', 'internal/ui/mounts', { token: '' }), {
    secret: { 'open/': { type: 'kv', description: 'o', options: {} } },
    auth: {},
  });
});

test('a token that is none is refused, not taken for no token', async () => {
  const core = await coreWithReader();
  assert.deepEqual(await refusal(core, 'read', 'internal/ui/mounts', { token: 'gone' }), [
    403,
    'permission denied',
  ]);
});

test('the mount of a path: its info with its own path; what may not be seen and what is not are alike', async () => {
  const core = await coreWithReader();
  const mount = await answer(core, 'read', 'internal/ui/mounts/kv/some/secret', { token: 'reader' });
  assert.equal(mount.path, 'kv/');
  assert.deepEqual(mount.options, { version: '2' });
  assert.equal((await answer(core, 'read', 'internal/ui/mounts/auth/token')).path, 'token/');
  for (const path of ['secret', 'nope']) {
    assert.deepEqual(await refusal(core, 'read', `internal/ui/mounts/${path}`, { token: 'reader' }), [
      403,
      `preflight capability check returned 403, please ensure client's policies grant access to path "${path}/"`,
    ]);
  }
  assert.deepEqual(await refusal(core, 'read', 'internal/ui/mounts/open', { token: '' }), [
    403,
    'permission denied',
  ]);
});

test('resultant-acl', async () => {
  const core = await coreWithReader();
  assert.deepEqual(await answer(core, 'read', 'internal/ui/resultant-acl'), { root: true });
  assert.deepEqual(await answer(core, 'read', 'internal/ui/resultant-acl', { token: 'reader' }), {
    root: false,
    exact_paths: { 'kv/data/a': { capabilities: ['read'] } },
    glob_paths: {},
  });
});

test('namespaces: the root namespace, for any token', async () => {
  const core = await coreWithReader();
  assert.deepEqual(await answer(core, 'read', 'internal/ui/namespaces', { token: 'reader' }), { keys: [''] });
  assert.deepEqual(await refusal(core, 'read', 'internal/ui/namespaces', { token: '' }), [
    403,
    'permission denied',
  ]);
});
