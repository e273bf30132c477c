/**
 * A new seal: an unseal key that nobody keeps, its shares, and the root key encrypted under it.
 *
 * @module
 */
import { NONCE_BYTES } from './aead.ts';
import type { Keyring } from './keyring.ts';
import { type SealConfig, wrapRootKey } from './seal-config.ts';
import { copySecret, drawKey } from './secret-bytes.ts';
import { split } from './shamir.ts';
import { checksOf } from './share-checks.ts';

export interface DrawnSeal {
  /** Nothing is stored of it. */
  readonly config: SealConfig;
  /** `threshold` of them unseal; with one share it is the unseal key itself. The caller wipes them. */
  readonly shares: Uint8Array[];
}

/** @param keys - stay the caller's. */
export function drawSeal(
  { shares: count, threshold }: { readonly shares: number; readonly threshold: number },
  { rootKey, namesKey }: Pick<Keyring, 'rootKey' | 'namesKey'>,
  randomBytes: (bytes: number) => Uint8Array,
): DrawnSeal {
  const kek = drawKey(randomBytes);
  try {
    const shares = count === 1 ? [copySecret(kek)] : split(kek, { shares: count, threshold }, randomBytes);
    const storedKey = wrapRootKey(kek, rootKey, randomBytes(NONCE_BYTES));
    return { shares, config: { shares: count, threshold, storedKey, checks: checksOf(shares, namesKey) } };
  } finally {
    kek.fill(0);
  }
}
