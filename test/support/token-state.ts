/**
 * What the record of a token holds, for tests of those who read it.
 *
 * @module
 */
import type { TokenState } from '../../src/model/caller.ts';

/** An orphan that never expires, with the policies `['p']`, but for `more`. */
export function tokenState(more: Partial<TokenState> = {}): TokenState {
  return {
    parent: undefined,
    policies: ['p'],
    meta: null,
    displayName: 'token',
    usesLeft: undefined,
    numUses: 0,
    type: 'service',
    path: 'auth/token/create',
    createdAtMs: 1_000,
    ttl: 0,
    expiresAtMs: undefined,
    explicitMaxTtl: 0,
    period: 0,
    renewable: true,
    noDefaultPolicy: false,
    ...more,
  };
}
