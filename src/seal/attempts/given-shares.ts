/**
 * Shares given to attempts, in the memory of the node that owns them and nowhere else: where another takes over they are given again. And how
 * many wrong ones were.
 *
 * @module
 */
import { timingSafeEqual } from 'node:crypto';
import { CodedError } from '../../model/errors.ts';
import { MINUTE_MS, WRONG_SHARES_MAX } from '../../model/limits.ts';
import { copySecret } from '../secret-bytes.ts';

export interface GivenShares {
  /** Those given under a nonce. */
  of(nonce: string): readonly Uint8Array[];
  has(nonce: string, share: Uint8Array): boolean;
  /** @param share - copied. @param rightMs - now, where it is known to be right. */
  add(nonce: string, share: Uint8Array, rightMs: number | undefined): void;
  /** When the last one was given under a nonce that is known to be right; undefined: none was. */
  rightMs(nonce: string): number | undefined;
  forget(nonce: string): void;
  /** Forgets all but what was given under these. */
  keepOnly(nonces: ReadonlySet<string>): void;
  clear(): void;
  /** @throws CodedError 429 where there were WRONG_SHARES_MAX within a minute. */
  refuseTooMany(nowMs: number): void;
  countWrong(nowMs: number): void;
}

export function makeGivenShares(): GivenShares {
  const given = new Map<string, { shares: Uint8Array[]; rightMs: number | undefined }>();
  let wrongMs: number[] = [];

  function forget(nonce: string): void {
    for (const share of given.get(nonce)?.shares ?? []) share.fill(0);
    given.delete(nonce);
  }

  return {
    of: (nonce) => given.get(nonce)?.shares ?? [],
    has: (nonce, share) =>
      (given.get(nonce)?.shares ?? []).filter(
        (other) => other.length === share.length && timingSafeEqual(other, share),
      ).length > 0,
    add(nonce, share, rightMs) {
      const before = given.get(nonce);
      const shares = [...(before?.shares ?? []), copySecret(share)];
      given.set(nonce, { shares, rightMs: rightMs ?? before?.rightMs });
    },
    rightMs: (nonce) => given.get(nonce)?.rightMs,
    forget,
    keepOnly(nonces) {
      for (const nonce of [...given.keys()]) if (!nonces.has(nonce)) forget(nonce);
    },
    clear() {
      for (const nonce of [...given.keys()]) forget(nonce);
    },
    refuseTooMany(nowMs) {
      wrongMs = wrongMs.filter((atMs) => nowMs - atMs < MINUTE_MS);
      if (wrongMs.length < WRONG_SHARES_MAX) return;
      throw new CodedError('bad_request', 'too many wrong shares were given; try again in a minute', {
        status: 429,
      });
    },
    countWrong(nowMs) {
      wrongMs.push(nowMs);
    },
  };
}
