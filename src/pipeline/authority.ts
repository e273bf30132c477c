/**
 * Who a token is and what its policies allow: tokens and policies put together for the pipeline.
 *
 * @module
 */
import { type Acl, compileAcl, type Question } from '../auth/policies/acl.ts';
import type { Policy } from '../auth/policies/parse.ts';
import type { Tokens } from '../auth/token/tokens.ts';
import type { Catalog } from '../cluster/catalog.ts';
import type { Claims } from '../model/actor.ts';
import type { Caller } from '../model/caller.ts';
import { ACLS_MAX } from '../model/limits.ts';

export interface Decision {
  readonly allowed: boolean;
  readonly mayCreate: boolean;
  readonly mayUpdate: boolean;
  /** Names of the policies that grant it. */
  readonly granting: readonly string[];
}

export interface Authority {
  authenticate(token: string, takeUse: boolean): Promise<Caller | undefined>;
  isGood(caller: Caller): boolean;
  decide(caller: Caller, question: Question): Decision;
  isSudo(caller: Caller, path: string): boolean;
  aclOf(policies: readonly string[]): Acl;
  /** Of the catalog, as it is now. */
  version(): number;
  /** The authority of a decided request, to be checked again wherever it starts: nothing changed since `version`, the token is good. */
  claims(version: number, caller: Caller | undefined, decision: Decision | undefined): Claims;
  revokeSpent(caller: Caller): Promise<void>;
}

export function makeAuthority(
  tokens: Tokens,
  catalog: Catalog,
  policyOf: (name: string) => Policy | undefined,
  fault: (what: string, error: unknown) => void,
): Authority {
  let acls = new Map<string, Acl>();
  catalog.watch('policies', () => {
    acls = new Map();
  });

  /** Where one policy cannot be read, all is denied: what it denied must not be allowed by the others. */
  function compile(policies: readonly string[]): Acl {
    try {
      return compileAcl(policies.map(policyOf).filter((policy) => policy !== undefined));
    } catch (error) {
      fault('a stored policy', error);
      return compileAcl([]);
    }
  }

  function aclOf(policies: readonly string[]): Acl {
    const key = policies.join('\n');
    let acl = acls.get(key);
    if (!acl) {
      if (acls.size >= ACLS_MAX) acls.clear();
      acl = compile(policies);
      acls.set(key, acl);
    }
    return acl;
  }

  return {
    authenticate: (token, takeUse) => tokens.authenticate(token, { takeUse }),
    isGood: tokens.isGood,
    aclOf,
    decide(caller, question) {
      return aclOf(caller.state.policies).check(question);
    },
    version: () => catalog.version,
    isSudo: (caller, path) => caller.isRoot || aclOf(caller.state.policies).isSudo(path),
    claims(version, caller, decision) {
      return {
        good: () => catalog.version === version && (caller === undefined || tokens.isGood(caller)),
        mayCreate: decision?.mayCreate ?? true,
        mayUpdate: decision?.mayUpdate ?? true,
      };
    },
    async revokeSpent(caller) {
      await tokens.revoke(caller.accessor, 'tree');
    },
  };
}
