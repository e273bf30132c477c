/**
 * How long a token lives: Vault's rules (contract §3.1, TTL calc), in whole seconds.
 *
 * @module
 */
import type { NewToken, TokenState } from '../../model/caller.ts';
import { badRequest } from '../../model/errors.ts';

/** What bounds a token's life. Seconds. */
export interface TtlTerms {
  /** What the token was made with; 0: the mount's default. */
  readonly ttl: number;
  /** 0: none. */
  readonly period: number;
  readonly explicitMaxTtl: number;
  /** Of the mount, or the system's. */
  readonly defaultTtl: number;
  readonly maxTtl: number;
}

export interface TtlWish extends TtlTerms {
  /** Asked for in this call; 0: nothing was. */
  readonly increment: number;
  /** When its life began. */
  readonly startMs: number;
  readonly nowMs: number;
}

/** @returns seconds from now, and what the caller should know. @throws CodedError past the longest life. */
export function ttlOf(wish: TtlWish): { ttl: number; warnings: string[] } {
  const warnings: string[] = [];
  const { period, explicitMaxTtl } = wish;
  let maxTtl = wish.maxTtl;
  if (explicitMaxTtl > 0 && explicitMaxTtl < maxTtl) maxTtl = explicitMaxTtl;

  let ttl: number;
  let longest = maxTtl;
  if (period > 0) {
    ttl = period;
    if (ttl > maxTtl) {
      warnings.push(capped('period', ttl, maxTtl));
      ttl = maxTtl;
    }
    // A period has no end but an explicit one.
    longest = explicitMaxTtl > 0 ? maxTtl : 0;
  } else {
    ttl = wish.increment > 0 ? wish.increment : wish.ttl > 0 ? wish.ttl : wish.defaultTtl;
  }
  if (longest > 0) {
    // The clock may be behind that of the owner before, which said when it began.
    const gone = Math.max(0, wish.nowMs - wish.startMs);
    const left = Math.floor((longest * 1_000 - gone) / 1_000);
    if (left < 0 || (left === 0 && gone > 0)) throw badRequest('past the max TTL, cannot renew');
    if (ttl > left) {
      warnings.push(capped('TTL', ttl, longest));
      ttl = left;
    }
  }
  return { ttl, warnings };
}

/** The token, as it begins at this time. A TTL of 0 has no end. */
export function begunAt(token: NewToken, nowMs: number): TokenState {
  return {
    ...token,
    createdAtMs: nowMs,
    expiresAtMs: token.ttl === 0 ? undefined : nowMs + token.ttl * 1_000,
  };
}

function capped(what: 'TTL' | 'period', ttl: number, maxTtl: number): string {
  return `${what} of "${shortDuration(ttl)}" exceeded the effective max_ttl of "${shortDuration(maxTtl)}"; ${what} value is capped accordingly`;
}

/** Go's text of a duration without what is zero at its end: `768h`, `1h30m`. */
function shortDuration(seconds: number): string {
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60), seconds % 60];
  const text = `${h > 0 ? `${h}h` : ''}${m > 0 || (h > 0 && s > 0) ? `${m}m` : ''}${s > 0 ? `${s}s` : ''}`;
  return text === '' ? '0s' : text;
}

/** The one that is set, or the lesser; 0: neither. */
export function leastOf(a: number, b: number): number {
  return a > 0 && b > 0 ? Math.min(a, b) : a || b;
}
