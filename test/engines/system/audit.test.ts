import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answer, ask, fakeCore, refusal } from './ask.ts';

test('audit devices: enabled, listed and injected, disabled; twice is no mistake', async () => {
  const core = fakeCore();
  assert.deepEqual(await ask(core, 'read', 'audit'), { inject: true, data: {} });
  const body = { type: 'file', description: 'd', options: { file_path: '/x', mode: 600 } };
  assert.deepEqual(await ask(core, 'update', 'audit/a/b', { body }), {});
  assert.deepEqual(await answer(core, 'read', 'audit'), {
    'a/b/': { ...body, options: { file_path: '/x', mode: '600' }, path: 'a/b/', local: false },
  });
  assert.deepEqual(await ask(core, 'delete', 'audit/a/b'), {});
  assert.deepEqual(await ask(core, 'delete', 'audit/a/b'), {});
  assert.deepEqual(core.deviceList, []);
});

test('audit-hash', async () => {
  const core = fakeCore();
  await ask(core, 'update', 'audit/f', { body: { type: 'file' } });
  assert.deepEqual(await ask(core, 'update', 'audit-hash/f', { body: { input: 'abc' } }), {
    inject: true,
    data: { hash: 'hmac-sha256:3' },
  });
  assert.deepEqual(await refusal(core, 'update', 'audit-hash/g', { body: { input: 'abc' } }), [
    400,
    'unknown audit backend "g/"',
  ]);
  assert.deepEqual(await refusal(core, 'update', 'audit-hash/f', { body: {} }), [
    400,
    'the "input" parameter is empty',
  ]);
  assert.deepEqual(await refusal(core, 'update', 'audit-hash', { body: { input: 'x' } }), [
    404,
    '1 error occurred:\n\t* unsupported path\n\n',
  ]);
});

test('a device needs a type, and bounds', async () => {
  const core = fakeCore();
  assert.deepEqual(await refusal(core, 'update', 'audit/f', { body: {} }), [400, 'unknown backend type: ""']);
  const long = { type: 'file', description: 'x'.repeat(65_536) };
  assert.equal((await refusal(core, 'update', 'audit/f', { body: long }))[0], 400);
  assert.equal(
    (await refusal(core, 'update', `audit/${'f'.repeat(512)}`, { body: { type: 'file' } }))[0],
    400,
  );
  assert.deepEqual(core.deviceList, []);
});
