/** go-bexpr's expressions, as far as Vault Enterprise's filters and exclusions need them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseExpression, pointerOf } from '../../src/audit/expression.ts';
import { CodedError } from '../../src/model/errors.ts';

const ENTRY = {
  mount_type: 'kv',
  mount_point: 'secret/',
  path: 'secret/data/a',
  operation: 'read',
  namespace: '',
  policies: ['default', 'admin'],
  metadata: { team: 'x' },
  request: { mount_type: 'kv', remote_port: 8200, data: { 'a/b': 'c', 'm~n': 'd' } },
};
const lookup = (path: readonly string[]): unknown =>
  path.reduce<unknown>(
    (found, name) =>
      typeof found === 'object' && found !== null ? (found as Record<string, unknown>)[name] : undefined,
    ENTRY,
  );
const holds = (text: string): boolean => parseExpression(text)(lookup);

const TRUE = [
  'mount_type == kv',
  'mount_type == "kv"',
  'mount_type == `kv`',
  'mount_type=="kv"',
  'mount_type != "pki"',
  'not mount_type == pki',
  'not not mount_type == kv',
  'mount_type == pki or operation == read',
  'mount_type == kv and operation == read',
  // `and` binds closer than `or`, `not` closer than both.
  'mount_type == kv or operation == x and operation == y',
  'not mount_type == pki and operation == read',
  '(mount_type == pki or operation == read) and path matches "^secret/"',
  '( ( mount_type == kv ) )',
  'path contains data',
  '"data" in path',
  'path not contains "pki"',
  '"pki" not in path',
  'path not matches "^auth/"',
  'path matches `^secret/\\w+/a$`',
  'namespace is empty',
  'path is not empty',
  'nothing is empty',
  'policies contains admin',
  'root not in policies',
  'team in metadata',
  'request.mount_type == kv',
  '"/request/mount_type" == kv',
  '"/request/remote_port" == 8200',
  '"/request/data/a~1b" == c',
  '"/request/data/m~0n" == d',
  'nothing != x',
];
for (const text of TRUE) {
  test(`holds: ${text}`, () => {
    assert(holds(text));
    assert(!holds(`not (${text})`));
  });
}

const WRONG = [
  '',
  '   ',
  'mount_type',
  'mount_type ==',
  '== kv',
  'mount_type = kv',
  '(mount_type == kv',
  'mount_type == kv)',
  'mount_type == kv and',
  'mount_type == kv operation == read',
  'mount_type is full',
  '"mount_type == kv',
  'path matches "("',
  '"mount_type" == kv',
  'a == "\\q"',
  `${'('.repeat(40)}a == b${')'.repeat(40)}`,
  `a == ${'b'.repeat(5_000)}`,
];
for (const text of WRONG) {
  test(`refused: ${text.slice(0, 40)}`, () => {
    assert.throws(
      () => parseExpression(text),
      (error) => error instanceof CodedError && error.status === 400,
    );
  });
}

test('only the names that are known can be asked for', () => {
  const names = ['mount_type', 'path'];
  parseExpression('mount_type == kv and x in path', { names });
  assert.throws(
    () => parseExpression('client_token == x', { names }),
    /only mount_type, path can be asked for/,
  );
  assert.throws(() => parseExpression('"/auth/client_token" is empty', { names }), /only/);
});

test('any text is parsed or refused, never more', () => {
  const words = fc.constantFrom(
    'a',
    'not',
    'and',
    'or',
    '(',
    ')',
    '==',
    'in',
    'is',
    'empty',
    '"/x"',
    '`y`',
    '"',
    '\\',
    ' ',
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(words).map((all) => all.join(' ')),
      ),
      (text) => {
        try {
          assert.equal(typeof parseExpression(text)(lookup), 'boolean');
        } catch (error) {
          assert(error instanceof CodedError, String(error));
        }
      },
    ),
  );
});

test('pointers', () => {
  assert.deepEqual(pointerOf('/a/b~1c/~0'), ['a', 'b/c', '~']);
  assert.equal(pointerOf('a'), undefined);
});
