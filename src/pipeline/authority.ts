/**
 * Who a token is and what its policies allow: tokens and policies put together for the pipeline.
 *
 * @module
 */
import { type Acl, compileAcl, type Question, type Verdict, verdictOn } from '../auth/policies/acl.ts';
import type { Policy } from '../auth/policies/parse.ts';
import type { Tokens } from '../auth/token/tokens.ts';
import type { Catalog } from '../cluster/catalog.ts';
import type { AuthorityBasis } from '../model/actor.ts';
import type { Caller } from '../model/caller.ts';
import { ACLS_MAX } from '../model/limits.ts';
import { ROOT_NAMESPACE } from '../model/namespace.ts';

export type Decision = Verdict;
export const decisionOn = verdictOn;

/** Of what is open to everybody. */
export const LET_IN: Decision = { allowed: true, mayCreate: true, mayUpdate: true, granting: [] };

export interface Authority {
  /** Who `token` is; takes a use where uses are limited. */
  authenticate(token: string): Promise<Caller | undefined>;
  /** Who `token` is, where that can be told in this turn and takes no use; undefined: ask `authenticate`. */
  authenticateNow(token: string): Caller | undefined;
  /** In this turn; false also where it cannot be told without waiting. */
  isGood(caller: Caller): boolean;
  /** As `isGood`, but waits where it has to. */
  isStillGood(caller: Caller): Promise<boolean>;
  /** @param question - its path as it is from the caller's namespace. */
  decide(caller: Caller, question: Question): Decision;
  /** @param path - as in `decide`. */
  isSudo(caller: Caller, path: string): boolean;
  /** Of policies of one namespace; paths are asked for as they are from there. */
  aclOf(namespaceId: string, policies: readonly string[]): Acl;
  /** Of the catalog, as it is now. */
  version(): number;
  /** What is asked of this node for `caller` rests on this, in this turn. */
  basis(caller: Caller | undefined): AuthorityBasis;
  revokeSpent(caller: Caller): Promise<void>;
}

export function makeAuthority(
  tokens: Tokens,
  catalog: Catalog,
  policyOf: (namespaceId: string, name: string) => Policy | undefined,
  fault: (what: string, error: unknown) => void,
): Authority {
  let acls = new Map<string, Acl>();
  catalog.watch('policies', () => {
    acls = new Map();
  });

  /** Where one policy cannot be read, all is denied: what it denied must not be allowed by the others. */
  function compile(namespaceId: string, policies: readonly string[]): Acl {
    try {
      return compileAcl(
        policies.map((name) => policyOf(namespaceId, name)).filter((policy) => policy !== undefined),
      );
    } catch (error) {
      fault('a stored policy', error);
      return compileAcl([]);
    }
  }

  function aclOf(namespaceId: string, policies: readonly string[]): Acl {
    const list = JSON.stringify(policies);
    // An id holds no bracket: what follows it is the list.
    const key = namespaceId === ROOT_NAMESPACE.id ? list : namespaceId + list;
    let acl = acls.get(key);
    if (!acl) {
      if (acls.size >= ACLS_MAX) acls.clear();
      acl = compile(namespaceId, policies);
      acls.set(key, acl);
    }
    return acl;
  }

  return {
    authenticate: (token) => tokens.authenticate(token),
    authenticateNow: tokens.authenticateNow,
    isGood: tokens.isGood,
    isStillGood: tokens.isStillGood,
    aclOf,
    decide(caller, question) {
      return aclOf(caller.namespace, caller.state.policies).check(question);
    },
    version: () => catalog.version,
    basis: (caller) => ({ actors: caller ? tokens.chainOf(caller) : [], sections: catalog.sequences() }),
    isSudo: (caller, path) => caller.isRoot || aclOf(caller.namespace, caller.state.policies).isSudo(path),
    async revokeSpent(caller) {
      await tokens.revoke(caller.accessor, 'tree');
    },
  };
}
