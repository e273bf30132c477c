/**
 * The `seal` record: how the store is unsealed. Plain JSON, since it is read before any key is there; what is secret in it, the root key, is
 * encrypted under the key that the shares give (Vault's "stored keys": nonce, ciphertext, tag), bound to the record's path.
 *
 * @module
 */
import { hash } from 'node:crypto';
import { StorageFailed } from '../model/storage.ts';
import { FORMAT_PATH } from '../storage/format.ts';
import { gcmOpenKeys, gcmSeal } from './aead.ts';

export const SEAL_PATH = 'seal';
/** In the clear, empty: stands while a new store is founded. Nobody was given the keys of what is stored beside it. */
export const FOUNDING_PATH = 'founding';
const SEAL_FORMAT = 1;

/** What no init makes and none removes: the store's form and id, and the fences of its shards, in which no epoch may ever fall. */
export function isOfTheStore(path: string): boolean {
  return path === FORMAT_PATH || path === 'cluster' || path.startsWith('fence/');
}

export interface SealConfig {
  readonly shares: number;
  readonly threshold: number;
  /** The root key under the unseal key. */
  readonly storedKey: Uint8Array;
  /** By which a single share is known (`share-checks.ts`). Absent in stores of older builds. */
  readonly checks?: readonly Uint8Array[];
}

/** @param kek - 32 bytes, as `rootKey`; both stay the caller's. @param nonce - 12 random bytes. */
export function wrapRootKey(kek: Uint8Array, rootKey: Uint8Array, nonce: Uint8Array): Buffer {
  return gcmSeal(kek, nonce, Buffer.from(SEAL_PATH), rootKey);
}

/** @returns the root key, which the caller wipes; undefined when `kek`, of 16, 24 or 32 bytes, is the wrong one. */
export function unwrapRootKey(kek: Uint8Array, config: SealConfig): Buffer | undefined {
  return gcmOpenKeys(kek, Buffer.from(SEAL_PATH), config.storedKey);
}

export function encodeSealConfig(config: SealConfig): Buffer {
  return Buffer.from(
    JSON.stringify({
      format: SEAL_FORMAT,
      type: 'shamir',
      secret_shares: config.shares,
      secret_threshold: config.threshold,
      stored_key: Buffer.from(config.storedKey).toString('base64'),
      share_checks: config.checks?.map((check) => Buffer.from(check).toString('base64')),
    }),
  );
}

/** @throws StorageFailed when the record is damaged or of a newer build. */
export function decodeSealConfig(record: Uint8Array): SealConfig {
  let stored: Record<string, unknown>;
  try {
    stored = JSON.parse(Buffer.from(record).toString('utf8')) as Record<string, unknown>;
  } catch {
    throw unusable();
  }
  const { format, type, secret_shares: shares, secret_threshold: threshold, stored_key: key } = stored ?? {};
  const known = format === SEAL_FORMAT && type === 'shamir';
  if (!known || typeof shares !== 'number' || typeof threshold !== 'number' || typeof key !== 'string') {
    throw unusable();
  }
  const storedKey = Buffer.from(key, 'base64');
  const { share_checks: checks } = stored;
  if (checks === undefined) return { shares, threshold, storedKey };
  if (!Array.isArray(checks) || checks.some((check) => typeof check !== 'string')) throw unusable();
  return { shares, threshold, storedKey, checks: checks.map((check) => Buffer.from(check, 'base64')) };
}

/** Names one seal among all that a store ever had. */
export function sealId(record: Uint8Array): string {
  return hash('sha256', record, 'base64url').slice(0, 22);
}

function unusable(): StorageFailed {
  return new StorageFailed('the seal record of the store is damaged or of a newer version of Coffer', true);
}
