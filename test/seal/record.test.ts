import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { openRecord, sealRecord, termOf } from '../../src/seal/record.ts';

const key = Buffer.alloc(32, 1);
const nonce = Buffer.alloc(12, 2);
const broken = { name: 'CodedError', code: 'internal', message: /^decryption failed: / };

test('a record has Vault’s layout: term, version, nonce, ciphertext, tag', () => {
  const record = sealRecord(key, 0x01020304, 'data/a', nonce, Buffer.from('hello'));
  assert.equal(record.subarray(0, 5).toString('hex'), '0102030402');
  assert.deepEqual(record.subarray(5, 17), nonce);
  assert.equal(record.length, 5 + 12 + 5 + 16);
  assert.equal(termOf(record), 0x01020304);
});

test('any plaintext comes back under its own path', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.string({ unit: 'grapheme' }), (plaintext, path) => {
      const record = sealRecord(key, 1, path, nonce, plaintext);
      assert.deepEqual(new Uint8Array(openRecord(key, path, record)), plaintext);
    }),
  );
});

test('a record that lies at another path does not open there', () => {
  const record = sealRecord(key, 1, 'data/root/a/kv/x', nonce, Buffer.from('hello'));
  for (const path of ['data/root/b/kv/x', 'data/root/a/kv/y', 'data/root/a/kv/', '', 'data/root/a/kv/x/']) {
    assert.throws(() => openRecord(key, path, record), broken, path);
  }
  assert.throws(() => openRecord(Buffer.alloc(32, 9), 'data/root/a/kv/x', record), broken);
});

test('one flipped bit, anywhere, and it does not open', () => {
  const record = sealRecord(key, 1, 'p', nonce, Buffer.from('hello'));
  for (let bit = 0; bit < record.length * 8; bit++) {
    const changed = Buffer.from(record);
    changed[bit >> 3]! ^= 1 << (bit & 7);
    // The term is not in the tag: it only says which key to try.
    if (bit < 32) assert.notEqual(termOf(changed), 1);
    else if (bit < 40) assert.throws(() => termOf(changed), broken);
    else assert.throws(() => openRecord(key, 'p', changed), broken, `bit ${bit}`);
  }
});

test('short records and other versions are refused', () => {
  const record = sealRecord(key, 1, 'p', nonce, Buffer.alloc(0));
  assert.equal(record.length, 33);
  for (let bytes = 0; bytes < record.length; bytes++) {
    assert.throws(() => termOf(record.subarray(0, bytes)), broken, `${bytes} bytes`);
  }
  // Version 1 is Vault's form without additional data: it could be moved.
  for (const version of [0, 1, 3, 255]) {
    const changed = Buffer.from(record);
    changed[4] = version;
    assert.throws(() => termOf(changed), broken);
  }
});
