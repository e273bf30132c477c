import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answer, ask, type FakeCore, fakeCore, refusal, stateWith } from './ask.ts';

function coreWithReader(): FakeCore {
  const core = fakeCore();
  core.policyTexts.set(
    'reader',
    'path "secret/data/*" { capabilities = ["read", "update"] }\npath "secret/data/no" { capabilities = ["deny"] }',
  );
  core.tokens.set('reader', stateWith(['reader']));
  return core;
}

test('one path: its list, and the same as capabilities; several: without', async () => {
  const core = coreWithReader();
  const one = await ask(core, 'update', 'capabilities', { body: { token: 'reader', path: 'secret/data/a' } });
  assert.equal(one.inject, true);
  assert.deepEqual(
    await answer(core, 'update', 'capabilities', { body: { token: 'reader', paths: ['secret/data/a'] } }),
    {
      'secret/data/a': ['read', 'update'],
      capabilities: ['read', 'update'],
    },
  );
  assert.deepEqual(
    await answer(core, 'update', 'capabilities', {
      body: { token: 'reader', paths: 'secret/data/no, /secret/data/b,x' },
    }),
    { 'secret/data/no': ['deny'], '/secret/data/b': ['read', 'update'], x: ['deny'] },
  );
});

test('root: root', async () => {
  const body = { paths: ['a', '__proto__'] };
  assert.deepEqual(
    (await ask(fakeCore(), 'update', 'capabilities-self', { body })).data,
    new Map([
      ['a', ['root']],
      ['__proto__', ['root']],
    ]),
  );
});

test('self, and by accessor', async () => {
  const core = coreWithReader();
  const expected = { 'secret/data/a': ['read', 'update'], capabilities: ['read', 'update'] };
  const path = 'secret/data/a';
  assert.deepEqual(
    await answer(core, 'update', 'capabilities-self', { token: 'reader', body: { path } }),
    expected,
  );
  assert.deepEqual(
    await answer(core, 'update', 'capabilities-self', { token: 'reader', body: { path, token: 'root' } }),
    expected,
    'whoever else is named: it is about the caller',
  );
  const body = { accessor: 'accessorOfreader', path };
  assert.deepEqual(await answer(core, 'update', 'capabilities-accessor', { body }), expected);
});

for (const [where, body, text] of [
  ['capabilities', { token: 'root' }, 'paths must be supplied'],
  ['capabilities', { path: 'a' }, '1 error occurred:\n\t* no token found\n\n'],
  ['capabilities', { token: 'nope', path: 'a' }, '1 error occurred:\n\t* invalid token\n\n'],
  ['capabilities-self', {}, 'paths must be supplied'],
  ['capabilities-accessor', { path: 'a' }, 'missing accessor'],
  ['capabilities-accessor', { accessor: 'nope', path: 'a' }, '1 error occurred:\n\t* invalid accessor\n\n'],
  [
    'capabilities-accessor',
    { accessor: '../reader', path: 'a' },
    '1 error occurred:\n\t* invalid accessor\n\n',
  ],
  ['capabilities', { token: 'x'.repeat(8_193), path: 'a' }, '1 error occurred:\n\t* invalid token\n\n'],
  ['capabilities-self', { paths: Array(10_001).fill('a') }, 'at most 10000 paths may be asked about at once'],
] as const) {
  test(`${where} of ${JSON.stringify(body).slice(0, 60)} is refused: ${text.trim()}`, async () => {
    assert.deepEqual(await refusal(coreWithReader(), 'update', where, { body }), [400, text]);
  });
}
