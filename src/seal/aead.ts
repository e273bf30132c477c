/**
 * The cipher of the barrier for values, on node:crypto: AES-GCM with a random nonce; and how its keys are derived. Bytes in, bytes out. Names have
 * another one (`name-cipher.ts`).
 *
 * @module
 */
import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';

export const NONCE_BYTES = 12;
export const TAG_BYTES = 16;

const NO_HEADER = new Uint8Array(0);

/**
 * Nonce, ciphertext and tag, in this order.
 * @param key - 16, 24 or 32 bytes.
 * @param nonce - NONCE_BYTES, never twice under one key.
 * @param header - what the result is to begin with.
 */
export function gcmSeal(
  key: Uint8Array,
  nonce: Uint8Array,
  aad: Uint8Array,
  plaintext: Uint8Array,
  header: Uint8Array = NO_HEADER,
): Buffer {
  const cipher = createCipheriv(gcmName(key), key, nonce);
  cipher.setAAD(aad);
  const body = cipher.update(plaintext);
  cipher.final();
  const nonceAt = header.length;
  const bodyAt = nonceAt + nonce.length;
  const sealed = Buffer.allocUnsafe(bodyAt + body.length + TAG_BYTES);
  sealed.set(header, 0);
  sealed.set(nonce, nonceAt);
  sealed.set(body, bodyAt);
  sealed.set(cipher.getAuthTag(), bodyAt + body.length);
  return sealed;
}

/** Undoes gcmSeal. @returns undefined when `sealed` is too short or was not made with this key and `aad`. */
export function gcmOpen(key: Uint8Array, aad: Uint8Array, sealed: Uint8Array): Buffer | undefined {
  if (sealed.length < NONCE_BYTES + TAG_BYTES) return undefined;
  const tagAt = sealed.length - TAG_BYTES;
  const decipher = createDecipheriv(gcmName(key), key, sealed.subarray(0, NONCE_BYTES), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(aad);
  decipher.setAuthTag(sealed.subarray(tagAt));
  const plaintext = decipher.update(sealed.subarray(NONCE_BYTES, tagAt));
  try {
    decipher.final();
    return plaintext;
  } catch {
    // Not yet proven to be what was sealed: nobody may see it.
    plaintext.fill(0);
    return undefined;
  }
}

/** gcmOpen for plaintext with keys in it: what Node leaves of it in memory is written over. The caller wipes what it gets. */
export function gcmOpenKeys(key: Uint8Array, aad: Uint8Array, sealed: Uint8Array): Buffer | undefined {
  try {
    return gcmOpen(key, aad, sealed);
  } finally {
    // Node decrypts into a block that is too long, copies, and frees it as it is. The next of the same length is given that block.
    const scrub = createCipheriv('aes-256-gcm', new Uint8Array(32), new Uint8Array(NONCE_BYTES));
    scrub.update(new Uint8Array(Math.max(0, sealed.length - NONCE_BYTES - TAG_BYTES)));
  }
}

function gcmName(key: Uint8Array): 'aes-128-gcm' | 'aes-192-gcm' | 'aes-256-gcm' {
  if (key.length === 16) return 'aes-128-gcm';
  return key.length === 24 ? 'aes-192-gcm' : 'aes-256-gcm';
}

/** HKDF-SHA256 (RFC 5869). @param info - what the key is for. */
export function hkdf(key: Uint8Array, salt: Uint8Array, info: Uint8Array, bytes: number): Buffer {
  return Buffer.from(hkdfSync('sha256', key, salt, info, bytes));
}
