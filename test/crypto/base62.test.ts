/**
 * @module
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BASE62, lowBase62 } from '../../src/crypto/base62.ts';

test('the lowest digits of a number, the lowest first', () => {
  assert.equal(lowBase62('3d', 2), 'z0');
  assert.equal(lowBase62('3e', 3), '010');
  const digits = fc.uint8Array({ minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(digits, fc.integer({ min: 1, max: 30 }), (bytes, count) => {
      const hex = Buffer.from(bytes).toString('hex');
      let number = BigInt(`0x${hex}`);
      let expected = '';
      for (let at = 0; at < count; at++, number /= 62n) expected += BASE62[Number(number % 62n)];
      assert.equal(lowBase62(hex, count), expected);
    }),
  );
});
