/**
 * Roles of an AppRole mount: their actors, and how they change (contract §4.2).
 *
 * @module
 */
import type { ActorId, ActorKind, ActorOperation } from '../../model/actor.ts';
import { badRequest, CodedError, denied, multiError, unsupportedPath } from '../../model/errors.ts';
import { AUTH_RECORD_BYTES_MAX, MINUTE_MS, ROLES_ACTIVE_MAX } from '../../model/limits.ts';
import type { Mount } from '../../model/mount.ts';
import * as p from '../../model/params.ts';
import {
  NO_TOKEN_FIELDS,
  OLDER_PARAMS,
  TOKEN_PARAMS,
  type TokenFields,
  tokenFieldsFrom,
} from '../token/token-fields.ts';
import { blocksOf } from './networks.ts';

/** As it rests. Durations are whole seconds; 0: not set. */
export interface AppRole {
  readonly fields: TokenFields;
  readonly bind_secret_id: boolean;
  readonly secret_id_bound_cidrs: string[];
  readonly secret_id_num_uses: number;
  readonly secret_id_ttl: number;
  readonly local_secret_ids: boolean;
  readonly identity: Identity;
}

export interface Identity extends HeldRoleId {
  /** Drawn when the role is made: what was issued to an older role of the same name leads nowhere. */
  readonly generation: string;
}

/** A role id, and by which claim on it the role has it. */
export interface HeldRoleId {
  readonly roleId: string;
  readonly claim: string;
}

type State = AppRole | undefined;

/** Its name is the lower-case role name. */
export const appRole: ActorKind<State> = {
  kind: 'approle-role',
  replicas: 'always',
  activeMax: ROLES_ACTIVE_MAX,
  idleMs: 10 * MINUTE_MS,
  mailboxMax: 1_024,
  decode: (head) => (head === undefined ? undefined : JSON.parse(Buffer.from(head).toString())),
  encode: (state) => (state === undefined ? undefined : Buffer.from(JSON.stringify(state))),
};

export function appRoleId({ namespace, uuid }: Pick<Mount, 'namespace' | 'uuid'>, name: string): ActorId {
  return { kind: appRole.kind, namespace, mount: uuid, name };
}

const { policies, period } = OLDER_PARAMS;

export const ROLE_PARAMS = {
  bind_secret_id: p.bool('Does a login need a secret id?'),
  secret_id_bound_cidrs: p.commaStrings('Networks from which one logs in.'),
  bound_cidr_list: p.commaStrings('Older name of secret_id_bound_cidrs.'),
  secret_id_num_uses: p.int('How often a secret id may be used; 0: not limited.'),
  secret_id_ttl: p.duration('How long a secret id is good; 0: for ever.'),
  role_id: p.string('What a login names the role by; drawn where absent.'),
  local_secret_ids: p.bool('Accepted for a new role; there is one cluster only.'),
  ...TOKEN_PARAMS,
  policies,
  period,
};

export type SentToRole = Partial<p.Decoded<typeof ROLE_PARAMS>>;
/** Settings that can be taken back, one by one. */
export type RoleSetting = Exclude<keyof AppRole, 'fields' | 'identity'> | keyof TokenFields;

export interface RoleChange {
  readonly sent: SentToRole;
  /** Name of what should have been sent and was not: only who has such a role is told so. */
  readonly needs?: string | undefined;
  /** What is said where the TTL of tokens comes to more than its bound. */
  readonly conflict?: string | undefined;
  /** Put back to what a new role has. */
  readonly reset?: readonly RoleSetting[];
  /** The role's own path was written: it is made where there is none, under the capability for that. Absent: there must be one. */
  readonly isWhole?: true;
  /** A role id that was claimed for it, and what a new role takes with that. */
  readonly offered?: Identity;
  /** Of the mount, seconds. */
  readonly maxTtl: number;
}

/** What a change leaves behind that is nobody's any more. */
export interface Left {
  readonly left?: HeldRoleId;
  readonly warnings?: string[];
}

const NEW_ROLE: Omit<AppRole, 'identity'> = {
  fields: NO_TOKEN_FIELDS,
  bind_secret_id: true,
  secret_id_bound_cidrs: [],
  secret_id_num_uses: 0,
  secret_id_ttl: 0,
  local_secret_ids: false,
};

/** For logins, renewals, and whatever else goes by it. */
export const roleState: ActorOperation<State, undefined, State> = {
  id: 'approle-role/state',
  actor: appRole,
  mode: 'read',
  run: (state) => ({ reply: state }),
};

export const changeRole: ActorOperation<State, RoleChange, Left> = {
  id: 'approle-role/change',
  actor: appRole,
  mode: 'change',
  run(state, change, { claims }) {
    if (change.isWhole) {
      if (!(state === undefined ? claims.mayCreate : claims.mayUpdate)) throw denied();
      // It went while this was on its way.
      if (state === undefined && !change.offered) throw new CodedError('stale_claims');
    } else if (state === undefined) {
      if (change.reset) return { reply: {} };
      throw unsupportedPath();
    }
    if (change.needs !== undefined) throw badRequest(`missing ${change.needs}`);
    const next = changed(state, change);
    const warnings: string[] = [];
    if (change.isWhole && next.fields.token_max_ttl > change.maxTtl)
      warnings.push(
        "token_max_ttl is greater than the backend mount's maximum TTL value; issued tokens' max TTL value will be truncated",
      );
    const reply: Left = {
      ...(warnings.length > 0 && { warnings }),
      ...leftBy(state?.identity, change.offered, next.identity),
    };
    return { reply, next: { state: next } };
  },
};

/** Replies by which role id it was known; undefined: there was none. @throws CodedError where it is another role of that name by now. */
export const removeRole: ActorOperation<State, { generation: string }, HeldRoleId | undefined> = {
  id: 'approle-role/remove',
  actor: appRole,
  mode: 'change',
  run(state, { generation }) {
    if (state === undefined) return { reply: undefined };
    const { roleId, claim } = state.identity;
    if (state.identity.generation !== generation) throw new CodedError('stale_claims');
    return { reply: { roleId, claim }, next: { state: undefined } };
  },
};

export const ROLE_SENDS = [roleState, changeRole, removeRole];

/** The claim that the role had, or was offered and has not taken. */
function leftBy(before: Identity | undefined, offered: Identity | undefined, now: Identity): Left {
  const left = [before, offered].find((each) => each !== undefined && each.claim !== now.claim);
  return left ? { left: { roleId: left.roleId, claim: left.claim } } : {};
}

function changed(state: State, change: RoleChange): AppRole {
  const { sent, reset = [], isWhole, offered, maxTtl } = change;
  const before = state ?? { ...NEW_ROLE, identity: offered! };
  const base = reset.length === 0 ? before : withReset(before, reset);
  const { token_ttl = base.fields.token_ttl, token_max_ttl = base.fields.token_max_ttl } = sent;
  if (change.conflict !== undefined && token_max_ttl > 0 && token_ttl > token_max_ttl)
    throw badRequest(change.conflict);
  const fields = tokenFieldsFrom(base.fields, sent);
  if (state && sent.local_secret_ids !== undefined)
    throw badRequest('local_secret_ids can only be modified during role creation');
  const isNamed = sent.role_id !== undefined && sent.role_id !== state?.identity.roleId;
  // Where another made the role meanwhile, its role id stays: that of this change was only for a new one.
  const identity = state && isNamed ? { ...state.identity, ...heldBy(offered) } : base.identity;
  const blocks = sent.secret_id_bound_cidrs ?? sent.bound_cidr_list;
  const next: AppRole = {
    fields,
    bind_secret_id: sent.bind_secret_id ?? base.bind_secret_id,
    secret_id_bound_cidrs: blocks ? blocksOf(blocks) : base.secret_id_bound_cidrs,
    secret_id_num_uses: sent.secret_id_num_uses ?? base.secret_id_num_uses,
    secret_id_ttl: sent.secret_id_ttl ?? base.secret_id_ttl,
    local_secret_ids: sent.local_secret_ids ?? base.local_secret_ids,
    identity,
  };
  if (next.secret_id_num_uses < 0) throw badRequest('secret_id_num_uses cannot be negative');
  const isPeriodSent = sent.period !== undefined || (!isWhole && sent.token_period !== undefined);
  if (isPeriodSent && fields.token_period > maxTtl) throw tooLong(fields.token_period, maxTtl);
  if (!next.bind_secret_id && next.secret_id_bound_cidrs.length + fields.token_bound_cidrs.length === 0)
    throw new CodedError('internal', multiError(['at least one constraint should be enabled on the role']));
  if (Buffer.byteLength(JSON.stringify(next)) > AUTH_RECORD_BYTES_MAX)
    throw badRequest(`a role must not exceed ${AUTH_RECORD_BYTES_MAX} bytes`);
  return next;
}

function heldBy(identity: Identity | undefined): HeldRoleId {
  // A role id is claimed before a change that names it; without that the change has lost its way.
  if (!identity) throw new CodedError('stale_claims');
  return { roleId: identity.roleId, claim: identity.claim };
}

function tooLong(seconds: number, max: number): CodedError {
  return badRequest(
    `period of "${p.goDuration(seconds)}" is greater than the backend's maximum lease TTL of "${p.goDuration(max)}"`,
  );
}

function withReset(role: AppRole, names: readonly RoleSetting[]): AppRole {
  const base = { ...role } as Record<string, unknown>;
  const fields = { ...role.fields } as Record<string, unknown>;
  for (const name of names) {
    if (name in NO_TOKEN_FIELDS) fields[name] = NO_TOKEN_FIELDS[name as keyof TokenFields];
    else base[name] = NEW_ROLE[name as keyof typeof NEW_ROLE];
    const older = { token_policies: 'policies', token_period: 'period' }[name as string];
    fields.older = (fields.older as string[]).filter((each) => each !== older);
  }
  return { ...base, fields } as unknown as AppRole;
}
