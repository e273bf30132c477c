/**
 * The token auth method, mounted at `auth/token/` (contract §3).
 *
 * @module
 */

import { OWN_CLAIMS } from '../../model/actor.ts';
import type { TokenState } from '../../model/caller.ts';
import { type Engine, engine, operation, type Route, type RouteContext } from '../../model/engine.ts';
import { badRequest, CodedError } from '../../model/errors.ts';
import type { Encodable } from '../../model/json.ts';
import { TOKEN_BYTES_MAX, TOKEN_RECORD_BYTES_MAX } from '../../model/limits.ts';
import type { Mount } from '../../model/mount.ts';
import {
  isAccessor,
  isOfNamespace,
  type Namespace,
  namespaceIdOf,
  ROOT_NAMESPACE,
} from '../../model/namespace.ts';
import * as p from '../../model/params.ts';
import type { AuthBlock, LogicalReply } from '../../model/request.ts';
import { rfc3339 } from '../../model/time.ts';
import { isSubset, sanitizePolicies } from './policy-names.ts';
import { policiesByRole, rulesPolicies } from './role-policies.ts';
import { ROLE_ROUTES, roleState, type TokenRole, tokenRoleId } from './roles.ts';
import { makeTidy } from './tidy.ts';
import { ROOT_PATH } from './token-actor.ts';
import type { Tokens } from './tokens.ts';
import { ttlOf } from './ttl.ts';

export interface TokenRoutesOptions {
  readonly tokens: Tokens;
  /** Effective TTLs of a mount, seconds. */
  ttlsOf(mount: Mount): { defaultTtl: number; maxTtl: number };
  policyExists(namespaceId: string, name: string): boolean;
  /** Absent: there is only the root namespace. */
  namespacePath?(id: string): string | undefined;
  /** Where a namespace keeps its token roles. Absent: as above. */
  mountOf?(namespaceId: string): Mount | undefined;
  /** By what a token is renewed that a login issued. Absent: there are none. @throws CodedError where it must not be. */
  loginTerms?(issuer: NonNullable<TokenState['issuer']>, state: TokenState): Promise<RenewalTerms>;
}

/** What bounds a renewal. Seconds; `ttl` and `period` 0: not set. */
export interface RenewalTerms {
  readonly ttl: number;
  readonly period: number;
  readonly explicitMaxTtl: number;
  readonly defaultTtl: number;
  readonly maxTtl: number;
}

const CREATE_PARAMS = {
  id: p.string('The token itself; needs sudo.', { absent: '' }),
  display_name: p.string('A name for the token; shown as token-NAME.', { absent: '' }),
  policies: p.strings('Policies of the token; those of the caller where none are given.', { absent: [] }),
  meta: p.kvPairs('Metadata that goes into the audit log.'),
  no_parent: p.bool('Makes an orphan; needs sudo.', { absent: false }),
  no_default_policy: p.bool('Leaves out the policy "default".', { absent: false }),
  renewable: p.bool('May the token be renewed?', { absent: true }),
  ttl: p.signedDuration('How long it lives.'),
  lease: p.signedDuration('Older name of ttl.'),
  explicit_max_ttl: p.signedDuration('Longest life, whatever the renewals.'),
  period: p.signedDuration('Each renewal gives this TTL, without end; needs sudo.'),
  num_uses: p.int('How often it may be used; 0: not limited.', { absent: 0 }),
  type: p.string('"service" or "batch".', { absent: '' }),
  entity_alias: p.string('Only with a role.', { absent: '' }),
};

const ROLE_NAME = { role_name: p.string('The role.', { absent: '' }) };
const TOKEN_PARAM = p.string('The token.', { absent: '' });
const ACCESSOR_PARAM = p.string("The token's accessor.", { absent: '' });
const INCREMENT_PARAM = p.duration('TTL asked for.', { absent: 0 });

export function makeTokenAuth(options: TokenRoutesOptions): Engine {
  const { tokens } = options;

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

  async function createToken(
    params: p.Decoded<typeof CREATE_PARAMS>,
    ctx: RouteContext,
    orphan: boolean,
    role?: TokenRole,
  ): Promise<LogicalReply> {
    const caller = ctx.caller!;
    const parent = caller.state;
    const isSudo = ctx.isSudo();
    if (parent.type === 'batch') throw badRequest('batch tokens cannot create more tokens');
    if (parent.numUses > 0) throw badRequest('restricted use token cannot generate child tokens');
    const type = typeAsked(params.type, role);
    const isBatch = type === 'batch';
    if (isBatch) refuseOfBatch(params, role);
    if (params.num_uses < 0) throw badRequest('number of uses cannot be negative');
    if (params.entity_alias !== '')
      throw badRequest(
        role
          ? 'entity aliases are not supported yet'
          : "'entity_alias' is only allowed in combination with token role",
      );
    checkId(params.id, isSudo, ctx.namespace);

    const isOfAbove = caller.namespace !== ctx.namespace.id;
    const policies = policiesOf(params, parent, isSudo, role, isOfAbove);
    if (isBatch && policies.includes('root')) throw badRequest('batch tokens cannot be root tokens');
    if (!role && params.no_parent && !isSudo)
      throw badRequest('root or sudo privileges required to create orphan token');
    const askedPeriod = notNegative(params.period, 'period');
    if (askedPeriod > 0 && !isSudo)
      throw badRequest('root or sudo privileges required to create periodic token');
    const asked = notNegative(params.ttl, 'ttl') || notNegative(params.lease, 'lease');

    const lesser: string[] = [];
    const explicitMaxTtl = lesserOf(
      notNegative(params.explicit_max_ttl, 'explicit_max_ttl'),
      role?.token_explicit_max_ttl ?? 0,
      'Explicit max TTL',
      lesser,
    );
    // A role that makes both kinds says of batch tokens only how long they live at most.
    const period = isBatch ? 0 : lesserOf(askedPeriod, role?.token_period ?? 0, 'Period', lesser);
    const usesOfRole = role?.token_num_uses ?? 0;
    const numUses = usesOfRole > 0 ? Math.min(params.num_uses || usesOfRole, usesOfRole) : params.num_uses;
    const boundCidrs = role?.token_bound_cidrs.length ? role.token_bound_cidrs : parent.boundCidrs;

    const nowMs = ctx.now();
    let warnings: string[] = [];
    let ttl = asked;
    if (period > 0 || asked > 0 || !policies.includes('root')) {
      ({ ttl, warnings } = ttlOf({
        increment: 0,
        ttl: asked,
        period,
        explicitMaxTtl,
        ...options.ttlsOf(ctx.mount),
        startMs: nowMs,
        nowMs,
      }));
    }
    if (ttl === 0 && explicitMaxTtl > 0) ttl = explicitMaxTtl;
    if (ttl === 0 && parent.ttl !== 0) {
      throw badRequest('expiring root tokens cannot create non-expiring root tokens');
    }
    warnings = [...lesser, ...warnings];
    for (const name of policies) {
      if (!options.policyExists(ctx.namespace.id, name))
        warnings.push(`Policy ${JSON.stringify(name)} does not exist`);
    }

    const state: TokenState = {
      parent: orphan || (!role && params.no_parent) ? undefined : caller.accessor,
      policies,
      meta: params.meta === undefined ? null : Object.fromEntries(params.meta),
      displayName: displayName(params.display_name),
      usesLeft: numUses === 0 ? undefined : numUses,
      numUses,
      type,
      path: role?.path_suffix ? `${ctx.path}/${role.path_suffix}` : ctx.path,
      createdAtMs: nowMs,
      ttl,
      expiresAtMs: ttl === 0 ? undefined : nowMs + ttl * 1_000,
      explicitMaxTtl: isBatch ? 0 : explicitMaxTtl,
      period,
      renewable: !isBatch && ttl !== 0 && params.renewable && role?.renewable !== false,
      noDefaultPolicy: params.no_default_policy || role?.token_no_default_policy === true,
    };
    if (role) state.role = ctx.captures.role_name!;
    if (boundCidrs) state.boundCidrs = boundCidrs;
    if (Buffer.byteLength(JSON.stringify(state)) > TOKEN_RECORD_BYTES_MAX) {
      throw badRequest(`the settings of a token must not exceed ${TOKEN_RECORD_BYTES_MAX} bytes`);
    }
    const made = await tokens.create(state, params.id === '' ? undefined : params.id, {
      namespace: ctx.namespace.id,
      claims: ctx.claims,
      caller,
      request: ctx.request,
    });
    return { auth: authBlock(made.token, made.accessor, state, ttl), warnings };
  }

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

  async function renew(
    accessor: string,
    token: string,
    increment: number,
    ctx: RouteContext,
  ): Promise<LogicalReply> {
    const state = await stateOf(accessor, ctx);
    if (!state) throw badRequest('token not found');
    if (state.type === 'batch') throw badRequest('batch tokens cannot be renewed');
    if (!state.renewable) throw badRequest('lease is not renewable');
    const terms = await termsOf(state, accessor, ctx);
    const nowMs = ctx.now();
    const { ttl, warnings } = ttlOf({
      increment,
      ...terms,
      startMs: state.createdAtMs,
      nowMs,
    });
    const renewed = await tokens.renew(accessor, ttl, {
      claims: ctx.claims,
      caller: ctx.caller,
      request: ctx.request,
    });
    return { auth: authBlock(token, accessor, renewed, ttl), warnings };
  }

  /** What a renewal goes by: that of who issued the token, as it is now. */
  async function termsOf(state: TokenState, accessor: string, ctx: RouteContext): Promise<RenewalTerms> {
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

  /** @throws CodedError for a good batch token, of which nothing is stored that could be changed. */
  async function refuseBatch(accessor: string, what: string): Promise<void> {
    const state = await tokens.stateOf(accessor);
    if (state?.type === 'batch') throw badRequest(`batch tokens cannot be ${what}`);
  }

  /** Idempotent, as in Vault: what is not there is revoked already. */
  async function revokeToken(token: string, ctx: RouteContext): Promise<LogicalReply> {
    if (token === '') throw badRequest('missing token ID');
    const accessor = tokens.accessorOf(token);
    if (!isOfNamespace(accessor, ctx)) return {};
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
    lookup: { read: lookup, update: lookup },
    'lookup-self': { read: lookupSelf, update: lookupSelf },
    'lookup-accessor': {
      update: operation({
        summary: 'Shows the token of an accessor, without the token itself.',
        params: { accessor: ACCESSOR_PARAM },
        run: ({ accessor }, ctx) => lookUp(accessorGiven(accessor), '', ctx, invalidAccessor),
      }),
    },
    renew: {
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
      update: operation({
        summary: 'Revokes the token of an accessor and all below it.',
        params: { accessor: ACCESSOR_PARAM },
        run: async ({ accessor }, ctx) => {
          const given = accessorGiven(accessor);
          const found =
            isOfNamespace(given, ctx) &&
            (await tokens.revoke(given, 'tree', { claims: ctx.claims, request: ctx.request }));
          return found ? {} : { warnings: ['No token found with this accessor'] };
        },
      }),
    },
    'revoke-orphan': {
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

/** @throws CodedError for what is none. */
function typeAsked(asked: string, role: TokenRole | undefined): TokenState['type'] {
  const ofRole = role?.token_type;
  if (ofRole === 'service' || ofRole === 'batch') return ofRole;
  if (asked === '') return ofRole === 'default-batch' ? 'batch' : 'service';
  if (asked !== 'service' && asked !== 'batch') throw badRequest("invalid 'token_type' value");
  return asked;
}

/** @throws CodedError for what a batch token cannot have. */
function refuseOfBatch(params: p.Decoded<typeof CREATE_PARAMS>, role: TokenRole | undefined): void {
  const asked = {
    explicit_max_ttl: params.explicit_max_ttl,
    num_uses: params.num_uses || role?.token_num_uses,
    period: params.period,
    id: params.id,
  };
  for (const [name, value] of Object.entries(asked))
    if (value) throw badRequest(`batch tokens cannot have "${name}" set`);
}

/** The one that is set, or the lesser; 0: neither. */
function leastOf(a: number, b: number): number {
  return a > 0 && b > 0 ? Math.min(a, b) : a || b;
}

/** As `leastOf`, and says so. */
function lesserOf(asked: number, ofRole: number, what: string, warnings: string[]): number {
  const least = leastOf(asked, ofRole);
  if (asked > 0 && ofRole > 0)
    warnings.push(
      `${what} specified both during creation call and in role; using the lesser value of ${least} seconds`,
    );
  return least;
}

function accessorGiven(accessor: string): string {
  if (accessor === '') throw badRequest('missing accessor');
  // An accessor is a name of ours; anything else cannot be one.
  if (!isAccessor(accessor)) throw badRequest('invalid accessor');
  return accessor;
}

function checkId(id: string, isSudo: boolean, namespace: Namespace): void {
  if (id === '') return;
  if (!isSudo) throw badRequest('root or sudo privileges required to specify token id');
  if (namespace !== ROOT_NAMESPACE)
    throw badRequest('token IDs can only be manually specified in the root namespace');
  if (id.length > TOKEN_BYTES_MAX) throw badRequest(`a token must not be longer than ${TOKEN_BYTES_MAX}`);
  if (id.includes('.')) throw badRequest("custom token ID cannot have a '.' in the value");
}

function notNegative(seconds: number | undefined, name: string): number {
  if (seconds !== undefined && seconds < 0) throw badRequest(`${name} must be positive`);
  return seconds ?? 0;
}

function displayName(asked: string): string {
  return asked === '' ? 'token' : `token-${asked}`.replace(/[^a-zA-Z0-9-]/g, '-').replace(/-$/, '');
}

/**
 * Which policies the new token gets.
 * @param isOfAbove - the caller is of a namespace above: its own policies are not those of here, so they neither bound nor are given.
 * @throws CodedError where the caller may not give them.
 */
function policiesOf(
  params: { policies: string[]; no_default_policy: boolean },
  parent: TokenState,
  isSudo: boolean,
  role: TokenRole | undefined,
  isOfAbove: boolean,
): string[] {
  const asked = sanitizePolicies(params.policies, false);
  let policies: string[];
  // Only a list that is not there, or empty, stands for the parent's: names that come to nothing must not.
  const noDefault = params.no_default_policy || role?.token_no_default_policy === true;
  if (role && rulesPolicies(role)) {
    const ofCaller = isOfAbove ? [] : parent.policies;
    policies = policiesByRole(role, params.policies, ofCaller, params.no_default_policy);
  } else if (isOfAbove) {
    policies = sanitizePolicies(asked, !noDefault);
  } else if (params.policies.length === 0) {
    policies = sanitizePolicies(parent.policies, false);
  } else if (isSudo) {
    policies = sanitizePolicies(asked, !noDefault);
  } else {
    if (!isSubset(asked, parent.policies)) throw badRequest('child policies must be subset of parent');
    policies = sanitizePolicies(asked, !noDefault && parent.policies.includes('default'));
  }
  if (noDefault && !(role && rulesPolicies(role))) policies = policies.filter((name) => name !== 'default');
  if (policies.includes('response-wrapping')) throw badRequest('cannot assign policy "response-wrapping"');
  if (policies.includes('root') && !parent.policies.includes('root')) {
    throw badRequest('root tokens may not be created without parent token being root');
  }
  return policies;
}

export function authBlock(token: string, accessor: string, state: TokenState, ttl: number): AuthBlock {
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
    num_uses: state.usesLeft ?? 0,
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
