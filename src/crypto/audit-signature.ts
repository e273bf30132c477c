/**
 * Signatures of audit checkpoints: Ed25519 (RFC 8032) and ML-DSA-65 (FIPS 204) side by side, so that one of the two may fall. Keys are made
 * of seeds, so nothing but a seed needs to be kept.
 *
 * @module
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  hash,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';

/** Of each of the two. */
export const SEED_BYTES = 32;
/** PKCS #8 of a seed: RFC 8410 §7; RFC 9881 §6, the form that holds the seed alone. */
const ED25519_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');
const ML_DSA_65_HEAD = Buffer.from('3034020100300b060960864801650304031204228020', 'hex');

export type SignatureKind = 'ed25519' | 'ml_dsa_65';

export interface SigningKey {
  /** First 16 hex digits of the SHA-256 of `spki`. */
  readonly id: string;
  /** Public key: DER, base64. */
  readonly spki: string;
  /** Off the main thread. @returns base64. */
  sign(bytes: Uint8Array): Promise<string>;
}

/** @param seed - 32 bytes; copied, the caller wipes it. */
export function signingKey(kind: SignatureKind, seed: Uint8Array): SigningKey {
  if (seed.length !== SEED_BYTES) throw new Error('a seed has 32 bytes');
  const der = Buffer.concat([kind === 'ed25519' ? ED25519_HEAD : ML_DSA_65_HEAD, seed]);
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  } finally {
    der.fill(0);
  }
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
  return {
    id: keyId(spki),
    spki: spki.toString('base64'),
    sign: (bytes) =>
      new Promise((resolve, reject) => {
        sign(null, bytes, key, (error, signature) => {
          if (error) reject(error);
          else resolve(signature.toString('base64'));
        });
      }),
  };
}

export function keyId(spki: Uint8Array): string {
  return createHash('sha256').update(spki).digest('hex').slice(0, 16);
}

/** @param spki - base64; what is no key of that kind verifies nothing. */
export function isSignedBy(kind: SignatureKind, spki: string, bytes: Uint8Array, signature: string): boolean {
  try {
    const key = createPublicKey({ key: Buffer.from(spki, 'base64'), format: 'der', type: 'spki' });
    if (key.asymmetricKeyType !== (kind === 'ed25519' ? 'ed25519' : 'ml-dsa-65')) return false;
    return verify(null, bytes, key, Buffer.from(signature, 'base64'));
  } catch {
    return false;
  }
}

/** SHA-256 of a line's UTF-8, hex. */
export function lineHash(line: string | Uint8Array): string {
  return hash('sha256', line, 'hex');
}
