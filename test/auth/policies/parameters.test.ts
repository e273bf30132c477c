import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { compileAcl } from '../../../src/auth/policies/acl.ts';
import { matchesGlob } from '../../../src/auth/policies/parameters.ts';
import { parsePolicy } from '../../../src/auth/policies/parse.ts';
import { type Json, type JsonMap, JsonNumber } from '../../../src/model/json.ts';
import { parseJson } from '../../../src/model/json-parser.ts';

function sent(json: string): JsonMap {
  return parseJson(json) as JsonMap;
}

/** May an update with this body be done, under policies that say this of the path? */
function passes(body: string, ...rules: string[]): boolean {
  const policies = rules.map((rule, index) =>
    parsePolicy(`p${index}`, `path "a" { capabilities = ["update"] ${rule} }`),
  );
  const question = { path: 'a', verb: 'update', mayCreate: false, sudo: false, fields: sent(body) } as const;
  return compileAcl(policies).check(question).allowed;
}

const CASES: [name: string, rule: string, passing: string[], refused: string[]][] = [
  [
    'a list of values',
    'allowed_parameters = { "k" = ["x", "y"] }',
    ['{}', '{"k":"x"}', '{"K":"y"}'],
    ['{"k":"z"}', '{"other":"x"}', '{"k":"x","other":1}'],
  ],
  [
    '[] is any value',
    'allowed_parameters = { "k" = [] }',
    ['{"k":"x"}', '{"k":[1]}', '{"k":null}'],
    ['{"other":"x"}'],
  ],
  [
    '* is any field',
    'allowed_parameters = { "k" = ["x"] "*" = [] }',
    ['{"k":"x","o":1}', '{"o":1}'],
    ['{"k":"z"}'],
  ],
  ['* alone allows all', 'allowed_parameters = { "*" = [] }', ['{"o":1}', '{"k":{"a":1}}'], []],
  [
    '* alone with values still allows all, as in Vault',
    'allowed_parameters = { "*" = ["x"] }',
    ['{"o":"y"}'],
    [],
  ],
  ['an empty block allows all', 'allowed_parameters = {}', ['{"o":1}'], []],
  [
    'names in any case',
    'allowed_parameters = { "PolicIES" = ["x"] }',
    ['{"pOLICies":"x"}'],
    ['{"policies":"y"}'],
  ],
  [
    'denied with [] is any value',
    'denied_parameters = { "k" = [] }',
    ['{}', '{"o":1}'],
    ['{"k":"x"}', '{"K":null}'],
  ],
  [
    'denied values',
    'denied_parameters = { "k" = ["x", 5] }',
    ['{"k":"y"}', '{"k":6}'],
    ['{"k":"x"}', '{"k":5}'],
  ],
  ['denied * blocks every field', 'denied_parameters = { "*" = [] }', ['{}'], ['{"o":1}']],
  [
    'denied before allowed',
    'allowed_parameters = { "k" = ["x"] } denied_parameters = { "k" = ["x"] }',
    ['{}'],
    ['{"k":"x"}'],
  ],
  [
    'globs at the ends',
    'allowed_parameters = { "k" = ["ab*", "*yz", "*mid*"] }',
    ['{"k":"abc"}', '{"k":"xyz"}', '{"k":"a mid b"}'],
    ['{"k":"cab"}', '{"k":"yzx"}', '{"k":["abc"]}'],
  ],
  [
    'a star in the middle is a star',
    'allowed_parameters = { "k" = ["a*c"] }',
    ['{"k":"a*c"}'],
    ['{"k":"abc"}'],
  ],
  ['a star alone is a star', 'allowed_parameters = { "k" = ["*"] }', ['{"k":"*"}'], ['{"k":"x"}']],
  ['** is anything', 'allowed_parameters = { "k" = ["**"] }', ['{"k":"x"}', '{"k":""}'], ['{"k":1}']],
  [
    'other types are equal or not',
    'allowed_parameters = { "k" = [1, true, ["a", "b"], { "x" = "y" }] }',
    ['{"k":1}', '{"k":1.0}', '{"k":10e-1}', '{"k":true}', '{"k":["a","b"]}', '{"k":{"x":"y"}}'],
    [
      '{"k":"1"}',
      '{"k":"true"}',
      '{"k":["b","a"]}',
      '{"k":["a"]}',
      '{"k":{"x":"z"}}',
      '{"k":{"x":"y","w":1}}',
      '{"k":{"__proto__":{"x":"y"}}}',
      '{"k":null}',
      '{"k":2}',
    ],
  ],
  [
    'a number is its value, however it is written',
    'denied_parameters = { "k" = [0x10, 1.5] }',
    ['{"k":15}'],
    ['{"k":16}', '{"k":16.000}', '{"k":1.6E1}', '{"k":15e-1}'],
  ],
  [
    'no number is too big to compare',
    'denied_parameters = { "k" = [12345678901234567890123] }',
    ['{"k":12345678901234567890124}'],
    ['{"k":12345678901234567890123}'],
  ],
  [
    'required',
    'required_parameters = ["A", "b"]',
    ['{"a":1,"b":2}', '{"a":null,"b":""}'],
    ['{}', '{"a":1}', '{"A":1,"b":2}'],
  ],
];

for (const [name, rule, passing, refused] of CASES) {
  test(`parameters: ${name}`, () => {
    for (const body of passing) assert.equal(passes(body, rule), true, `${body} should pass`);
    for (const body of refused) assert.equal(passes(body, rule), false, `${body} should be refused`);
  });
}

test('a denial of a value is one of what the operation would take for it (stricter than Vault)', () => {
  for (const body of ['{"k":5}', '{"k":"5"}'])
    assert.equal(passes(body, 'denied_parameters = { "k" = ["5"] }'), false, body);
  for (const body of ['{"k":5}', '{"k":"5"}'])
    assert.equal(passes(body, 'denied_parameters = { "k" = [5] }'), false, body);
  for (const body of ['{"k":true}', '{"k":"true"}'])
    assert.equal(passes(body, 'denied_parameters = { "k" = [true] }'), false, body);
});

test('several policies: lists joined, [] wins, required together; one without a rule adds none', () => {
  const x = 'allowed_parameters = { "k" = ["x"] }';
  const y = 'allowed_parameters = { "k" = ["y"] "l" = ["m"] }';
  const any = 'allowed_parameters = { "k" = [] }';
  for (const rules of [
    [x, y],
    [y, x],
  ]) {
    assert.equal(passes('{"k":"x"}', ...rules), true);
    assert.equal(passes('{"k":"y","l":"m"}', ...rules), true);
    assert.equal(passes('{"k":"z"}', ...rules), false);
    assert.equal(passes('{"l":"x"}', ...rules), false);
  }
  for (const rules of [
    [x, any],
    [any, x],
    [x, any, y],
  ])
    assert.equal(passes('{"k":"z"}', ...rules), true);
  for (const rules of [
    [x, ''],
    ['', x],
    [x, 'allowed_parameters = {}'],
  ])
    assert.equal(passes('{"o":"z"}', ...rules), false);
  const denied = ['denied_parameters = { "k" = ["x"] }', 'denied_parameters = { "k" = ["y"] "o" = [] }'];
  assert.deepEqual(
    ['{"k":"x"}', '{"k":"y"}', '{"o":1}', '{"k":"z"}'].map((body) => passes(body, ...denied)),
    [false, false, false, true],
  );
  const required = ['required_parameters = ["a"]', 'required_parameters = ["b"]'];
  assert.deepEqual(
    ['{"a":1}', '{"b":1}', '{"a":1,"b":1}'].map((body) => passes(body, ...required)),
    [false, false, true],
  );
  // Deny clears all of it: nothing is left to pass.
  assert.equal(passes('{"k":"x"}', x, 'capabilities = ["deny"]'), false);
});

test('merging does not change the policies that were merged', () => {
  const policies = ['["x"]', '["y"]'].map((values, index) =>
    parsePolicy(
      `p${index}`,
      `path "a" { capabilities = ["update"] allowed_parameters = { "k" = ${values} } }`,
    ),
  );
  const alone = () =>
    compileAcl(policies.slice(0, 1)).check({
      path: 'a',
      verb: 'update',
      mayCreate: false,
      sudo: false,
      fields: sent('{"k":"y"}'),
    }).allowed;
  assert.equal(alone(), false);
  compileAcl(policies);
  compileAcl(policies);
  assert.equal(alone(), false);
});

test('globs: as their definition with a regular expression', () => {
  const piece = fc.constantFrom('a', 'b', '*', '**', '.');
  const text = fc.array(piece, { maxLength: 5 }).map((pieces) => pieces.join(''));
  fc.assert(
    fc.property(text, text, (glob, value) => {
      const escaped = (part: string) => part.replaceAll(/[.*]/g, '\\$&');
      const [start, end] = [glob.startsWith('*'), glob.endsWith('*')];
      const middle = glob.slice(start ? 1 : 0, end ? -1 : undefined);
      const want =
        glob.length < 2
          ? glob === value
          : new RegExp(`^${start ? '.*' : ''}${escaped(middle)}${end ? '.*' : ''}$`, 's').test(value);
      assert.equal(matchesGlob(glob, value), want);
    }),
  );
});

test('equality of numbers: as arithmetic has it', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: -1_000, max: 1_000 }).filter((n) => n !== 0),
      fc.integer({ min: 0, max: 4 }),
      fc.integer({ min: 0, max: 4 }),
      (n, zeros, shift) => {
        const same = `${n}${'0'.repeat(zeros)}e-${zeros}`;
        const point = `${n}.${'0'.repeat(shift)}0`;
        const rule = `allowed_parameters = { "k" = [${n}] }`;
        assert.equal(passes(`{"k":${same}}`, rule), true, same);
        assert.equal(passes(`{"k":${point}}`, rule), true, point);
        assert.equal(passes(`{"k":${n + 1}}`, rule), false);
        assert.equal(passes(`{"k":${n}1}`, rule), false);
      },
    ),
  );
});

test('values that a policy holds come through as they are', () => {
  const value: Json = new Map<string, Json>([['k', [new JsonNumber('5'), null, false]]]);
  const policy = parsePolicy(
    'p',
    '{"path":{"a":{"capabilities":["update"],"allowed_parameters":{"x":[{"k":[5,null,false]}]}}}}',
  );
  assert.deepEqual(policy.rules[0]?.parameters.allowed?.get('x'), [value]);
});
