import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  generatePassword,
  PasswordPolicyError,
  parsePasswordPolicy,
} from '../../src/model/password-policy.ts';

const rule = (charset: string, more = '') => `rule "charset" { charset = "${charset}"\n${more} }`;

test('HCL and JSON say the same; characters count once', () => {
  const wanted = { length: 20, rules: [{ charset: ['a', 'b'], minChars: 2 }] };
  assert.deepEqual(parsePasswordPolicy(`length = 20\n${rule('abba', 'min-chars = 2')}`), wanted);
  const json = { length: 20, rule: [{ charset: { charset: 'ab', 'min-chars': 2 } }] };
  assert.deepEqual(parsePasswordPolicy(JSON.stringify(json)), wanted);
  assert.deepEqual(parsePasswordPolicy(`length = 20\nother = 1\n${rule('ab', 'min-chars = -2')}`).rules, [
    { charset: ['a', 'b'], minChars: 0 },
  ]);
});

for (const [what, text, wanted] of [
  ['no charset', 'length = 20', '* no charset specified'],
  ['an empty charset', `length = 20\n${rule('')}`, '* no charset specified'],
  ['no length', rule('ab'), '* length must be > 0'],
  ['neither', '', '2 errors occurred:\n\t* length must be > 0\n\t* no charset specified'],
  [
    'more asked for than there is room',
    `length = 20\n${rule('ab', 'min-chars = 15')}\n${rule('cd', 'min-chars = 15')}`,
    '* specified rules require at least 30 characters but 20 is specified',
  ],
  [
    'a rule that wants characters of nothing',
    `length = 20\n${rule('ab')}\n${rule('', 'min-chars = 1')}`,
    'has no charset',
  ],
  ['a tab', `length = 20\n${rule('a\\tb')}`, '* non-printable character in charset'],
  ['a length in quotes', `length = "20"\n${rule('ab')}`, 'failed to decode: '],
  ['another kind of rule', 'length = 20\nrule "other" { charset = "ab" }', 'unable to parse rules: '],
  ['no HCL', 'length = = 20', 'failed to decode: '],
] as const) {
  test(`refused: ${what}`, () => {
    assert.throws(
      () => parsePasswordPolicy(text),
      (error: unknown) => error instanceof PasswordPolicyError && error.message.includes(wanted),
    );
  });
}

test('whatever the text, it is a policy or is refused as one', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      try {
        parsePasswordPolicy(text);
      } catch (error) {
        assert(error instanceof PasswordPolicyError, String(error));
      }
    }),
  );
});

test('each password is as its policy says, also where that leaves no choice', () => {
  const charset = fc.uniqueArray(fc.constantFrom(...'abcčš🔑0123 '), { minLength: 1 });
  const rules = fc.array(fc.record({ charset, minChars: fc.nat(5) }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(rules, fc.nat(20), (given, more) => {
      const length = given.reduce((sum, { minChars }) => sum + minChars, 0) + more;
      const password = [...generatePassword({ length, rules: given }, randomBytes)];
      assert.equal(password.length, length);
      for (const { charset: wanted, minChars } of given)
        assert(password.filter((one) => wanted.includes(one)).length >= minChars);
      assert(password.every((one) => given.some(({ charset: wanted }) => wanted.includes(one))));
    }),
  );
});

test('every character is drawn as often as every other, wherever it stands', () => {
  const policy = parsePasswordPolicy(`length = 100\n${rule('abc', 'min-chars = 50')}`);
  const counts = { a: 0, b: 0, c: 0 };
  for (let n = 0; n < 300; n++) for (const one of generatePassword(policy, randomBytes)) counts[one as 'a']++;
  // 10,000 each; the bound is some nine standard deviations.
  for (const count of Object.values(counts)) assert(Math.abs(count - 10_000) < 750, JSON.stringify(counts));
});

test('what a rule asks for does not stand first', () => {
  const policy = parsePasswordPolicy(`length = 20\n${rule('a')}\n${rule('b', 'min-chars = 1')}`);
  const places = new Set(
    Array.from({ length: 400 }, () => generatePassword(policy, randomBytes).indexOf('b')),
  );
  assert(places.size > 3, [...places].join());
});
