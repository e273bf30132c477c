/**
 * Roles of the token auth method: what a token made by `auth/token/create/<role>` may and must be (contract §3).
 *
 * @module
 */
import type { ActorId, ActorKind, ActorOperation } from '../../model/actor.ts';
import { changing, operation, type Route, reading } from '../../model/engine.ts';
import { badRequest } from '../../model/errors.ts';
import type { Encodable } from '../../model/json.ts';
import { AUTH_RECORD_BYTES_MAX, MINUTE_MS, ROLES_ACTIVE_MAX } from '../../model/limits.ts';
import type { Mount } from '../../model/mount.ts';
import * as p from '../../model/params.ts';
import { networksOf } from './cidrs.ts';
import { sanitizePolicies } from './policy-names.ts';
import { refusalOfBatch, tokenTypeOf } from './token-fields.ts';

/** As it rests. Durations are whole seconds; 0: not set. */
export interface TokenRole {
  readonly allowed_policies: string[];
  readonly disallowed_policies: string[];
  readonly allowed_policies_glob: string[];
  readonly disallowed_policies_glob: string[];
  readonly allowed_entity_aliases: string[] | null;
  readonly orphan: boolean;
  readonly renewable: boolean;
  readonly path_suffix: string;
  readonly token_type: string;
  readonly token_period: number;
  readonly token_explicit_max_ttl: number;
  readonly token_bound_cidrs: string[];
  readonly token_num_uses: number;
  readonly token_no_default_policy: boolean;
  /** Under their older names, where those were used. */
  readonly period: number;
  readonly explicit_max_ttl: number;
  readonly bound_cidrs: string[];
}

const NEW_ROLE: TokenRole = {
  allowed_policies: [],
  disallowed_policies: [],
  allowed_policies_glob: [],
  disallowed_policies_glob: [],
  allowed_entity_aliases: null,
  orphan: false,
  renewable: true,
  path_suffix: '',
  token_type: 'default-service',
  token_period: 0,
  token_explicit_max_ttl: 0,
  token_bound_cidrs: [],
  token_num_uses: 0,
  token_no_default_policy: false,
  period: 0,
  explicit_max_ttl: 0,
  bound_cidrs: [],
};

const ROLE_PARAMS = {
  allowed_policies: p.commaStrings('Only these policies may be asked for; given where none are asked for.'),
  disallowed_policies: p.commaStrings('Policies that no token gets.'),
  allowed_policies_glob: p.commaStrings('As allowed_policies, with `*`.'),
  disallowed_policies_glob: p.commaStrings('As disallowed_policies, with `*`.'),
  allowed_entity_aliases: p.commaStrings('Entity aliases that may be asked for.'),
  orphan: p.bool('Makes orphans.'),
  renewable: p.bool('May the tokens be renewed?'),
  path_suffix: p.string('Ends the path that the tokens are known by.'),
  token_type: p.string('"service", "batch", or "default-service", "default-batch": where none is asked for.'),
  token_period: p.duration('Each renewal gives this TTL, without end.'),
  token_explicit_max_ttl: p.duration('Longest life, whatever the renewals.'),
  token_bound_cidrs: p.commaStrings('Networks from which the tokens may be used.'),
  token_num_uses: p.int('How often each may be used; 0: not limited.'),
  token_no_default_policy: p.bool('Leaves out the policy "default".'),
  period: p.duration('Older name of token_period.'),
  explicit_max_ttl: p.duration('Older name of token_explicit_max_ttl.'),
  bound_cidrs: p.commaStrings('Older name of token_bound_cidrs.'),
};

type RoleState = TokenRole | undefined;

export const tokenRole: ActorKind<RoleState> = {
  kind: 'token-role',
  replicas: 'always',
  activeMax: ROLES_ACTIVE_MAX,
  idleMs: 10 * MINUTE_MS,
  mailboxMax: 1_024,
  decode: (head) => (head === undefined ? undefined : JSON.parse(Buffer.from(head).toString())),
  encode: (state) => (state === undefined ? undefined : Buffer.from(JSON.stringify(state))),
};

export function tokenRoleId(mount: Mount, name: string): ActorId {
  return { kind: tokenRole.kind, namespace: mount.namespace, mount: mount.uuid, name };
}

/** For who makes a token by it, or renews one. */
export const roleState: ActorOperation<RoleState, undefined, RoleState> = {
  id: 'token-role/state',
  actor: tokenRole,
  mode: 'read',
  run: (state) => ({ reply: state }),
};

const readRole = reading({
  id: 'token-role/read',
  actor: tokenRole,
  summary: 'Shows a role.',
  params: {},
  run: (state, _params, ctx) => (state === undefined ? {} : { data: shown(state, ctx.id.name) }),
});

const writeRole = changing({
  id: 'token-role/write',
  actor: tokenRole,
  summary: 'Makes or changes a role.',
  params: ROLE_PARAMS,
  exists: (state) => state !== undefined,
  run(state, params) {
    const next = changed(state ?? NEW_ROLE, params);
    if (Buffer.byteLength(JSON.stringify(next)) > AUTH_RECORD_BYTES_MAX)
      throw badRequest(`a role must not exceed ${AUTH_RECORD_BYTES_MAX} bytes`);
    return { reply: {}, next: { state: next } };
  },
});

const deleteRole = changing({
  id: 'token-role/delete',
  actor: tokenRole,
  summary: 'Deletes a role. Tokens made by it stay, and are not renewed.',
  params: {},
  run: (state) => (state === undefined ? { reply: {} } : { reply: {}, next: { state: undefined } }),
});

const listRoles = operation({
  summary: 'Lists the roles.',
  params: {},
  run: async (_params, { cluster, mount }) => ({
    data: { keys: await cluster.list(tokenRole.kind, mount.namespace, mount.uuid, '') },
  }),
});

export const ROLE_ROUTES: Record<string, Route> = {
  roles: { list: listRoles },
  'roles/:role_name': { read: readRole, update: writeRole, delete: deleteRole },
};

/** What was sent, over what was there. @throws CodedError for what cannot be. */
function changed(before: TokenRole, sent: p.Decoded<typeof ROLE_PARAMS>): TokenRole {
  const said = Object.fromEntries(Object.entries(sent).filter(([, value]) => value !== undefined));
  // An older name says the same as its new one, which goes before it, and then alone is known.
  const both = {
    ...newName('token_period', sent.token_period, 'period', sent.period, 0),
    ...newName(
      'token_explicit_max_ttl',
      sent.token_explicit_max_ttl,
      'explicit_max_ttl',
      sent.explicit_max_ttl,
      0,
    ),
    ...newName('token_bound_cidrs', sent.token_bound_cidrs, 'bound_cidrs', sent.bound_cidrs, []),
  };
  const next: TokenRole = { ...before, ...said, ...both };
  if (next.token_num_uses < 0)
    throw badRequest("error parsing role fields: 'token_num_uses' cannot be negative");
  if (next.path_suffix !== '' && !/^\w[\w.-]+\w$/.test(next.path_suffix)) {
    throw badRequest('given role path suffix contains invalid characters; must match \\w[\\w-.]+\\w');
  }
  const token_type = tokenTypeOf(next.token_type, 'default-service');
  refuseBatch({ ...next, token_type });
  const aliases = next.allowed_entity_aliases?.map((name) => name.toLowerCase());
  return {
    ...next,
    allowed_policies: sanitizePolicies(next.allowed_policies, false),
    disallowed_policies: names(next.disallowed_policies),
    allowed_policies_glob: names(next.allowed_policies_glob),
    disallowed_policies_glob: names(next.disallowed_policies_glob),
    allowed_entity_aliases: aliases === undefined ? null : [...new Set(aliases)].sort(),
    token_type,
    token_bound_cidrs: networksOf(next.token_bound_cidrs),
    bound_cidrs: networksOf(next.bound_cidrs),
  };
}

/** @throws CodedError where the role makes batch tokens alone, and says of them what they cannot be. */
function refuseBatch(role: TokenRole): void {
  const isNever = role.token_type === 'batch';
  const cannot = "'token_type' cannot be 'batch' when role is set to generate";
  if (isNever && !role.orphan) throw badRequest(`${cannot} non-orphan tokens`);
  if (isNever && role.token_period > 0) throw badRequest(`${cannot} periodic tokens`);
  if (isNever && role.renewable) throw badRequest(`${cannot} renewable tokens`);
  if (isNever && role.token_explicit_max_ttl > 0)
    throw badRequest(`${cannot} tokens with an explicit max TTL`);
  const refusal = isNever ? refusalOfBatch(role) : undefined;
  if (refusal !== undefined) throw badRequest(`error parsing role fields: ${refusal}`);
}

function newName<T>(name: string, value: T | undefined, old: string, oldValue: T | undefined, none: T) {
  if (value !== undefined) return { [name]: value, [old]: none };
  return oldValue === undefined ? {} : { [name]: oldValue, [old]: oldValue };
}

/** As policy names are, but `root` among them leaves the others standing. */
function names(list: readonly string[]): string[] {
  return [...new Set(list.map((name) => name.trim().toLowerCase()).filter((name) => name !== ''))].sort();
}

function shown(role: TokenRole, name: string): { [key: string]: Encodable } {
  const { token_bound_cidrs, bound_cidrs, token_num_uses, ...always } = role;
  const data: { [key: string]: Encodable } = { ...always, name };
  if (token_bound_cidrs.length > 0) data.token_bound_cidrs = token_bound_cidrs;
  if (bound_cidrs.length > 0) data.bound_cidrs = bound_cidrs;
  if (token_num_uses > 0) data.token_num_uses = token_num_uses;
  return data;
}
