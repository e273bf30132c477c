import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answer, ask, fakeCore, stateWith } from './ask.ts';

test('openapi: the mounts that the caller sees, and no others', async () => {
  const core = fakeCore();
  const all = await answer(core, 'read', 'internal/specs/openapi');
  assert('/sys/mounts/{path}/tune' in all.paths);
  assert('/secret/data/{path}' in all.paths);
  assert.equal(all.paths['/sys/seal']['x-vault-sudo'], true);
  assert.equal(all.paths['/sys/unseal']['x-vault-unauthenticated'], true);
  assert.deepEqual(
    Object.keys((await answer(core, 'read', 'internal/specs/openapi', { token: '' })).paths),
    [],
  );
  core.policyTexts.set('reader', 'path "secret/data/a" { capabilities = ["read"] }');
  core.tokens.set('reader', stateWith(['reader']));
  const some = await answer(core, 'read', 'internal/specs/openapi', { token: 'reader' });
  assert.deepEqual(Object.keys(some.paths), ['/secret/data/{path}']);
});

test('openapi with generic mount paths', async () => {
  const query = { generic_mount_paths: 'true' };
  const { paths } = await answer(fakeCore(), 'read', 'internal/specs/openapi', { query });
  assert('/{secret_mount_path}/data/{path}' in paths);
  assert('/sys/mounts' in paths);
});

test('every parameter and operation of the system engine is described', async () => {
  const reply = await ask(fakeCore(), 'read', 'internal/specs/openapi');
  const text = JSON.stringify(reply.bare);
  assert.equal(text.includes('"description":""'), false);
  assert.equal(text.includes('"summary":""'), false);
});
