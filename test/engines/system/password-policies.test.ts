import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answer, ask, fakeCore, refusal } from './ask.ts';

const TEXT = 'length = 20\nrule "charset" { charset = "ab" }';

test('written, read back to the letter, listed, used, removed', async () => {
  const core = fakeCore();
  assert.deepEqual(await ask(core, 'update', 'policies/password/P', { body: { policy: TEXT } }), {});
  const base64 = Buffer.from(TEXT).toString('base64');
  assert.deepEqual(await ask(core, 'update', 'policies/password/b', { body: { policy: base64 } }), {});
  for (const name of ['P', 'b'])
    assert.deepEqual(await answer(core, 'read', `policies/password/${name}`), { policy: TEXT });
  assert.deepEqual(await answer(core, 'list', 'policies/password/'), { keys: ['P', 'b'] });
  const { password } = await answer(core, 'read', 'policies/password/P/generate');
  assert.match(password, /^[ab]{20}$/);
  assert.deepEqual(await ask(core, 'delete', 'policies/password/P'), {});
  assert.deepEqual(await ask(core, 'delete', 'policies/password/P'), {});
  assert.deepEqual(await answer(core, 'list', 'policies/password/'), { keys: ['b'] });
});

test('what is not there: 404 with a word', async () => {
  for (const path of ['policies/password/x', 'policies/password/x/generate'])
    assert.deepEqual(await refusal(fakeCore(), 'read', path), [
      404,
      '1 error occurred:\n\t* policy does not exist\n\n',
    ]);
});

for (const [policy, wanted] of [
  ['', 'missing policy'],
  ['length = 3\nrule "charset" { charset = "ab" }', 'passwords must be between 4 and 100 characters'],
  ['length = 101\nrule "charset" { charset = "ab" }', 'passwords must be between 4 and 100 characters'],
  ['length = 20', 'invalid password policy: 1 error occurred:\n\t* no charset specified\n\n'],
] as const) {
  test(`refused: ${JSON.stringify(policy)}`, async () => {
    const core = fakeCore();
    assert.deepEqual(await refusal(core, 'update', 'policies/password/x', { body: { policy } }), [
      400,
      `1 error occurred:\n\t* ${wanted}\n\n`,
    ]);
    assert.equal(core.settingsNow.size, 0);
  });
}

test('a name is bounded', async () => {
  const path = `policies/password/${'x'.repeat(513)}`;
  assert.equal((await refusal(fakeCore(), 'update', path, { body: { policy: TEXT } }))[0], 400);
});
