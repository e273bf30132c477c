import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { compileAcl } from '../../../src/auth/policies/acl.ts';
import { capabilityNames } from '../../../src/auth/policies/capabilities.ts';
import { type Policy, parsePolicy } from '../../../src/auth/policies/parse.ts';
import { CodedError } from '../../../src/model/errors.ts';
import { rubbish } from '../../model/hcl/generated.ts';
import { policyText, rules } from './generated.ts';

function said(policy: Policy): [string, string[]][] {
  return policy.rules.map((rule) => [rule.path, capabilityNames(rule.capabilities)]);
}

test('reads paths, capabilities, TTLs and parameters', () => {
  const text = `
    name = "ignored"
    path "/secret/*" {
      capabilities = ["create", "read", "list", "list"]
      required_parameters = ["Foo"]
      min_wrapping_ttl = "1h"
      max_wrapping_ttl = 7200
      comment = "why"
    }
    path "secret/x" { policy = "write" }
    path "y" { capabilities = ["read", "deny", "sudo"] }
    path "z" {}`;
  const policy = parsePolicy('Mine', text);
  assert.equal(policy.name, 'mine');
  assert.equal(policy.text, text);
  assert.deepEqual(said(policy), [
    ['secret/*', ['create', 'list', 'read']],
    ['secret/x', ['create', 'delete', 'list', 'read', 'update']],
    ['y', ['deny']],
    ['z', ['deny']],
  ]);
  const [first] = policy.rules;
  assert.deepEqual(
    [first?.minWrappingTtl, first?.maxWrappingTtl, first?.parameters.required],
    [3_600, 7_200, ['foo']],
  );
});

test('old-style policies', () => {
  const names = {
    deny: 'deny',
    read: 'list read',
    write: 'create delete list read update',
    sudo: 'create delete list read sudo update',
  };
  for (const [old, capabilities] of Object.entries(names)) {
    assert.deepEqual(said(parsePolicy('p', `path "a" { policy = "${old}" }`)), [
      ['a', capabilities.split(' ')],
    ]);
  }
  assert.deepEqual(said(parsePolicy('p', 'path "a" { policy = "read" capabilities = ["sudo"] }')), [
    ['a', ['list', 'read', 'sudo']],
  ]);
});

test('attributes written twice in a block are joined, as in Vault 1.19', () => {
  const policy = parsePolicy('p', 'path "a" { capabilities = ["read"] capabilities = ["list"] }');
  assert.deepEqual(said(policy), [['a', ['list', 'read']]]);
});

test('JSON: an object, or lists of objects', () => {
  const want: [string, string[]][] = [
    ['a/*', ['read']],
    ['b', ['list']],
  ];
  for (const path of [
    '{"a/*":{"capabilities":["read"]},"b":{"capabilities":["list"]}}',
    '[{"a/*":{"capabilities":["read"]}},{"b":{"capabilities":["list"]}}]',
    '{"a/*":[{"capabilities":["read"]}],"b":{"policy":"","capabilities":["list"]}}',
  ]) {
    assert.deepEqual(said(parsePolicy('p', `{"name":"x","path":${path}}`)), want, path);
  }
  assert.deepEqual(said(parsePolicy('p', '{}')), []);
});

const REFUSED: [text: string, message: string][] = [
  ['path "x" { capabilities = ["y"] }', 'path "x": invalid capability "y"'],
  ['path "x" { capabilities = ["root"] }', 'path "x": invalid capability "root"'],
  ['path "x" { capabilities = ["READ"] }', 'path "x": invalid capability "READ"'],
  ['path "x" { capabilities = ["deny", "y"] }', 'path "x": invalid capability "y"'],
  ['path "x" { policy = "y" }', 'path "x": invalid policy "y"'],
  ['path "x" { policy = "constructor" }', 'path "x": invalid policy "constructor"'],
  ['path "x" { capabilities = ["constructor"] }', 'path "x": invalid capability "constructor"'],
  ['path "a/+*" { policy = "read" }', `path "a/+*": invalid use of wildcards ('+*' is forbidden)`],
  [
    'path "x" { capabilities = "read" }',
    '1 error occurred:\n\t* path "x": At 1:27: expected a list of strings, got a string\n\n',
  ],
  [
    'path "x" {\n capabilities = [["read"]] }',
    '1 error occurred:\n\t* path "x": At 2:18: expected a string, got a list\n\n',
  ],
  [
    'path "x" { allowed_parameters = { "a" = "b" } }',
    '1 error occurred:\n\t* path "x": At 1:41: expected a list of values, [] for any, got a string\n\n',
  ],
  [
    'path "x" { min_wrapping_ttl = "soon" }',
    '1 error occurred:\n\t* path "x": At 1:31: expected a duration such as "90s", "1h30m" or a number of seconds, got a string\n\n',
  ],
  [
    'path "x" { min_wrapping_ttl = -1 }',
    '1 error occurred:\n\t* path "x": At 1:31: expected a duration such as "90s", "1h30m" or a number of seconds, not a negative one\n\n',
  ],
  [
    'path "x" { min_wrapping_ttl = 2 max_wrapping_ttl = 1 }',
    'max_wrapping_ttl cannot be less than min_wrapping_ttl',
  ],
  [
    'path "x" { capability = ["read"]\n Policy = "read" }',
    '2 errors occurred:\n\t* path "x": invalid key "capability" on line 1\n\t* path "x": invalid key "Policy" on line 2\n\n',
  ],
  ['\npth "x" {}', '1 error occurred:\n\t* invalid key "pth" on line 2\n\n'],
  ['path "x" { control_group = {} }', 'path "x": control_group is not supported'],
  ['path "x" { mfa_methods = ["m"] }', 'path "x": mfa_methods is not supported'],
  ['path "x" { pagination_limit = 5 }', 'path "x": pagination_limit is not supported'],
  ['path "x" { expiration = "2030-01-01T00:00:00Z" }', 'path "x": expiration is not supported'],
  ['path "a{{b" {}', 'failed to validate policy templating: unbalanced templating characters'],
  ['path "a}}b" {}', 'failed to validate policy templating: unbalanced templating characters'],
  ['path "{{a}}b}}" {}', 'failed to validate policy templating: unbalanced templating characters'],
  ['path "a\\x00" {}', 'path "a\\u0000": expected no control character'],
  ['path "a" "b" {}', `path "a": expected one path in front of '{'`],
  ['path = "a"', "At 1:8: expected a block: '{ … }', got a string"],
  [
    'path = { "a" = { policy = "read" } }',
    '1 error occurred:\n\t* path "path": invalid key "a" on line 1\n\n',
  ],
  ['name = ["x"]', 'At 1:8: expected a string, got a list'],
  ['path "x" {', "At 1:11: expected '}' for the '{' at 1:10"],
  ['{"path":{"x":"y"}}', "At 1:14: expected a block: '{ … }', got a string"],
  ['{"path":{"x":{"capabilities":["read"]}}', "At 1:40: expected ',' or '}'"],
  [
    'hello',
    "At 1:6: key 'hello' expected start of object ('{') or assignment ('='), got the end of the text",
  ],
];

for (const [text, message] of REFUSED) {
  test(`refuses ${JSON.stringify(text)}`, () => {
    assert.throws(
      () => parsePolicy('p', text),
      (error) => {
        assert(error instanceof CodedError);
        assert.equal(error.code, 'bad_request');
        assert.deepEqual(error.messages, [`failed to parse policy: ${message}`]);
        return true;
      },
    );
  });
}

test('refuses with a coded error or reads, whatever the text', () => {
  const block = fc.tuple(rubbish, rubbish).map(([path, body]) => `path ${JSON.stringify(path)} { ${body} }`);
  fc.assert(
    fc.property(fc.oneof(rubbish, block, fc.json()), (text) => {
      try {
        compileAcl([parsePolicy('p', text)]);
      } catch (error) {
        assert(error instanceof CodedError, String(error));
      }
    }),
    { numRuns: 2_000 },
  );
});

test('what was generated is what is read', () => {
  fc.assert(
    fc.property(rules, (generated) => {
      const want = generated.map(({ path, capabilities }) => [
        path,
        capabilities.length === 0 ? ['deny'] : [...capabilities].sort(),
      ]);
      assert.deepEqual(said(parsePolicy('p', policyText(generated))), want);
    }),
    { numRuns: 200 },
  );
});
