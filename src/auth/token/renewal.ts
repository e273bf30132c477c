/**
 * Renewals of tokens: by what issued them, as it is now (contract §3.1).
 *
 * @module
 */
import { OWN_CLAIMS } from '../../model/actor.ts';
import type { TokenState } from '../../model/caller.ts';
import type { RouteContext } from '../../model/engine.ts';
import { badRequest } from '../../model/errors.ts';
import type { Mount } from '../../model/mount.ts';
import { isOfNamespace, namespaceIdOf } from '../../model/namespace.ts';
import type { LogicalReply } from '../../model/request.ts';
import { roleState, tokenRoleId } from './roles.ts';
import { authBlock } from './token-data.ts';
import type { Tokens } from './tokens.ts';
import { leastOf, type TtlTerms } from './ttl.ts';

export interface RenewalOptions {
  readonly tokens: Tokens;
  /** Effective TTLs of a mount, seconds. */
  ttlsOf(mount: Mount): { defaultTtl: number; maxTtl: number };
  /** Where a namespace keeps its token roles. Absent: there is only the root namespace. */
  mountOf?(namespaceId: string): Mount | undefined;
  /** By what a token is renewed that a login issued. Absent: there are none. @throws CodedError where it must not be. */
  loginTerms?(issuer: NonNullable<TokenState['issuer']>, state: TokenState): Promise<TtlTerms>;
}

/** Renews the token of an accessor. @param token - to be shown. @param increment - asked for, seconds; 0: nothing was. */
export type Renew = (
  accessor: string,
  token: string,
  increment: number,
  ctx: RouteContext,
) => Promise<LogicalReply>;

export function makeRenewal(options: RenewalOptions): Renew {
  const { tokens } = options;

  async function renew(
    accessor: string,
    token: string,
    increment: number,
    ctx: RouteContext,
  ): Promise<LogicalReply> {
    const state = isOfNamespace(accessor, ctx) ? await tokens.stateOf(accessor) : undefined;
    if (!state) throw badRequest('token not found');
    if (state.type === 'batch') throw badRequest('batch tokens cannot be renewed');
    if (!state.renewable) throw badRequest('lease is not renewable');
    const terms = await termsOf(state, accessor, ctx);
    const renewed = await tokens.renew(
      accessor,
      { increment, terms },
      {
        claims: ctx.claims,
        caller: ctx.caller,
        request: ctx.request,
      },
    );
    const { grantedTtl, warnings = [] } = renewed;
    return {
      auth: authBlock(token, accessor, renewed, grantedTtl, renewed.createdAtMs),
      warnings: [...warnings],
    };
  }

  /** What a renewal goes by: that of who issued the token, as it is now. */
  async function termsOf(state: TokenState, accessor: string, ctx: RouteContext): Promise<TtlTerms> {
    const { cluster } = ctx;
    // A token may renew itself in a namespace below its own, too.
    const mount = options.mountOf?.(namespaceIdOf(accessor)) ?? ctx.mount;
    if (state.issuer && options.loginTerms) return options.loginTerms(state.issuer, state);
    const own = {
      // What the last renewal granted, as Vault's leases keep it.
      ttl: state.grantedTtl ?? state.ttl,
      period: state.period,
      explicitMaxTtl: state.explicitMaxTtl,
      ...options.ttlsOf(mount),
    };
    if (state.role === undefined) return own;
    const id = tokenRoleId(mount, state.role);
    const role = await cluster.send(roleState, id, undefined, { claims: OWN_CLAIMS });
    if (!role) throw badRequest('the role of the token is gone, not renewing');
    return {
      ...own,
      period: role.token_period,
      explicitMaxTtl: leastOf(state.explicitMaxTtl, role.token_explicit_max_ttl),
    };
  }

  return renew;
}
