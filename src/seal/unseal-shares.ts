/**
 * The shares given to one unseal, in this process's memory, and the root key that enough of them open. What is refused is refused in Vault's words.
 *
 * @module
 */
import { timingSafeEqual } from 'node:crypto';
import { badRequest } from '../model/errors.ts';
import { SHARE_BYTES_MAX, SHARE_BYTES_MIN } from '../model/limits.ts';
import { type SealConfig, unwrapRootKey } from './seal-config.ts';
import { copySecret } from './secret-bytes.ts';
import { combine } from './shamir.ts';

export interface UnsealShares {
  count(): number;
  /** A uuid that names this unseal; '' where none is under way. */
  nonce(): string;
  /**
   * @param share - copied; the caller wipes its own.
   * @returns false where it was given before.
   * @throws CodedError `bad_request` where it can be no share.
   */
  add(share: Uint8Array): boolean;
  /** @returns the root key, which the caller wipes. @throws CodedError `bad_request` where the shares do not open it. */
  rootKey(config: SealConfig): Uint8Array;
  /** Wipes them. */
  forget(): void;
}

export function makeUnsealShares(randomBytes: (bytes: number) => Uint8Array): UnsealShares {
  let given: Uint8Array[] = [];
  let nonce = '';

  function unsealKey({ threshold }: SealConfig): Uint8Array {
    const key = threshold === 1 ? copySecret(given[0]!) : combined();
    if (![16, 24, 32].includes(key.length)) {
      key.fill(0);
      throw badRequest(`invalid key: failed to setup unseal key: crypto/aes: invalid key size ${key.length}`);
    }
    return key;
  }

  function combined(): Uint8Array {
    try {
      return combine(given);
    } catch (error) {
      throw badRequest(`invalid key: failed to compute combined key: ${(error as Error).message}`);
    }
  }

  return {
    count: () => given.length,
    nonce: () => nonce,
    add(share) {
      refuseLength(share);
      if (given.some((other) => other.length === share.length && timingSafeEqual(other, share))) return false;
      given.push(copySecret(share));
      if (nonce === '') nonce = uuid(randomBytes(16));
      return true;
    },
    rootKey(config) {
      const kek = unsealKey(config);
      try {
        const rootKey = unwrapRootKey(kek, config);
        if (rootKey !== undefined) return rootKey;
      } finally {
        kek.fill(0);
      }
      throw badRequest(
        'unable to retrieve stored keys: invalid key: failed to decrypt keys from storage: cipher: message authentication failed',
      );
    },
    forget() {
      for (const share of given) share.fill(0);
      given = [];
      nonce = '';
    },
  };
}

function refuseLength(share: Uint8Array): void {
  if (share.length < SHARE_BYTES_MIN) {
    throw badRequest(`invalid key: key is shorter than minimum ${SHARE_BYTES_MIN} bytes`);
  }
  if (share.length > SHARE_BYTES_MAX) {
    throw badRequest(`invalid key: key is longer than maximum ${SHARE_BYTES_MAX} bytes`);
  }
}

/** 16 bytes in a uuid's spelling; random throughout, as Vault's. */
function uuid(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
