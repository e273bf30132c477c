/**
 * Shares as they cross the wire, and what may be asked of a seal made of them (contract §2.1, §16).
 *
 * @module
 */
import { isBase64 } from '../../model/base64.ts';
import { badRequest } from '../../model/errors.ts';
import { SHARE_BYTES_MAX, SHARE_BYTES_MIN, SHARES_MAX } from '../../model/limits.ts';
import type { StructBody } from './struct-body.ts';

/** Vault's words and order; undefined: it can be. */
export function sealConfigFault(shares: number, threshold: number): string | undefined {
  if (shares < 1) return 'shares must be at least one';
  if (threshold < 1) return 'threshold must be at least one';
  if (shares > 1 && threshold === 1) return 'threshold must be greater than one for multiple shares';
  if (shares > SHARES_MAX) return `shares must be less than ${SHARES_MAX + 1}`;
  if (threshold > shares) return 'threshold cannot be larger than shares';
  return undefined;
}

/**
 * Hex where the length fits a share, or else base64: what is base64 may happen to be hex too. Its length is the caller's to look at.
 * @throws CodedError `bad_request` where it is neither.
 */
export function shareIn(text: string): Buffer {
  const bytes = text.length / 2;
  const isLong = bytes >= SHARE_BYTES_MIN && bytes <= SHARE_BYTES_MAX && Number.isInteger(bytes);
  if (isLong && /^[0-9a-fA-F]*$/.test(text)) return Buffer.from(text, 'hex');
  if (!isBase64(text)) {
    throw badRequest("'key' must be a valid hex or base64 string");
  }
  return Buffer.from(text, 'base64');
}

/** As `keys` and `keys_base64` of a reply. */
export interface ShownKeys {
  readonly keys: string[];
  readonly keys_base64: string[];
}

export function shownKeys(keys: readonly Uint8Array[]): ShownKeys {
  return {
    keys: keys.map((key) => Buffer.from(key).toString('hex')),
    keys_base64: keys.map((key) => Buffer.from(key).toString('base64')),
  };
}

/** The share of a request. @throws CodedError `bad_request` in Vault's words. */
export function keyIn(body: StructBody): Buffer {
  const key = body.text('key');
  if (key === '') throw badRequest("'key' must be specified in request body as JSON");
  return shareIn(key);
}
