/**
 * The token auth method, mounted at `auth/token/` (contract §3).
 *
 * @module
 */

import { OWN_CLAIMS } from '../../model/actor.ts';
import type { TokenState } from '../../model/caller.ts';
import { type Engine, engine, operation, type Route, type RouteContext } from '../../model/engine.ts';
import { badRequest, CodedError } from '../../model/errors.ts';
import { isAccessor, isOfNamespace, namespaceIdOf, ofAnotherNamespace } from '../../model/namespace.ts';
import * as p from '../../model/params.ts';
import type { LogicalReply } from '../../model/request.ts';
import { CREATE_PARAMS, type CreationOptions, makeCreation } from './creation.ts';
import { makeRenewal, type RenewalOptions } from './renewal.ts';
import { ROLE_ROUTES, roleState, tokenRoleId } from './roles.ts';
import { makeTidy } from './tidy.ts';
import { tokenData } from './token-data.ts';

export interface TokenRoutesOptions extends CreationOptions, RenewalOptions {
  /** Absent: there is only the root namespace. */
  namespacePath?(id: string): string | undefined;
}

const ROLE_NAME = { role_name: p.string('The role.', { absent: '' }) };
const TOKEN_PARAM = p.string('The token.', { absent: '' });
const ACCESSOR_PARAM = p.string("The token's accessor.", { absent: '' });
const INCREMENT_PARAM = p.duration('TTL asked for.', { absent: 0 });

export function makeTokenAuth(options: TokenRoutesOptions): Engine {
  const { tokens } = options;
  const createToken = makeCreation(options);
  const renew = makeRenewal(options);

  const create = (orphan: boolean) =>
    operation({
      summary: orphan ? 'Creates a token without a parent.' : 'Creates a token, child of the calling one.',
      params: CREATE_PARAMS,
      run: (params, ctx) => createToken(params, ctx, orphan),
    });

  const createByRole = operation({
    summary: 'Creates a token as a role says.',
    params: { ...CREATE_PARAMS, ...ROLE_NAME },
    async run(params, ctx) {
      const role = await roleOf(params.role_name, ctx);
      if (!role) throw badRequest(`unknown role ${params.role_name}`);
      return createToken(params, ctx, role.orphan, role);
    },
  });

  const roleOf = (name: string, { cluster, mount }: RouteContext) =>
    cluster.send(roleState, tokenRoleId(mount, name), undefined, { claims: OWN_CLAIMS });

  /** The state of a good token that this request may ask about. */
  async function stateOf(accessor: string, ctx: RouteContext): Promise<TokenState | undefined> {
    return isOfNamespace(accessor, ctx) ? tokens.stateOf(accessor) : undefined;
  }

  async function lookUp(
    accessor: string,
    token: string,
    ctx: RouteContext,
    missing: () => CodedError,
  ): Promise<LogicalReply> {
    const state = await stateOf(accessor, ctx);
    if (!state) throw missing();
    return { data: shown(state, accessor, token, ctx) };
  }

  function shown(state: TokenState, accessor: string, token: string, { now }: RouteContext) {
    const namespace = options.namespacePath?.(namespaceIdOf(accessor));
    return tokenData(state, accessor, token, namespace, now());
  }

  const badToken = () => new CodedError('permission_denied', 'bad token');
  const invalidAccessor = () => badRequest('invalid accessor');

  /** @throws CodedError for a good batch token, of which nothing is stored that could be changed. */
  async function refuseBatch(accessor: string, what: string): Promise<void> {
    const state = await tokens.stateOf(accessor);
    if (state?.type === 'batch') throw badRequest(`batch tokens cannot be ${what}`);
  }

  /** Idempotent, as in Vault: what is not there is revoked already. */
  async function revokeToken(token: string, ctx: RouteContext): Promise<LogicalReply> {
    if (token === '') throw badRequest('missing token ID');
    const accessor = tokens.accessorOf(token);
    if (!isOfNamespace(accessor, ctx)) throw ofAnotherNamespace('token');
    await refuseBatch(accessor, 'revoked');
    await tokens.revoke(accessor, 'tree', { claims: ctx.claims, request: ctx.request });
    return {};
  }

  const renewSelf = operation({
    summary: 'Renews the calling token.',
    params: { token: TOKEN_PARAM, increment: INCREMENT_PARAM },
    run: ({ increment }, ctx) => renew(ctx.caller!.accessor, ctx.caller!.token, increment, ctx),
  });
  const lookupSelf = operation({
    summary: 'Shows the calling token.',
    params: { token: TOKEN_PARAM },
    run: (_params, ctx) => {
      const { state, accessor, token } = ctx.caller!;
      return { data: shown(state, accessor, token, ctx) };
    },
  });
  const lookup = operation({
    summary: 'Shows a token.',
    params: { token: TOKEN_PARAM },
    run: ({ token }, ctx) => {
      const text = token === '' ? ctx.caller!.token : token;
      return lookUp(tokens.accessorOf(text), text, ctx, badToken);
    },
  });

  const routes: Record<string, Route> = {
    ...ROLE_ROUTES,
    tidy: { update: makeTidy(tokens) },
    'create/:role_name': { update: createByRole },
    create: { update: create(false) },
    'create-orphan': { update: create(true) },
    lookup: { homeOf: ['token'], read: lookup, update: lookup },
    'lookup-self': { read: lookupSelf, update: lookupSelf },
    'lookup-accessor': {
      homeOf: ['accessor'],
      update: operation({
        summary: 'Shows the token of an accessor, without the token itself.',
        params: { accessor: ACCESSOR_PARAM },
        run: ({ accessor }, ctx) => lookUp(accessorGiven(accessor), '', ctx, invalidAccessor),
      }),
    },
    renew: {
      homeOf: ['token'],
      update: operation({
        summary: 'Renews a token.',
        params: { token: TOKEN_PARAM, increment: INCREMENT_PARAM },
        run: ({ token, increment }, ctx) => {
          if (token === '') throw badRequest('missing token ID');
          return renew(tokens.accessorOf(token), token, increment, ctx);
        },
      }),
    },
    'renew-self': { update: renewSelf },
    'renew-accessor': {
      homeOf: ['accessor'],
      update: operation({
        summary: 'Renews the token of an accessor.',
        params: { accessor: ACCESSOR_PARAM, increment: INCREMENT_PARAM },
        run: async ({ accessor, increment }, ctx) => {
          if (!(await stateOf(accessorGiven(accessor), ctx))) throw invalidAccessor();
          return renew(accessor, '', increment, ctx);
        },
      }),
    },
    revoke: {
      homeOf: ['token'],
      update: operation({
        summary: 'Revokes a token and all below it.',
        params: { token: TOKEN_PARAM },
        run: ({ token }, ctx) => revokeToken(token, ctx),
      }),
    },
    'revoke-self': {
      update: operation({
        summary: 'Revokes the calling token and all below it.',
        params: {},
        run: (_params, ctx) => revokeToken(ctx.caller!.token, ctx),
      }),
    },
    'revoke-accessor': {
      homeOf: ['accessor'],
      update: operation({
        summary: 'Revokes the token of an accessor and all below it.',
        params: { accessor: ACCESSOR_PARAM },
        run: async ({ accessor }, ctx) => {
          const given = accessorGiven(accessor);
          if (!isOfNamespace(given, ctx)) throw ofAnotherNamespace('accessor');
          const found = await tokens.revoke(given, 'tree', { claims: ctx.claims, request: ctx.request });
          return found ? {} : { warnings: ['No token found with this accessor'] };
        },
      }),
    },
    'revoke-orphan': {
      homeOf: ['token'],
      update: operation({
        summary: 'Revokes a token; its children become orphans.',
        params: { token: TOKEN_PARAM },
        run: async ({ token }, ctx) => {
          if (token === '') throw badRequest('missing token ID');
          if (!ctx.isSudo()) throw badRequest('root or sudo privileges required to revoke and orphan');
          const accessor = tokens.accessorOf(token);
          if (!(await stateOf(accessor, ctx))) throw badRequest('token to revoke not found');
          await refuseBatch(accessor, 'revoked');
          await tokens.revoke(accessor, 'self', { claims: ctx.claims, request: ctx.request });
          // Its children are orphans when this returns; after a crash in between, its timer goes on with it.
          await tokens.sweep(accessor);
          return {};
        },
      }),
    },
    accessors: {
      sudo: true,
      list: operation({
        summary: 'Lists the accessors of all tokens.',
        params: {},
        run: async (_params, { namespace }) => ({ data: { keys: await tokens.accessors(namespace.id) } }),
      }),
    },
  };
  return engine('token', 'Tokens: who may do what, and for how long.', routes, [roleState]);
}

function accessorGiven(accessor: string): string {
  if (accessor === '') throw badRequest('missing accessor');
  // An accessor is a name of ours; anything else cannot be one.
  if (!isAccessor(accessor)) throw badRequest('invalid accessor');
  return accessor;
}
