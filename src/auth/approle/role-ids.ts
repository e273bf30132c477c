/**
 * Role ids: what a login names a role by, each known to one role of its mount. An actor per role id says whose it is; a role says which it has;
 * only where both agree it leads anywhere. It is claimed before the role takes it, and let go after the role has it no more, so that none is
 * two roles', whatever fails in between.
 *
 * @module
 */
import { hash } from 'node:crypto';
import { type ActorId, type ActorKind, type ActorOperation, OWN_CLAIMS } from '../../model/actor.ts';
import type { RouteContext } from '../../model/engine.ts';
import { badRequest, CodedError, multiError } from '../../model/errors.ts';
import {
  MINUTE_MS,
  ROLE_ID_BYTES_MAX,
  ROLE_ID_CLAIM_MS,
  ROLE_ID_CLAIMS_MAX,
  ROLES_ACTIVE_MAX,
} from '../../model/limits.ts';
import type { Mount } from '../../model/mount.ts';
import { appRoleId, type HeldRoleId, roleState } from './role.ts';
import { uuidOf } from './uuids.ts';

interface Claimed {
  /** Name of the role. */
  readonly role: string;
  /** By which it was claimed; the role holds one of them, the others are under way, or were given up. */
  readonly claims: readonly string[];
  /** When the last of them was made, ms. */
  readonly atMs: number;
}

type State = Claimed | undefined;

/** One role id of one mount, under its hash: role ids are as long and as strange as who chooses them likes. */
export const claimedRoleId: ActorKind<State> = {
  kind: 'approle-role-id',
  replicas: 'always',
  activeMax: ROLES_ACTIVE_MAX,
  idleMs: 10 * MINUTE_MS,
  mailboxMax: 1_024,
  decode: (head) => (head === undefined ? undefined : JSON.parse(Buffer.from(head).toString())),
  encode: (state) => (state === undefined ? undefined : Buffer.from(JSON.stringify(state))),
};

/** Name of the role that has the role id, or had. */
export const roleOfId: ActorOperation<State, undefined, string | undefined> = {
  id: 'approle-role-id/role',
  actor: claimedRoleId,
  mode: 'read',
  run: (state) => ({ reply: state?.role }),
};

interface Claim {
  readonly role: string;
  readonly claim: string;
  /** Last claim of a role that was found not to have this role id. */
  readonly insteadOf: string | undefined;
}

/** Replies whose it is where that is another role's: then nothing has changed. */
type Refused = { readonly role: string; readonly claim: string; readonly atMs: number };

const claim: ActorOperation<State, Claim, Refused | undefined> = {
  id: 'approle-role-id/claim',
  actor: claimedRoleId,
  mode: 'change',
  run(state, asked, ctx) {
    const last = state?.claims.at(-1);
    if (state && state.role !== asked.role && last !== asked.insteadOf)
      return { reply: { role: state.role, claim: last!, atMs: state.atMs } };
    const claims = state?.role === asked.role ? state.claims : [];
    if (claims.length >= ROLE_ID_CLAIMS_MAX) throw new CodedError('overloaded');
    const next = { role: asked.role, claims: [...claims, asked.claim], atMs: ctx.now() };
    return { reply: undefined, next: { state: next } };
  },
};

const release: ActorOperation<State, { claim: string }, void> = {
  id: 'approle-role-id/release',
  actor: claimedRoleId,
  mode: 'change',
  run(state, released) {
    if (!state?.claims.includes(released.claim)) return { reply: undefined };
    const claims = state.claims.filter((each) => each !== released.claim);
    return { reply: undefined, next: { state: claims.length === 0 ? undefined : { ...state, claims } } };
  },
};

export const ROLE_ID_SENDS = [roleOfId, claim, release];

export function claimedRoleIdOf(mount: Pick<Mount, 'namespace' | 'uuid'>, roleId: string): ActorId {
  const text = hash('sha256', roleId, 'hex');
  // Of two segments, as a secret id's name is: a role id that nobody has takes as long to be looked for as a wrong secret id.
  const name = `${text.slice(0, 2)}/${text}`;
  return { kind: claimedRoleId.kind, namespace: mount.namespace, mount: mount.uuid, name };
}

const OWN = { claims: OWN_CLAIMS };

/** @throws CodedError where another role has it, or is just about to. */
export async function claimRoleId(ctx: RouteContext, roleId: string, role: string): Promise<HeldRoleId> {
  if (Buffer.byteLength(roleId) > ROLE_ID_BYTES_MAX)
    throw badRequest(`role_id is longer than maximum of ${ROLE_ID_BYTES_MAX} bytes`);
  const id = claimedRoleIdOf(ctx.mount, roleId);
  const mine = uuidOf(ctx.randomBytes(16));
  let insteadOf: string | undefined;
  for (;;) {
    const held = await ctx.cluster.send(claim, id, { role, claim: mine, insteadOf }, OWN);
    if (!held) return { roleId, claim: mine };
    const holder = await ctx.cluster.send(roleState, appRoleId(ctx.mount, held.role), undefined, OWN);
    // What was left by a request that broke off is free again once that can be under way no more.
    const isLeft = holder?.identity.roleId !== roleId && ctx.now() - held.atMs > ROLE_ID_CLAIM_MS;
    if (!isLeft || held.claim === insteadOf)
      throw new CodedError('internal', multiError(['role_id already in use']));
    insteadOf = held.claim;
  }
}

/** Safe to repeat. */
export async function releaseRoleId(ctx: RouteContext, held: HeldRoleId): Promise<void> {
  await ctx.cluster.send(release, claimedRoleIdOf(ctx.mount, held.roleId), { claim: held.claim }, OWN);
}
