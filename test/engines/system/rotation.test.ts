import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answer, ask, fakeCore, refusal } from './ask.ts';

for (const path of ['rotate/config', 'rotate/keyring/config']) {
  test(`${path}: what is not sent stays; the interval is a duration, or 0`, async () => {
    const core = fakeCore();
    assert.deepEqual(await answer(core, 'read', path), {
      enabled: true,
      interval: 0,
      max_operations: 3_865_470_566,
    });
    const body = { max_operations: 2_000_000, interval: '48h' };
    assert.deepEqual(await ask(core, 'update', path, { body }), {});
    await ask(core, 'update', path, { body: { enabled: false } });
    assert.deepEqual(await answer(core, 'read', path), {
      enabled: false,
      interval: '48h0m0s',
      max_operations: 2_000_000,
    });
    assert.deepEqual(await refusal(core, 'update', path, { body: { interval: 'soon' } }), [
      400,
      'Field validation failed: error converting input for field "interval": expected a duration such as "90s" or "1h30m"',
    ]);
  });
}

test('rotate and rotate/keyring begin a new key', async () => {
  const core = fakeCore();
  await ask(core, 'update', 'rotate');
  await ask(core, 'update', 'rotate/keyring');
  assert.deepEqual(core.done, ['rotate', 'rotate']);
});
