/**
 * A token as replies show it.
 *
 * @module
 */
import type { NewToken, TokenState } from '../../model/caller.ts';
import type { Encodable } from '../../model/json.ts';
import type { AuthBlock } from '../../model/request.ts';
import { rfc3339 } from '../../model/time.ts';
import { ROOT_PATH } from './token-actor.ts';

/** @param issuedAtMs - of a token that is renewed. */
export function authBlock(
  token: string,
  accessor: string,
  state: NewToken,
  ttl: number,
  issuedAtMs?: number,
): AuthBlock {
  return {
    client_token: token,
    accessor,
    policies: state.policies,
    token_policies: state.policies.length === 0 ? undefined : state.policies,
    metadata: state.meta,
    lease_duration: ttl,
    renewable: state.renewable,
    entity_id: '',
    token_type: state.type,
    orphan: state.parent === undefined,
    mfa_requirement: null,
    num_uses: state.usesLeft ?? 0,
    told: { displayName: state.displayName, issuedAtMs },
  };
}

/** A token as lookups show it. */
export function tokenData(
  state: TokenState,
  accessor: string,
  token: string,
  namespacePath: string | undefined,
  nowMs: number,
): { [key: string]: Encodable } {
  const data: { [key: string]: Encodable } = {
    id: token,
    accessor: state.type === 'batch' ? '' : accessor,
    policies: state.policies,
    path: state.path,
    meta: state.meta,
    display_name: state.displayName,
    // Vault's word for a token in its last use; 0 would say that they are not limited.
    num_uses: state.usesLeft === 0 ? -1 : (state.usesLeft ?? 0),
    orphan: state.parent === undefined,
    creation_time: Math.floor(state.createdAtMs / 1_000),
    creation_ttl: state.ttl,
    expire_time: null,
    ttl: 0,
    explicit_max_ttl: state.explicitMaxTtl,
    entity_id: '',
    type: state.type,
  };
  if (state.period > 0) data.period = state.period;
  if (state.role !== undefined) data.role = state.role;
  if (namespacePath) data.namespace_path = namespacePath;
  if (state.boundCidrs) data.bound_cidrs = state.boundCidrs;
  // Only the root token of init has no lease.
  if (state.path !== ROOT_PATH) {
    data.renewable = state.renewable;
    data.issue_time = rfc3339(state.createdAtMs);
  }
  if (state.expiresAtMs !== undefined) {
    data.expire_time = rfc3339(state.expiresAtMs);
    // Another node's time may be behind that of the one which made it: no more is left than was given.
    const atMs = Math.max(nowMs, state.renewedAtMs ?? state.createdAtMs);
    data.ttl = Math.max(0, Math.ceil((state.expiresAtMs - atMs) / 1_000));
  }
  if (state.renewedAtMs !== undefined) {
    data.last_renewal_time = Math.floor(state.renewedAtMs / 1_000);
    data.last_renewal = rfc3339(state.renewedAtMs);
  }
  return data;
}
