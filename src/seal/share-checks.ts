/**
 * By what a single share is known as one of the seal's, before enough of them are there to prove it: a keyed hash of each rests in the seal's record.
 * The key is the barrier's, so nobody who has the record alone can try anything on it; and a share has 256 random bits, so neither can who has
 * the key.
 *
 * @module
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { hkdf } from './aead.ts';

const CHECK_BYTES = 32;

/** @param namesKey - the keyring's, as it is when the shares are made; the same for the life of the store. */
export function checksOf(shares: readonly Uint8Array[], namesKey: Uint8Array): Uint8Array[] {
  return withKey(namesKey, (key) => shares.map((share) => checkOf(share, key)));
}

/** Looks at all of `checks`, whichever it is. */
export function isChecked(share: Uint8Array, checks: readonly Uint8Array[], namesKey: Uint8Array): boolean {
  const own = withKey(namesKey, (key) => checkOf(share, key));
  return checks.filter((check) => check.length === own.length && timingSafeEqual(check, own)).length > 0;
}

function checkOf(share: Uint8Array, key: Uint8Array): Buffer {
  return createHmac('sha256', key).update(share).digest();
}

function withKey<T>(namesKey: Uint8Array, use: (key: Uint8Array) => T): T {
  const key = hkdf(namesKey, new Uint8Array(0), Buffer.from('coffer/derived/1/share check'), CHECK_BYTES);
  try {
    return use(key);
  } finally {
    key.fill(0);
  }
}
