/**
 * Query strings, forms, and the verb they lead to (contract §1.1, §1.2).
 *
 * @module
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formBody, parseFields, parseQuery, verbOf } from '../../src/http/query.ts';
import { CodedError } from '../../src/model/errors.ts';

function refusal(act: () => unknown): { status: number; errors: string[] } {
  try {
    act();
  } catch (error) {
    assert(error instanceof CodedError, String(error));
    return { status: error.status, errors: error.messages };
  }
  assert.fail('was taken');
}

function verb(method: string, query: string): string {
  return verbOf(method, parseQuery(query));
}

test('single values become strings, repeated keys lists; list, scan and help are taken out', () => {
  const { data } = parseQuery(
    'version=2&a=x&a=y+z&b&=e&c=%C3%BC%26&list=true&help=&scan=false&__proto__=p&&',
  );
  assert.deepEqual(
    [...data],
    [
      ['version', '2'],
      ['a', ['x', 'y z']],
      ['b', ''],
      ['', 'e'],
      ['c', 'ü&'],
      ['__proto__', 'p'],
    ],
  );
});

test('agrees with URLSearchParams on every well-formed query', () => {
  const text = fc.string({ unit: 'binary', maxLength: 4 }).map((part) => part.toWellFormed());
  fc.assert(
    fc.property(fc.array(fc.tuple(text, text), { maxLength: 6 }), (pairs) => {
      const encoded = new URLSearchParams(pairs).toString();
      const expected = new Map<string, string[]>();
      for (const [key, value] of pairs) expected.set(key, [...(expected.get(key) ?? []), value]);
      assert.deepEqual(parseFields(encoded, 'query'), expected);
    }),
  );
});

test('bad escapes, bytes that are not UTF-8, semicolons and unescaped bytes are refused without an echo', () => {
  for (const text of [
    'canary=%',
    'canary=%zz',
    'canary=%ff',
    'a=canary;b=1',
    'canary=ü',
    'canary=a#b',
    'canary=a b',
  ]) {
    const { status, errors } = refusal(() => parseQuery(text));
    assert.equal(status, 400);
    assert(errors.length === 1 && !errors[0]!.includes('canary'), text);
  }
});

test('fields are bounded', () => {
  assert.doesNotThrow(() => parseFields('a&'.repeat(100_000), 'form'));
  assert.match(
    refusal(() => parseFields('a&'.repeat(100_001), 'form')).errors[0]!,
    /^more than 100000 fields in form$/,
  );
});

test('a form joins repeated values by commas', () => {
  assert.deepEqual(
    formBody('policies=a&policies=b&ttl=1h'),
    new Map([
      ['policies', 'a,b'],
      ['ttl', '1h'],
    ]),
  );
});

test('methods and their verbs; HELP and ?help= on any method', () => {
  const methods = {
    GET: 'read',
    LIST: 'list',
    POST: 'update',
    PUT: 'update',
    PATCH: 'patch',
    DELETE: 'delete',
    HEAD: 'header',
    HELP: 'help',
  };
  for (const [method, expected] of Object.entries(methods)) {
    assert.equal(verb(method, ''), expected);
    assert.equal(verb(method, 'help=1'), 'help');
  }
  assert.equal(verb('GET', 'help='), 'read');
});

test('unknown methods are 405 without a text', () => {
  // HTTP/2 lets any word through; those of operations of the server's own are none (GHSA-rh46).
  const own = ['REVOKE', 'RENEW', 'ROLLBACK', 'CREATE', 'READ', 'UPDATE', 'HEADER'];
  for (const method of [...own, 'OPTIONS', 'LINK', 'get', 'TRACE', 'SCAN', 'constructor', '__proto__', '']) {
    assert.deepEqual(
      refusal(() => verb(method, '')),
      { status: 405, errors: [] },
    );
  }
});

test('?list= takes Go’s bools, on GET only', () => {
  for (const text of ['1', 't', 'T', 'TRUE', 'true', 'True'])
    assert.equal(verb('GET', `list=${text}`), 'list');
  for (const text of ['0', 'f', 'F', 'FALSE', 'false', 'False', ''])
    assert.equal(verb('GET', `list=${text}`), 'read');
  for (const text of ['yes', 'tRUE', '2', 'on', '+true']) {
    assert.deepEqual(
      refusal(() => verb('GET', `list=${text}`)),
      { status: 400, errors: [] },
    );
    assert.equal(verb('POST', `list=${text}`), 'update');
    assert.equal(verb('DELETE', `list=${text}`), 'delete');
  }
});

test('?scan=true is not served, with ?list=true it contradicts itself', () => {
  assert.deepEqual(
    refusal(() => verb('GET', 'scan=true')),
    { status: 405, errors: ['unsupported operation'] },
  );
  assert.deepEqual(
    refusal(() => verb('GET', 'scan=1&list=1')),
    { status: 400, errors: [] },
  );
  assert.deepEqual(
    refusal(() => verb('GET', 'scan=maybe')),
    { status: 400, errors: [] },
  );
  assert.equal(verb('GET', 'scan=false&list=true'), 'list');
});
