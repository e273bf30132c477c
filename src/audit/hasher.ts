/**
 * A device's way of hiding values: HMAC-SHA-256 under its salt (contract §17). Equal values look equal within one device, so an
 * operator who knows a value can look for it with `sys/audit-hash`; nobody can go the other way.
 *
 * @module
 */
import { createHmac, createSecretKey } from 'node:crypto';
import { AUDIT_HASHED_CHARS_KEPT, AUDIT_HASHES_KEPT } from '../model/limits.ts';

export interface Hasher {
  /** `hmac-sha256:` and 64 hex digits. For values of secrets: nothing of `text` is kept. */
  hash(text: string): string;
  /** The same, kept for the next time. For what comes with each request: tokens and accessors. */
  hashKept(text: string): string;
}

/** @param salt - the device's own random text, a UUID. */
export function makeHasher(salt: string): Hasher {
  const key = createSecretKey(Buffer.from(salt, 'utf8'));
  // Two generations: when the young one is full it becomes the old one, so that tokens in use survive and the bound holds.
  let young = new Map<string, string>();
  let old = new Map<string, string>();

  function hash(text: string): string {
    return `hmac-sha256:${createHmac('sha256', key).update(text, 'utf8').digest('hex')}`;
  }
  const hashOfNothing = hash('');

  return {
    hash: (text) => (text === '' ? hashOfNothing : hash(text)),
    hashKept(text) {
      let hashed = young.get(text);
      if (hashed !== undefined) return hashed;
      hashed = old.get(text) ?? hash(text);
      if (text.length > AUDIT_HASHED_CHARS_KEPT) return hashed;
      if (young.size >= AUDIT_HASHES_KEPT / 2) {
        old = young;
        young = new Map();
      }
      young.set(text, hashed);
      return hashed;
    },
  };
}
