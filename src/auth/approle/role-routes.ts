/**
 * What shows and changes a role as a whole, and its role id (contract §4.2).
 *
 * @module
 */
import { OWN_CLAIMS, type SendOptions } from '../../model/actor.ts';
import { existence, operation, type Route, type RouteContext, reading } from '../../model/engine.ts';
import { badRequest, denied } from '../../model/errors.ts';
import type { Mount } from '../../model/mount.ts';
import * as p from '../../model/params.ts';
import type { LogicalReply } from '../../model/request.ts';
import { shownTokenFields } from '../token/token-fields.ts';
import {
  type AppRole,
  appRole,
  appRoleId,
  changeRole,
  type Left,
  ROLE_PARAMS,
  type RoleChange,
  removeRole,
  roleState,
  type SentToRole,
} from './role.ts';
import { claimRoleId, releaseRoleId } from './role-ids.ts';
import { planSweep, sweepRole } from './sweep.ts';
import { uuidOf } from './uuids.ts';

/** The mount's longest TTL, seconds. */
export type MaxTtlOf = (mount: Mount) => number;

export const NAMED = { lowerCase: ['role_name'] };

/** With the authority that the request was given. */
export function asRequested({ claims, caller, mount, request }: RouteContext): SendOptions {
  return { claims, caller, mount, request };
}

export function roleNow({ cluster, mount }: RouteContext, name: string): Promise<AppRole | undefined> {
  return cluster.send(roleState, appRoleId(mount, name), undefined, { claims: OWN_CLAIMS });
}

/** Changes the role that the request names, and lets go of what the change leaves behind. */
export async function sendChange(ctx: RouteContext, change: RoleChange): Promise<Left> {
  const name = ctx.captures.role_name!;
  const reply = await ctx.cluster.send(changeRole, appRoleId(ctx.mount, name), change, asRequested(ctx));
  if (reply.left) await releaseRoleId(ctx, reply.left);
  return reply;
}

/** As `sendChange`, with a claim on `roleId`, which is let go of where nothing comes of it. */
async function sendWithRoleId(ctx: RouteContext, roleId: string, change: RoleChange): Promise<Left> {
  const held = await claimRoleId(ctx, roleId, ctx.captures.role_name!);
  try {
    const offered = { ...held, generation: uuidOf(ctx.randomBytes(16)) };
    return await sendChange(ctx, { ...change, offered });
  } catch (error) {
    // It may have taken effect all the same.
    const state = await roleNow(ctx, ctx.captures.role_name!);
    if (state?.identity.claim !== held.claim) await releaseRoleId(ctx, held);
    throw error;
  }
}

/** Vault's words for two types that only a mount can have. */
function adjusted(sent: SentToRole): { sent: SentToRole; warnings: string[] } {
  const type = /^default-(service|batch)$/.exec(sent.token_type ?? '')?.[1];
  if (type === undefined) return { sent, warnings: [] };
  const warning = `default-${type} has no useful meaning; adjusting to ${type}`;
  return { sent: { ...sent, token_type: type }, warnings: [warning] };
}

export function roleRoutes(maxTtlOf: MaxTtlOf): Record<string, Route> {
  const write = operation({
    summary: 'Makes or changes a role.',
    existence: existence({ id: 'approle-role', actor: appRole }),
    params: ROLE_PARAMS,
    async run(params, ctx): Promise<LogicalReply> {
      const { sent, warnings } = adjusted(params);
      if (sent.role_id === '') throw badRequest('invalid role_id supplied, or failed to generate a role_id');
      const change: RoleChange = { sent, isWhole: true, maxTtl: maxTtlOf(ctx.mount) };
      const state = await roleNow(ctx, ctx.captures.role_name!);
      if (!(state ? ctx.claims.mayUpdate : ctx.claims.mayCreate)) throw denied();
      const isNamed = sent.role_id !== undefined && sent.role_id !== state?.identity.roleId;
      const { warnings: more = [] } =
        state && !isNamed
          ? await sendChange(ctx, change)
          : await sendWithRoleId(ctx, sent.role_id ?? uuidOf(ctx.randomBytes(16)), change);
      const all = [...warnings, ...more];
      return all.length > 0 ? { warnings: all } : {};
    },
  });

  const read = reading({
    id: 'approle-role/read',
    actor: appRole,
    summary: 'Shows a role.',
    params: {},
    run: (state) => (state === undefined ? {} : { data: shownRole(state) }),
  });

  const remove = operation({
    summary: 'Deletes a role and its secret ids. Tokens stay, and are not renewed.',
    params: {},
    async run(_params, ctx): Promise<LogicalReply> {
      const name = ctx.captures.role_name!;
      const state = await roleNow(ctx, name);
      if (!state) return {};
      const { generation } = state.identity;
      await planSweep(ctx.cluster, ctx.mount, name, generation);
      const id = appRoleId(ctx.mount, name);
      const gone = await ctx.cluster.send(removeRole, id, { generation }, asRequested(ctx));
      if (!gone) return {};
      await releaseRoleId(ctx, gone);
      // The reply does not wait for it: they lead nowhere already. What fails is done again when the sweep's own time comes.
      sweepRole(ctx.cluster, ctx.mount, name, generation).catch(() => {});
      return {};
    },
  });

  const readRoleId = reading({
    id: 'approle-role/read-role-id',
    actor: appRole,
    summary: 'Shows the role id.',
    params: {},
    run: (state) => (state === undefined ? {} : { data: { role_id: state.identity.roleId } }),
  });

  const writeRoleId = operation({
    summary: 'Sets the role id.',
    params: { role_id: p.string('What a login names the role by.', { absent: '' }) },
    async run({ role_id }, ctx): Promise<LogicalReply> {
      const state = await roleNow(ctx, ctx.captures.role_name!);
      const needs = role_id === '' ? 'role_id' : undefined;
      const change = { sent: { role_id }, needs, maxTtl: maxTtlOf(ctx.mount) };
      if (!state || needs || state.identity.roleId === role_id) await sendChange(ctx, change);
      else await sendWithRoleId(ctx, role_id, change);
      return {};
    },
  });

  const list = operation({
    summary: 'Lists the roles.',
    params: p.PAGE_PARAMS,
    run: async (page, { cluster, mount }) => ({
      data: { keys: await cluster.list(appRole.kind, mount.namespace, mount.uuid, '', page) },
    }),
  });

  return {
    role: { list },
    'role/:role_name': { ...NAMED, read, update: write, delete: remove },
    'role/:role_name/role-id': { ...NAMED, read: readRoleId, update: writeRoleId },
  };
}

function shownRole({ fields, identity: _identity, secret_id_bound_cidrs, ...rest }: AppRole) {
  return {
    ...rest,
    secret_id_bound_cidrs: secret_id_bound_cidrs.length === 0 ? null : secret_id_bound_cidrs,
    ...shownTokenFields(fields),
  };
}
