/**
 * What audit devices are told of who asks. Most tokens ask for the same again and again, and devices keep the text of what they are told twice:
 * the same caller under the same verdict is told of with the same object.
 *
 * @module
 */
import { clientIdOf } from '../auth/token/client-id.ts';
import type { AuditAuth } from '../model/audit.ts';
import type { Caller, TokenState } from '../model/caller.ts';
import { AUDIT_AUTHS_KEPT } from '../model/limits.ts';
import type { Decision } from './authority.ts';

/** @param namespacePath - path of the namespace that the caller's policies are in. */
export type AuditAuths = (
  caller: Caller | undefined,
  decision: Decision | undefined,
  namespacePath: string,
) => AuditAuth;

interface Told {
  readonly token: string;
  readonly namespacePath: string;
  readonly auth: AuditAuth;
}

/** By what is known of a token, and by what its policies said. Both are replaced and never changed. */
type Generation = WeakMap<TokenState, WeakMap<Decision, Told>>;

export function makeAuditAuths(keptMax = AUDIT_AUTHS_KEPT): AuditAuths {
  // Two generations, so that callers who come again survive and the bound holds.
  let young: Generation = new WeakMap();
  let old: Generation = new WeakMap();
  let count = 0;

  function keep(state: TokenState, decision: Decision, told: Told): void {
    if (count >= keptMax / 2) {
      old = young;
      young = new WeakMap();
      count = 0;
    }
    let ofToken = young.get(state);
    if (!ofToken) {
      ofToken = new WeakMap();
      young.set(state, ofToken);
    }
    ofToken.set(decision, told);
    count += 1;
  }

  return (caller, decision, namespacePath) => {
    if (!caller) return { tokenType: 'default', policyResults: decision && { allowed: decision.allowed } };
    const { state, token } = caller;
    // Where uses are counted nothing comes twice.
    if (!decision || state.usesLeft !== undefined) return authOf(caller, decision, namespacePath);
    const isSame = (told: Told | undefined): told is Told =>
      told !== undefined && told.token === token && told.namespacePath === namespacePath;
    const recent = young.get(state)?.get(decision);
    if (isSame(recent)) return recent.auth;
    const earlier = old.get(state)?.get(decision);
    const told = isSame(earlier)
      ? earlier
      : { token, namespacePath, auth: authOf(caller, decision, namespacePath) };
    keep(state, decision, told);
    return told.auth;
  };
}

function authOf(caller: Caller, decision: Decision | undefined, namespacePath: string): AuditAuth {
  const { state } = caller;
  return {
    clientToken: caller.token,
    accessor: shownAccessor(caller),
    displayName: state.displayName,
    policies: state.policies,
    tokenPolicies: state.policies,
    noDefaultPolicy: state.noDefaultPolicy,
    policyResults: decision && {
      allowed: decision.allowed,
      grantingPolicies: decision.granting.map((name) => ({
        name,
        namespaceId: caller.namespace,
        namespacePath: namespacePath || undefined,
        type: 'acl',
      })),
    },
    metadata: state.meta,
    numUses: state.numUses,
    remainingUses: state.usesLeft,
    tokenType: state.type,
    tokenTtl: state.ttl,
    tokenIssueTimeMs: state.createdAtMs,
    clientId: clientIdOf(caller),
  };
}

/** What may be shown of it: batch tokens have none. */
export function shownAccessor({ accessor, state }: Caller): string {
  return state.type === 'batch' ? '' : accessor;
}
