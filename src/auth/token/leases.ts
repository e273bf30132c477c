/**
 * Leases of tokens: a lease is the record of the token itself, found by what it is called. Lists look at every token of the namespace: they are
 * for operators, and an index of them would cost each login a write.
 *
 * @module
 */
import assert from 'node:assert';
import type { SendOptions } from '../../model/actor.ts';
import type { TokenState } from '../../model/caller.ts';
import { TOKENS_LOOKED_AT_ONCE } from '../../model/limits.ts';
import { namespaceIdOf, ofAnotherNamespace } from '../../model/namespace.ts';
import type { LeaseIds } from './lease-ids.ts';
import type { Tokens } from './tokens.ts';

export interface Lease {
  readonly id: string;
  readonly state: TokenState;
}

export interface TokenLeases {
  /** Undefined: there is none, or it is of another namespace. */
  find(id: string, namespaceId: string): Promise<Lease | undefined>;
  /** Of all leases below `prefix`, which is '' or ends in `/`, what follows it, unsorted. */
  below(prefix: string, namespaceId: string): Promise<string[]>;
  /** Ends the token. None there is no mistake. @throws CodedError `bad_request` where it is of another namespace. */
  revoke(id: string, namespaceId: string, options: SendOptions): Promise<void>;
  /** Ends all below `prefix`, which ends in `/`. */
  revokeBelow(prefix: string, namespaceId: string, options: SendOptions): Promise<void>;
}

export function makeTokenLeases(
  tokens: Pick<Tokens, 'accessors' | 'stateOf' | 'revoke'>,
  ids: LeaseIds,
): TokenLeases {
  /** A token without an end has no lease, as in Vault. */
  const hasLease = (state: TokenState | undefined): state is TokenState => state?.expiresAtMs !== undefined;

  async function found(id: string, namespaceId: string) {
    const named = ids.read(id);
    if (!named || namespaceIdOf(named.accessor) !== namespaceId) return undefined;
    const state = await tokens.stateOf(named.accessor);
    // One token, one name: whoever may list one path must not name a lease of another by it.
    if (!hasLease(state) || state.path !== named.path) return undefined;
    return { accessor: named.accessor, lease: { id, state } };
  }

  async function* all(prefix: string, namespaceId: string) {
    const accessors = await tokens.accessors(namespaceId);
    for (let at = 0; at < accessors.length; at += TOKENS_LOOKED_AT_ONCE) {
      const some = accessors.slice(at, at + TOKENS_LOOKED_AT_ONCE);
      const states = await Promise.all(some.map((accessor) => tokens.stateOf(accessor)));
      yield some.flatMap((accessor, n) => {
        const state = states[n];
        return hasLease(state) && `${state.path}/`.startsWith(prefix) ? [{ accessor, path: state.path }] : [];
      });
    }
  }

  return {
    find: async (id, namespaceId) => (await found(id, namespaceId))?.lease,
    async below(prefix, namespaceId) {
      const leases: string[] = [];
      for await (const some of all(prefix, namespaceId))
        for (const { accessor, path } of some) leases.push(ids.of(accessor, path).slice(prefix.length));
      return leases;
    },
    async revoke(id, namespaceId, options) {
      const named = ids.read(id);
      if (named && namespaceIdOf(named.accessor) !== namespaceId) throw ofAnotherNamespace('lease');
      const lease = await found(id, namespaceId);
      if (lease) await tokens.revoke(lease.accessor, 'tree', options);
    },
    async revokeBelow(prefix, namespaceId, options) {
      // '' would be all of them.
      assert(prefix.endsWith('/'));
      for await (const some of all(prefix, namespaceId))
        await Promise.all(some.map(({ accessor }) => tokens.revoke(accessor, 'tree', options)));
    },
  };
}
