/** Patterns of `matches`: RE2's syntax (https://github.com/google/re2/wiki/Syntax), in time that is bounded by pattern times text. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseExpression } from '../../src/audit/expression.ts';
import { compilePattern } from '../../src/audit/pattern.ts';
import { CodedError } from '../../src/model/errors.ts';

const FOUND: readonly (readonly [pattern: string, text: string])[] = [
  ['^secret/', 'secret/data/a'],
  ['data', 'secret/data/a'],
  ['^secret/data/[a-z]+$', 'secret/data/abc'],
  ['^(?:a|bc)+$', 'abcbca'],
  ['^a{2,3}$', 'aaa'],
  ['^a{2,}$', 'aaaaaa'],
  ['^a{0}$', ''],
  ['a{,2}', 'a{,2}'],
  ['x{', 'x{'],
  ['^(?i)SeCret/', 'sECRET/a'],
  ['^a(?i:B)c$', 'abc'],
  ['(?i)[a-c]$', 'xB'],
  ['(?i)straße', 'STRAßE'],
  ['(?s)^a.b$', 'a\nb'],
  ['(?m)^b$', 'a\nb\nc'],
  ['\\bdata\\b', 'secret/data/a'],
  ['\\Bat\\B', 'data'],
  ['\\Aa\\z', 'a'],
  ['^\\d+\\.\\d+$', '10.2'],
  ['^[\\w.-]+$', 'a.b-c_9'],
  ['^[^/]+/$', 'secret/'],
  ['^[]a]+$', ']a'],
  ['^[a-]+$', 'a-'],
  ['^[[:alpha:]]+[[:^digit:]]$', 'ab-'],
  ['^\\p{Greek}+\\pL$', 'αβx'],
  ['^\\P{L}\\p{^L}$', '12'],
  ['^\\x41\\x{1F600}$', 'A😀'],
  ['^.$', '😀'],
  ['\\Qa.b*\\E$', 'a.b*'],
  ['(?P<name>a)(?<other>b)', 'ab'],
  ['a**'.slice(0, 2), ''],
  ['a*?b+?', 'b'],
  ['', 'anything'],
  ['a||b', 'z'],
];
const NOT_FOUND: readonly (readonly [pattern: string, text: string])[] = [
  ['^secret/', 'a/secret/'],
  ['^a{2,3}$', 'aaaa'],
  ['^a.b$', 'a\nb'],
  ['^b$', 'a\nb'],
  ['^a(?i:B)c$', 'abC'],
  ['a(?i)b(?-i)c', 'aBC'],
  ['\\bat', 'data'],
  ['(?i)[^a-c]', 'abcABC'],
  ['\\d', 'x'],
  ['^[\\w]$', 'é'],
];
for (const [pattern, text] of FOUND)
  test(`/${pattern}/ is in ${JSON.stringify(text)}`, () => assert(compilePattern(pattern)(text)));
for (const [pattern, text] of NOT_FOUND)
  test(`/${pattern}/ is not in ${JSON.stringify(text)}`, () => assert(!compilePattern(pattern)(text)));

const REFUSED = [
  '(',
  ')',
  'a)',
  '[a',
  '[b-a]',
  '[a-\\d]',
  '*',
  '+a',
  'a**',
  'a{2}{3}',
  'a{3,2}',
  'a{1001}',
  '(?',
  '(?)',
  '(?=a)',
  '(?!a)',
  '(?<=a)',
  '(a)\\1',
  '\\q',
  '\\pQ',
  '\\p{Nothing}',
  '\\x{110000}',
  '[[:none:]]',
  '\\',
  '('.repeat(101) + ')'.repeat(101),
];
for (const pattern of REFUSED) {
  test(`refused: ${pattern.slice(0, 20)}`, () => {
    assert.throws(
      () => compilePattern(pattern),
      (error) => error instanceof CodedError && error.status === 400 && !error.message.includes(pattern),
    );
  });
}

test('a refusal for size comes at once, also where what is repeated is empty', () => {
  const startedMs = performance.now();
  for (const pattern of [
    '((a{999}){999}){999}',
    '(?:(?:(?:){1000}){1000}){1000}',
    '((((|a){1000}){1000})*){1000}',
  ])
    assert.throws(() => compilePattern(pattern), /too large/);
  assert(performance.now() - startedMs < 2_000);
});

// With the language's engine each of these takes longer than the universe has been there.
const HOSTILE: readonly (readonly [pattern: string, text: string])[] = [
  ['(a+)+$', `${'a'.repeat(4_095)}b`],
  ['^(a|a)*$', `${'a'.repeat(4_095)}b`],
  ['^(a|aa)+$', `${'a'.repeat(4_095)}b`],
  ['(.*)*x(.*)*y', 'x'.repeat(4_096)],
  ['^(([a-z])+.)+[A-Z]([a-z])+$', 'a'.repeat(4_096)],
  [`${'a?'.repeat(60)}${'a'.repeat(60)}$`, `${'a'.repeat(59)}b`],
  ['(()*)*b', 'a'.repeat(4_096)],
];
for (const [pattern, text] of HOSTILE) {
  test(`a hostile pattern holds nobody up: ${pattern.slice(0, 30)}`, () => {
    const startedMs = performance.now();
    const condition = parseExpression(`path matches ${JSON.stringify(pattern)}`);
    assert.equal(
      condition(() => text),
      false,
    );
    assert(performance.now() - startedMs < 2_000, 'it took too long');
  });
}

test('a text is looked at up to a bound', () => {
  const isFound = compilePattern('needle');
  assert(isFound(`${'x'.repeat(4_000)}needle`));
  assert(!isFound(`${'x'.repeat(5_000)}needle`));
});

/** What both engines read alike, and the language's own does not lose itself in. */
const { pattern: PATTERNS } = fc.letrec<{ pattern: string; piece: string }>((tie) => ({
  pattern: fc.array(tie('piece'), { maxLength: 4 }).map((pieces) => pieces.join('')),
  piece: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom('a', 'b', 'ab', '.', '[ab]', '[^a]', '\\w', '\\d', '\\b', '^', '$', 'é', '😀'),
    fc
      .tuple(
        fc.constantFrom('a', 'b', '[ab]', '.'),
        fc.constantFrom('*', '+', '?', '{2}', '{1,2}', '{2,}', '*?'),
      )
      .map((parts) => parts.join('')),
    tie('pattern').map((inner) => `(?:${inner})`),
    fc
      .tuple(tie('pattern'), fc.constantFrom('*', '+', '?', '{0,2}'))
      .map(([inner, times]) => `(?:${inner})${times}`),
    fc.tuple(tie('pattern'), tie('pattern')).map(([one, other]) => `(?:${one}|${other})`),
  ),
}));
const TEXTS = fc.array(fc.constantFrom('a', 'b', 'c', '1', ' ', '\n', 'é', '😀'), { maxLength: 10 });

test('finds what the language itself finds', () => {
  fc.assert(
    fc.property(PATTERNS, TEXTS, (pattern, chars) => {
      const text = chars.join('');
      assert.equal(
        compilePattern(pattern)(text),
        // Not `u`: with it V8 does not find /[^a]$/ in a character of two code units.
        new RegExp(pattern.replaceAll('.', '[^\\n]'), 'v').test(text),
      );
    }),
    { numRuns: 3_000 },
  );
});

test('any text is compiled or refused, never more', () => {
  const words = fc.constantFrom(
    'a',
    '(',
    ')',
    '[',
    ']',
    '{2',
    '}',
    ',',
    '\\',
    '?',
    '*',
    '+',
    '|',
    '^',
    '$',
    'P<',
    ':',
    '-',
    'Q',
    'E',
    'p',
    'x',
  );
  fc.assert(
    fc.property(fc.array(words, { maxLength: 20 }), (parts) => {
      try {
        compilePattern(parts.join(''))('ab');
      } catch (error) {
        assert(error instanceof CodedError, String(error));
      }
    }),
    { numRuns: 3_000 },
  );
});
