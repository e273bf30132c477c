import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { type Acl, compileAcl } from '../../../src/auth/policies/acl.ts';
import { parsePolicy } from '../../../src/auth/policies/parse.ts';

function acl(text: string, values: Record<string, string> = {}): Acl {
  return compileAcl([parsePolicy('p', text)], (directive) =>
    Object.hasOwn(values, directive) ? values[directive] : undefined,
  );
}

const READ_OWN = 'path "secret/{{ identity.entity.name }}/*" { capabilities = ["read"] }';
const NAME = 'identity.entity.name';

test('values are filled in, blanks in the braces are not part of the name', () => {
  assert.deepEqual(acl(READ_OWN, { [NAME]: 'bob' }).capabilities('secret/bob/x'), ['read']);
  assert.deepEqual(acl(READ_OWN, { [NAME]: 'bob' }).capabilities('secret/eve/x'), ['deny']);
  const two = acl('path "{{a}}/x/{{b}}" { capabilities = ["read"] }', { a: '1', b: '2' });
  assert.deepEqual(two.capabilities('1/x/2'), ['read']);
  const plus = acl('path "{{a}}/+/{{b}}/{{a}}*" { capabilities = ["read"] }', { a: '1', b: '2' });
  assert.deepEqual(plus.capabilities('1/anything/2/1more'), ['read']);
  assert.deepEqual(plus.capabilities('1/anything/1/1more'), ['deny']);
});

test('a policy says whether it is templated', () => {
  assert.equal(parsePolicy('p', READ_OWN).templated, true);
  assert.equal(parsePolicy('p', 'path "secret/*" {}').templated, false);
});

test('a rule without its value is dropped, and said to be', () => {
  const without: Record<string, string>[] = [{}, { [NAME]: '' }, { other: 'bob' }];
  for (const values of without) {
    const rules = acl(`${READ_OWN} path "a" { capabilities = ["read"] }`, values);
    assert.deepEqual(rules.capabilities('secret//x'), ['deny']);
    assert.deepEqual(rules.capabilities('secret/bob/x'), ['deny']);
    assert.deepEqual(rules.capabilities('secret/{{ identity.entity.name }}/x'), ['deny']);
    assert.deepEqual(rules.capabilities('a'), ['read'], 'the others hold');
    assert.deepEqual(rules.dropped, [
      { policy: 'p', path: 'secret/{{ identity.entity.name }}/*', reason: 'no value' },
    ]);
  }
});

test('security: a value with * or + is text, no pattern (GHSA-59w7)', () => {
  const stars = acl('path "secret/{{a}}" { capabilities = ["read"] }', { a: '*' });
  assert.deepEqual(stars.capabilities('secret/other'), ['deny']);
  assert.deepEqual(stars.capabilities('secret/*'), ['read']);
  const plus = acl('path "secret/{{a}}/x" { capabilities = ["read"] }', { a: '+' });
  assert.deepEqual(plus.capabilities('secret/other/x'), ['deny']);
  assert.deepEqual(plus.capabilities('secret/+/x'), ['read']);
  const beside = acl(
    'path "+/{{a}}/x" { capabilities = ["read"] } path "+/+/x" { capabilities = ["list"] }',
    { a: '+' },
  );
  assert.deepEqual(beside.capabilities('1/+/x'), ['read'], 'nor is it taken for the same pattern');
  assert.deepEqual(beside.capabilities('1/2/x'), ['list']);
  const ends = acl('path "+/x{{a}}" { capabilities = ["read"] }', { a: '*' });
  assert.deepEqual(ends.capabilities('1/xyz'), ['deny']);
  const braces = acl('path "{{a}}" { capabilities = ["read"] }', { a: '{{b}}', b: 'c' });
  assert.deepEqual(braces.capabilities('c'), ['deny']);
});

test('security: a value with a slash reaches no other folder (CVE-2026-5006)', () => {
  const rules = acl(READ_OWN, { [NAME]: 'bob/../eve' });
  assert.deepEqual(rules.capabilities('secret/bob/../eve/x'), ['deny']);
  assert.deepEqual(rules.dropped, [
    { policy: 'p', path: 'secret/{{ identity.entity.name }}/*', reason: 'a value holds a slash' },
  ]);
  assert.deepEqual(acl(READ_OWN, { [NAME]: '/' }).capabilities('secret///x'), ['deny']);
});

test('security: a denial is not dropped because of what its value holds (GHSA-hr5j)', () => {
  const text = (path: string) =>
    `path "secret/*" { capabilities = ["read"] } path "${path}" { capabilities = ["deny"] }`;
  assert.deepEqual(acl(text('secret/{{a}}/*'), { a: 'x/y' }).capabilities('secret/x/y/z'), ['deny']);
  assert.deepEqual(acl(text('secret/{{a}}'), { a: '*' }).capabilities('secret/*'), ['deny']);
  assert.deepEqual(
    acl('path "+/*" { capabilities = ["read"] } path "+/{{a}}/z" { capabilities = ["deny"] }', {
      a: 'x/y',
    }).capabilities('1/x/y/z'),
    ['deny'],
  );
});

test('a rule with a value is the rule with that text, for every text without special characters', () => {
  const word = fc.stringMatching(/^[a-zA-Z0-9 _.:@-]{1,8}$/);
  const shape = fc.constantFrom(
    's/{{v}}',
    's/{{v}}/*',
    's/x{{v}}*',
    '+/{{v}}/x',
    '{{v}}/+/{{v}}',
    '+/a{{v}}b*',
  );
  fc.assert(
    fc.property(shape, word, word, (path, value, other) => {
      const filled = acl(`path "${path}" { capabilities = ["read"] }`, { v: value });
      const plain = acl(`path "${path.replaceAll('{{v}}', () => value)}" { capabilities = ["read"] }`);
      for (const text of [
        `s/${value}`,
        `s/${value}/x`,
        `s/x${value}y`,
        `q/${value}/x`,
        `${value}/${other}/${value}`,
        `q/a${value}bc`,
        `s/${other}`,
      ]) {
        assert.deepEqual(filled.capabilities(text), plain.capabilities(text), text);
      }
    }),
  );
});
