import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { consulKey, keyOfConsul } from '../../src/storage/consul-keys.ts';
import { storePrefix } from '../../src/storage/store-prefix.ts';

const text = fc
  .array(fc.oneof(fc.constantFrom('/', '//', '.', '..', '=', '=2F', '%', '\0', 'é', '😀', 'a'), fc.string()))
  .map((parts) => parts.join(''))
  .filter((path) => path.isWellFormed());
const key = text.map((path) => `records/${path}`);

test('a key comes back as it was, has nothing that a URL would fold, and keeps its prefixes', () => {
  fc.assert(
    fc.property(key, text, (prefix, rest) => {
      const escaped = consulKey(prefix + rest);
      assert.equal(keyOfConsul(escaped), prefix + rest);
      assert.match(escaped, /^[\w=/-]*$/);
      assert.doesNotMatch(escaped, /\/\//);
      assert(escaped.startsWith(consulKey(prefix)));
    }),
  );
});

test('two keys never become one', () => {
  fc.assert(
    fc.property(key, key, (a, b) => {
      assert.equal(consulKey(a) === consulKey(b), a === b);
    }),
  );
  assert.equal(consulKey('records/core/mounts-1_A'), 'records/core/mounts-1_A');
  assert.equal(consulKey('records/a//b/../é'), 'records/a/=2Fb/=2E=2E/=C3=A9');
});

test('what keys begin with ends with a slash and does not begin with one', () => {
  for (const path of ['coffer', '/coffer', 'coffer/', '/coffer/']) assert.equal(storePrefix(path), 'coffer/');
  assert.equal(storePrefix('a/b-c/d_1'), 'a/b-c/d_1/');
  for (const path of ['', '/', '//', 'a//b', 'a/../b', 'a b', 'é', 'a?b']) {
    assert.throws(() => storePrefix(path), { name: 'CodedError', code: 'bad_request' });
  }
});
