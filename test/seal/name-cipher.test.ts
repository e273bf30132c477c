/**
 * @module
 */
import assert from 'node:assert/strict';
import { createCipheriv } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { makeNameCipher } from '../../src/seal/name-cipher.ts';

const hex = (text: string) => Buffer.from(text, 'hex');

test('RFC 5297 appendix A.1', () => {
  const cipher = makeNameCipher(hex('fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff'));
  const context = hex('101112131415161718191a1b1c1d1e1f2021222324252627').toString();
  const name = hex('112233445566778899aabbccddee');
  const sealed = hex('85632d07c6e8f37f950acd320a2ecc9340c02b9690c4dc04daef7f6afe5c');
  assert.deepEqual(cipher.seal(context, name), sealed);
  assert.deepEqual(cipher.open(context, sealed), name);
});

test('what is sealed opens only whole, unchanged and in its context', () => {
  const cipher = makeNameCipher(Buffer.alloc(64, 3));
  for (const text of ['', 'a', 'sixteen bytes 16', 'more than one block of AES']) {
    const sealed = cipher.seal('context', Buffer.from(text));
    assert.equal(sealed.length, 16 + text.length);
    assert.equal(cipher.open('context', sealed)?.toString(), text);
    assert.equal(cipher.open('other', sealed), undefined);
    assert.equal(makeNameCipher(Buffer.alloc(64, 4)).open('context', sealed), undefined);
    for (let i = 0; i < sealed.length; i++) {
      const changed = Buffer.from(sealed);
      changed[i]! ^= 1;
      assert.equal(cipher.open('context', changed), undefined);
      assert.equal(cipher.open('context', sealed.subarray(0, i)), undefined);
    }
  }
});

/** What OpenSSL makes of it in one go. */
function whole(key: Uint8Array, context: string, name: Uint8Array): Buffer {
  const type = `aes-${key.length * 4}-siv` as 'aes-256-gcm';
  const cipher = createCipheriv(type, key, null as never, { authTagLength: 16 });
  cipher.setAAD(Buffer.from(context));
  const body = cipher.update(name);
  cipher.final();
  return Buffer.concat([cipher.getAuthTag(), body]);
}

test('names of all lengths, one after the other, come out as OpenSSL has them', () => {
  const name = fc.oneof(fc.uint8Array({ maxLength: 70 }), fc.uint8Array({ minLength: 250, maxLength: 600 }));
  const named = fc.record({ context: fc.string({ unit: 'binary', maxLength: 40 }), name });
  const keys = fc.oneof(
    fc.uint8Array({ minLength: 32, maxLength: 32 }),
    fc.uint8Array({ minLength: 64, maxLength: 64 }),
  );
  fc.assert(
    fc.property(keys, fc.array(named, { minLength: 1, maxLength: 6 }), (key, all) => {
      const cipher = makeNameCipher(key);
      // Twice: of the second time the context is known.
      for (const { context, name } of [...all, ...all]) {
        const sealed = whole(key, context, name);
        assert.deepEqual(cipher.seal(context, name), sealed);
        assert.deepEqual(cipher.open(context, sealed), Buffer.from(name));
        const changed = Buffer.from(sealed);
        changed[changed.length - 1]! ^= 0x80;
        assert.equal(cipher.open(context, changed), undefined);
      }
    }),
  );
});

test('more contexts than are kept are sealed alike', () => {
  const key = Buffer.alloc(64, 5);
  const cipher = makeNameCipher(key);
  const name = Buffer.from('name');
  for (let n = 0; n < 600; n++) {
    const context = `context-${n % 300}`;
    assert.deepEqual(cipher.seal(context, name), whole(key, context, name));
  }
});

test('wiped, it neither seals nor opens anything any more', () => {
  const cipher = makeNameCipher(Buffer.alloc(64, 3));
  const sealed = cipher.seal('context', Buffer.from('a'));
  cipher.wipe();
  assert.throws(() => cipher.seal('context', Buffer.from('a')));
  assert.throws(() => cipher.open('context', sealed));
});
