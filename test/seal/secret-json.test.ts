import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeSecretJson, encodeSecretJson } from '../../src/seal/secret-json.ts';

const key = fc.uint8Array({ minLength: 32, maxLength: 32 });

test('writes what JSON.stringify would with base64 strings', () => {
  fc.assert(
    fc.property(fc.array(key, { maxLength: 5 }), fc.string(), (keys, text) => {
      fc.pre(!text.includes('#'.repeat(44)));
      const base64 = keys.map((bytes) => Buffer.from(bytes).toString('base64'));
      const json = encodeSecretJson({ a: 1, text, keys, last: keys[0] ?? null });
      assert.equal(
        json.toString('utf8'),
        JSON.stringify({ a: 1, text, keys: base64, last: base64[0] ?? null }),
      );
    }),
  );
});

test('reads back what it wrote, and leaves no key in the bytes it read', () => {
  fc.assert(
    fc.property(fc.array(key, { maxLength: 5 }), fc.string(), (keys, text) => {
      fc.pre(!text.startsWith('#'));
      const json = encodeSecretJson({ keys, text, 'a"\\b': [true, null, 1.5] });
      assert.deepEqual(decodeSecretJson(json), { keys, text, 'a"\\b': [true, null, 1.5] });
      for (const bytes of keys) assert(!json.includes(Buffer.from(bytes).toString('base64')));
    }),
  );
});

test('what only looks like a key stays a string', () => {
  const text = randomBytes(32).toString('base64');
  // The last character of 32 bytes leaves two bits over, which must be zero.
  for (const odd of [
    `${text.slice(0, 42)}B=`,
    `${text.slice(0, 20)}-${text.slice(21)}`,
    text.slice(0, 43),
    `${text}=`,
  ]) {
    assert.deepEqual(decodeSecretJson(Buffer.from(JSON.stringify({ odd }))), { odd });
  }
  assert(decodeSecretJson(Buffer.from(JSON.stringify(text))) instanceof Uint8Array);
});

test('keys of other lengths are refused, and a Buffer is not spelled out', () => {
  assert.throws(() => encodeSecretJson({ key: new Uint8Array(31) }), RangeError);
  assert.throws(() => decodeSecretJson(Buffer.from('{"a":')), SyntaxError);
});
