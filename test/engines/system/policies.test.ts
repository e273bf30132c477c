import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answer, ask, fakeCore, refusal } from './ask.ts';

const TEXT = '  path "a" { capabilities = ["read"] }\n';

test('lists: root last, twice and injected in the old place, keys alone in the new one', async () => {
  const core = fakeCore();
  core.policyTexts.set('zz', TEXT);
  for (const verb of ['read', 'list'] as const) {
    const reply = await ask(core, verb, 'policy');
    assert.equal(reply.inject, true);
    assert.deepEqual(reply.data, { keys: ['default', 'zz', 'root'], policies: ['default', 'zz', 'root'] });
  }
  assert.deepEqual(await ask(core, 'list', 'policies/acl/'), {
    data: { keys: ['default', 'zz', 'root'] },
  });
  assert.deepEqual(await refusal(core, 'read', 'policies/acl'), [405, 'unsupported operation']);
});

test('a policy reads back to the letter: rules in the old place, policy in the new, and nothing more', async () => {
  const core = fakeCore();
  assert.deepEqual(await ask(core, 'update', 'policies/acl/p', { body: { policy: TEXT } }), {});
  assert.deepEqual(await answer(core, 'read', 'policies/acl/p'), { name: 'p', policy: TEXT });
  assert.deepEqual(await answer(core, 'read', 'policy/p'), { name: 'p', rules: TEXT });
  assert.equal((await ask(core, 'read', 'policy/p')).inject, true);
  assert.equal((await ask(core, 'read', 'policies/acl/p')).inject, undefined);
});

test('names are lower-cased by the table; they may have slashes', async () => {
  const core = fakeCore();
  await ask(core, 'update', 'policies/acl/A/B', { body: { policy: TEXT } });
  assert.equal(core.policyTexts.get('a/b'), TEXT);
  assert.equal((await answer(core, 'read', 'policy/a/B')).name, 'a/b');
  await ask(core, 'delete', 'policy/A/b');
  assert.equal(core.policyTexts.has('a/b'), false);
});

test('base64 of a policy is the policy', async () => {
  const core = fakeCore();
  await ask(core, 'update', 'policies/acl/p', { body: { policy: Buffer.from(TEXT).toString('base64') } });
  assert.equal(core.policyTexts.get('p'), TEXT);
});

test('the older name of the field, with a warning', async () => {
  const core = fakeCore();
  assert.deepEqual(await ask(core, 'update', 'policy/p', { body: { rules: TEXT } }), {
    warnings: ["'rules' is deprecated, please use 'policy' instead"],
  });
  assert.equal(core.policyTexts.get('p'), TEXT);
});

test('what is not there: nothing to read, nothing to remove', async () => {
  const core = fakeCore();
  assert.deepEqual(await ask(core, 'read', 'policy/nope'), {});
  assert.deepEqual(await ask(core, 'read', 'policies/acl/nope'), {});
  assert.deepEqual(await ask(core, 'delete', 'policies/acl/nope'), {});
});

test('root has no text', async () => {
  assert.deepEqual(await answer(fakeCore(), 'read', 'policies/acl/root'), { name: 'root', policy: '' });
});

for (const [verb, name, text] of [
  ['update', 'root', 'cannot update "root" policy'],
  ['update', 'RooT', 'cannot update "root" policy'],
  ['update', ' root', 'cannot update "root" policy'],
  ['update', 'Response-Wrapping', 'cannot update "response-wrapping" policy'],
  ['delete', 'ROOT', 'cannot delete "root" policy'],
  ['delete', 'response-wrapping', 'cannot delete "response-wrapping" policy'],
  ['delete', 'Default', 'cannot delete default policy'],
] as const) {
  for (const place of ['policy', 'policies/acl']) {
    test(`${verb} of ${place}/${name} is refused`, async () => {
      const core = fakeCore();
      assert.deepEqual(await refusal(core, verb, `${place}/${name}`, { body: { policy: TEXT } }), [
        400,
        text,
      ]);
      assert.deepEqual([...core.policyTexts.keys()], ['default']);
    });
  }
}

for (const body of [{}, { policy: '' }, { policy: null }]) {
  test(`a policy of ${JSON.stringify(body)} is refused`, async () => {
    for (const place of ['policy/p', 'policies/acl/p']) {
      assert.deepEqual(await refusal(fakeCore(), 'update', place, { body }), [
        400,
        "'policy' parameter not supplied or empty",
      ]);
    }
  });
}

test('a policy that does not parse is refused, and kept is what was there', async () => {
  const core = fakeCore();
  const [status, text] = await refusal(core, 'update', 'policies/acl/p', { body: { policy: 'path {' } });
  assert.equal(status, 400);
  assert.match(text!, /^failed to parse policy: /);
  assert.equal(core.policyTexts.has('p'), false);
});

test('a name that is too long is refused', async () => {
  const [status] = await refusal(fakeCore(), 'update', `policy/${'x'.repeat(513)}`, {
    body: { policy: TEXT },
  });
  assert.equal(status, 400);
});

test('the detailed list has the texts', async () => {
  const core = fakeCore();
  core.policyTexts.set('p', TEXT);
  const { keys, key_info: info } = await answer(core, 'list', 'policies/detailed/acl');
  assert.deepEqual(keys, ['default', 'p', 'root']);
  assert.deepEqual(info.p, { name: 'p', policy: TEXT });
  assert.deepEqual(info.root, { name: 'root', policy: '' });
});
