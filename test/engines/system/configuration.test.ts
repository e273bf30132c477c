import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CORS } from '../../../src/model/settings.ts';
import { answer, ask, fakeCore, refusal } from './ask.ts';

test('cors: off, on with what browsers may send, off again', async () => {
  const core = fakeCore();
  assert.deepEqual(await ask(core, 'read', 'config/cors'), { inject: true, data: { enabled: false } });
  const body = { allowed_origins: 'https://a.example,https://b.example', allowed_headers: ['X-Mine'] };
  assert.deepEqual(await ask(core, 'update', 'config/cors', { body }), {});
  const shown = await answer(core, 'read', 'config/cors');
  assert.equal(shown.enabled, true);
  assert.deepEqual(shown.allowed_origins, ['https://a.example', 'https://b.example']);
  assert.deepEqual(shown.allowed_headers.slice(0, 3), ['Content-Type', 'Authorization', 'X-Vault-Token']);
  assert.equal(shown.allowed_headers.at(-1), 'X-Mine');
  assert.deepEqual(await ask(core, 'delete', 'config/cors'), {});
  assert.deepEqual(await answer(core, 'read', 'config/cors'), { enabled: false });
});

for (const [body, wanted] of [
  [{}, 'at least one origin or the wildcard must be provided'],
  [{ enable: true, allowed_origins: [''] }, 'at least one origin'],
  [{ allowed_origins: ['https://a', '*'] }, "the '*' must be the only value"],
  [{ allowed_origins: '*', allowed_headers: ['a b'] }, 'expected names of headers'],
  [{ allowed_origins: '*', allowed_headers: ['a\r\nb'] }, 'expected names of headers'],
] as const) {
  test(`cors refuses ${JSON.stringify(body)}`, async () => {
    const core = fakeCore();
    const [status, text] = await refusal(core, 'update', 'config/cors', { body });
    assert.equal(status, 400);
    assert(text?.includes(wanted), String(text));
    assert.equal(core.settingsNow.has(CORS), false);
  });
}

test('headers of the web interface: one name in one spelling, its first value or all', async () => {
  const core = fakeCore();
  assert.deepEqual(await ask(core, 'read', 'config/ui/headers/X-A'), {});
  const body = { values: ['a', 'b'] };
  assert.equal((await ask(core, 'update', 'config/ui/headers/x-a', { body })).data, null);
  assert.deepEqual(await answer(core, 'read', 'config/ui/headers/X-A'), { value: 'a' });
  const query = { multivalue: 'true' };
  assert.deepEqual(await answer(core, 'read', 'config/ui/headers/x-A', { query }), { values: ['a', 'b'] });
  assert.deepEqual(await answer(core, 'list', 'config/ui/headers/'), { keys: ['X-A'] });
  const { warnings } = await ask(core, 'update', 'config/ui/headers/content-security-policy', { body });
  assert.match(warnings?.[0] ?? '', /^overriding default Content-Security-Policy/);
  assert.deepEqual(await ask(core, 'delete', 'config/ui/headers/X-a'), {});
  assert.deepEqual(await ask(core, 'delete', 'config/ui/headers/X-a'), {});
  assert.deepEqual(await answer(core, 'list', 'config/ui/headers/'), { keys: ['Content-Security-Policy'] });
});

for (const [name, values, wanted] of [
  ['X-A', [], 'header and values must be specified'],
  ['x-vault-a', ['a'], 'X-Vault headers cannot be set'],
  ['content-length', ['1'], 'this header cannot be set'],
  ['date', ['a'], 'this header cannot be set'],
  ['X-A', ['a\r\nSet-Cookie: b'], 'values: expected printable characters of ASCII'],
] as const) {
  test(`a header of the web interface is refused: ${JSON.stringify([name, values])}`, async () => {
    const core = fakeCore();
    assert.deepEqual(await refusal(core, 'update', `config/ui/headers/${name}`, { body: { values } }), [
      400,
      wanted,
    ]);
    assert.equal(core.settingsNow.size, 0);
  });
}

test('the configuration is shown as the node was given it', async () => {
  assert.deepEqual(await answer(fakeCore(), 'read', 'config/state/sanitized'), { enable_ui: true });
});
