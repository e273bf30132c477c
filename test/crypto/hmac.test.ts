/**
 * @module
 */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { hmacHex } from '../../src/crypto/hmac.ts';

test('RFC 4231, test case 2', () => {
  assert.equal(
    hmacHex(Buffer.from('Jefe'), 'what do ya want for nothing?'),
    '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  );
});

test('texts of all lengths come out as OpenSSL has them', () => {
  const keys = fc.uint8Array({ maxLength: 70 });
  const texts = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ minLength: 80, maxLength: 400 }));
  fc.assert(
    fc.property(keys, texts, (key, text) => {
      assert.equal(hmacHex(key, text), createHmac('sha256', key).update(text).digest('hex'));
    }),
  );
});
