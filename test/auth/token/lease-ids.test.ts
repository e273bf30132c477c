import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { makeLeaseIds } from '../../../src/auth/token/lease-ids.ts';

const ids = makeLeaseIds(() => Buffer.alloc(32, 7));
const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const chars = (length: number) =>
  fc
    .array(fc.constantFrom(...BASE62), { minLength: length, maxLength: length })
    .map((drawn) => drawn.join(''));
const accessor = fc
  .tuple(chars(24), fc.option(chars(6)))
  .map(([own, namespace]) => (namespace === null ? own : `${own}.${namespace}`));

test('a lease leads to its token, has one name, and tells nothing of the accessor', () => {
  fc.assert(
    fc.property(accessor, (given) => {
      const id = ids.of(given, 'auth/userpass/login/bob');
      assert.match(id, /^auth\/userpass\/login\/bob\/h[0-9a-f]{64}(\.[0-9A-Za-z]{6})?$/);
      assert.deepEqual(ids.read(id), { accessor: given, path: 'auth/userpass/login/bob' });
      assert.equal(ids.of(given, 'auth/userpass/login/bob'), id);
      assert.equal(id.includes(given.slice(0, 24)), false);
    }),
  );
});

test('what was changed anywhere, or made with another key, is no lease', () => {
  const id = ids.of('0123456789abcdefghijABCD', 'auth/token/create');
  const at = id.indexOf('/h') + 2;
  for (let n = at; n < id.length; n++) {
    const other = id[n] === '0' ? '1' : '0';
    assert.equal(ids.read(id.slice(0, n) + other + id.slice(n + 1)), undefined, String(n));
  }
  const others = makeLeaseIds(() => Buffer.alloc(32, 8));
  assert.equal(others.read(id), undefined);
  assert.equal(ids.read('database/creds/r/0123456789abcdefghijklmn'), undefined);
  assert.equal(ids.read(''), undefined);
});

test('any text is read, as a lease or as none', () => {
  fc.assert(fc.property(fc.string(), (text) => ids.read(text) === undefined));
  fc.assert(fc.property(chars(64), (hex) => ids.read(`a/h${hex.toLowerCase()}`) === undefined));
});
