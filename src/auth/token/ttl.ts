/**
 * How long a token lives: Vault's rules (contract §3.1, TTL calc), in whole seconds.
 *
 * @module
 */
import { badRequest } from '../../model/errors.ts';

export interface TtlWish {
  /** Asked for in this call; 0: nothing was. */
  readonly increment: number;
  /** What the token was made with; 0: the mount's default. */
  readonly ttl: number;
  readonly period: number;
  readonly explicitMaxTtl: number;
  /** Of the mount, or the system's. */
  readonly defaultTtl: number;
  readonly maxTtl: number;
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
    const left = Math.floor((wish.startMs + longest * 1_000 - wish.nowMs) / 1_000);
    if (left < 0 || (left === 0 && wish.nowMs > wish.startMs))
      throw badRequest('past the max TTL, cannot renew');
    if (ttl > left) {
      warnings.push(capped('TTL', ttl, longest));
      ttl = left;
    }
  }
  return { ttl, warnings };
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
