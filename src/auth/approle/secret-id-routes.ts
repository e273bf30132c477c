/**
 * Making, showing and ending secret ids (contract §4.2).
 *
 * @module
 */
import { OWN_CLAIMS } from '../../model/actor.ts';
import { operation, type Route, type RouteContext } from '../../model/engine.ts';
import { badRequest, CodedError, multiError } from '../../model/errors.ts';
import { AUTH_RECORD_BYTES_MAX, ROLE_ID_BYTES_MAX } from '../../model/limits.ts';
import * as p from '../../model/params.ts';
import type { LogicalReply } from '../../model/request.ts';
import { rfc3339 } from '../../model/time.ts';
import { metadataOf } from './metadata.ts';
import { blocksOf, checkInside } from './networks.ts';
import type { AppRole } from './role.ts';
import { asRequested, type MaxTtlOf, NAMED, roleNow } from './role-routes.ts';
import {
  createSecretId,
  destroySecretId,
  type NewSecretId,
  type SecretId,
  secretId,
  secretIdId,
  secretIdState,
} from './secret-ids.ts';
import { tidySecretIds } from './sweep.ts';
import { uuidOf } from './uuids.ts';

const NEW_PARAMS = {
  metadata: p.string('JSON text of an object of texts, kept with the tokens.', { absent: '' }),
  cidr_list: p.commaStrings('Networks from which it logs in.', { absent: [] }),
  token_bound_cidrs: p.commaStrings("Networks of its tokens, inside of the role's.", { absent: [] }),
  num_uses: p.int("How often it may be used; the role's where absent."),
  ttl: p.duration("How long it is good; the role's where absent."),
};
const SECRET_ID = { secret_id: p.string('The secret id.', { absent: '' }) };
const ACCESSOR = { secret_id_accessor: p.string('Its accessor.', { absent: '' }) };
/** Time that never comes, as Go writes it. */
const NEVER = '0001-01-01T00:00:00Z';
/** What our accessors look like; they name actors, which nothing else may. */
const ACCESSOR_FORM = /^[0-9a-f-]{36}$/;

export type AccessorOf = (generation: string, secret: string) => string;

export function secretIdRoutes(accessorOf: AccessorOf, maxTtlOf: MaxTtlOf): Record<string, Route> {
  async function create(
    secret: string,
    params: p.Decoded<typeof NEW_PARAMS>,
    ctx: RouteContext,
  ): Promise<LogicalReply> {
    const name = ctx.captures.role_name!;
    if (secret === '') throw badRequest('missing secret_id');
    if (Buffer.byteLength(secret) > ROLE_ID_BYTES_MAX)
      throw badRequest(`secret_id is longer than maximum of ${ROLE_ID_BYTES_MAX} bytes`);
    const role = await roleNow(ctx, name);
    if (!role) throw new CodedError('unsupported_path', `role "${name}" does not exist`);
    if (!role.bind_secret_id) throw badRequest('bind_secret_id is not set on the role');
    const fresh = newSecretId(role, params, maxTtlOf(ctx.mount));
    const { generation } = role.identity;
    const accessor = accessorOf(generation, secret);
    const id = secretIdId(ctx.mount, generation, accessor);
    await ctx.cluster.send(createSecretId, id, fresh, asRequested(ctx));
    // The role went meanwhile, and perhaps the sweep with it.
    if ((await roleNow(ctx, name))?.identity.generation !== generation) {
      await ctx.cluster.send(destroySecretId, id, undefined, { claims: OWN_CLAIMS });
      throw new CodedError('unsupported_path', `role "${name}" does not exist`);
    }
    return {
      data: {
        secret_id: secret,
        secret_id_accessor: accessor,
        secret_id_ttl: fresh.lasts,
        secret_id_num_uses: fresh.usesLeft,
      },
      wrappedAccessor: accessor,
    };
  }

  const drawn = operation({
    summary: 'Makes a secret id.',
    params: NEW_PARAMS,
    run: (params, ctx) => create(uuidOf(ctx.randomBytes(16)), params, ctx),
  });
  const chosen = operation({
    summary: 'Makes a secret id of a text that is given.',
    params: { ...NEW_PARAMS, ...SECRET_ID },
    run: ({ secret_id, ...params }, ctx) => create(secret_id, params, ctx),
  });

  const list = operation({
    summary: 'Lists the accessors of the secret ids of a role.',
    params: p.PAGE_PARAMS,
    async run(page, ctx) {
      const { cluster, mount, captures } = ctx;
      const role = await roleNow(ctx, captures.role_name!);
      if (!role) throw badRequest(`role "${captures.role_name}" does not exist`);
      const folder = `${role.identity.generation}/`;
      return { data: { keys: await cluster.list(secretId.kind, mount.namespace, mount.uuid, folder, page) } };
    },
  });

  async function standing(ctx: RouteContext): Promise<AppRole> {
    const role = await roleNow(ctx, ctx.captures.role_name!);
    if (role) return role;
    throw new CodedError('internal', multiError([`role "${ctx.captures.role_name}" does not exist`]));
  }

  /** The accessor that the request means, and its actor. */
  async function bySecret(secret: string, ctx: RouteContext) {
    if (secret === '') throw badRequest('missing secret_id');
    const { generation } = (await standing(ctx)).identity;
    const accessor = accessorOf(generation, secret);
    return { accessor, id: secretIdId(ctx.mount, generation, accessor) };
  }
  async function byAccessor(accessor: string, ctx: RouteContext) {
    if (accessor === '') throw badRequest('missing secret_id_accessor');
    const { generation } = (await standing(ctx)).identity;
    return ACCESSOR_FORM.test(accessor)
      ? { accessor, id: secretIdId(ctx.mount, generation, accessor) }
      : undefined;
  }

  type Found = Awaited<ReturnType<typeof byAccessor>>;
  async function look(found: Found, ctx: RouteContext): Promise<LogicalReply | undefined> {
    const state = found && (await ctx.cluster.send(secretIdState, found.id, undefined, asRequested(ctx)));
    return state && { data: shown(state, found!.accessor) };
  }
  async function destroy(found: Found, ctx: RouteContext): Promise<boolean> {
    return found !== undefined && ctx.cluster.send(destroySecretId, found.id, undefined, asRequested(ctx));
  }

  const lookUp = operation({
    summary: 'Shows a secret id.',
    params: SECRET_ID,
    run: async ({ secret_id }, ctx) => (await look(await bySecret(secret_id, ctx), ctx)) ?? {},
  });
  const lookUpAccessor = operation({
    summary: 'Shows the secret id of an accessor, without itself.',
    params: ACCESSOR,
    async run({ secret_id_accessor: accessor }, ctx): Promise<LogicalReply> {
      const found = await look(await byAccessor(accessor, ctx), ctx);
      const error = `failed to find accessor entry for secret_id_accessor: ${JSON.stringify(accessor)}`;
      return found ?? { status: 404, data: { error } };
    },
  });
  const end = operation({
    summary: 'Ends a secret id.',
    params: SECRET_ID,
    async run({ secret_id }, ctx) {
      await destroy(await bySecret(secret_id, ctx), ctx);
      return {};
    },
  });
  const endAccessor = operation({
    summary: 'Ends the secret id of an accessor.',
    params: ACCESSOR,
    async run({ secret_id_accessor: accessor }, ctx) {
      if (!(await destroy(await byAccessor(accessor, ctx), ctx)))
        throw new CodedError('permission_denied', 'invalid secret id accessor');
      return {};
    },
  });

  return {
    'role/:role_name/secret-id': { ...NAMED, update: drawn, list },
    'role/:role_name/custom-secret-id': { ...NAMED, update: chosen },
    'role/:role_name/secret-id/lookup': { ...NAMED, update: lookUp },
    'role/:role_name/secret-id/destroy': { ...NAMED, update: end, delete: end },
    'role/:role_name/secret-id-accessor/lookup': { ...NAMED, update: lookUpAccessor },
    'role/:role_name/secret-id-accessor/destroy': { ...NAMED, update: endAccessor, delete: endAccessor },
    'tidy/secret-id': { update: tidyOperation() },
  };
}

function newSecretId(role: AppRole, params: p.Decoded<typeof NEW_PARAMS>, maxTtl: number): NewSecretId {
  const cidrs = blocksOf(params.cidr_list);
  checkInside(cidrs, role.secret_id_bound_cidrs);
  const tokenCidrs = blocksOf(params.token_bound_cidrs);
  checkInside(tokenCidrs, role.fields.token_bound_cidrs);
  const usesLeft = params.num_uses ?? role.secret_id_num_uses;
  if (usesLeft < 0) throw badRequest('num_uses cannot be negative');
  if (isMore(usesLeft, role.secret_id_num_uses))
    throw badRequest("num_uses cannot be higher than the role's secret_id_num_uses");
  const ttl = params.ttl ?? role.secret_id_ttl;
  if (isMore(ttl, role.secret_id_ttl)) throw badRequest("ttl cannot be longer than the role's secret_id_ttl");
  const fresh: NewSecretId = {
    usesLeft,
    ttl,
    lasts: Math.min(ttl, maxTtl),
    metadata: metadataOf(params.metadata),
    cidrs,
    tokenCidrs,
  };
  if (Buffer.byteLength(JSON.stringify(fresh)) > AUTH_RECORD_BYTES_MAX)
    throw badRequest(`a secret id must not exceed ${AUTH_RECORD_BYTES_MAX} bytes`);
  return fresh;
}

/** 0 is without end. */
function isMore(value: number, bound: number): boolean {
  return bound > 0 && (value === 0 || value > bound);
}

function shown(state: SecretId, accessor: string) {
  return {
    secret_id_accessor: accessor,
    secret_id_num_uses: state.usesLeft,
    secret_id_ttl: state.ttl,
    creation_time: rfc3339(state.createdAtMs),
    expiration_time: state.expiresAtMs === undefined ? NEVER : rfc3339(state.expiresAtMs),
    last_updated_time: rfc3339(state.updatedAtMs),
    metadata: state.metadata,
    cidr_list: state.cidrs,
    token_bound_cidrs: state.tokenCidrs,
  };
}

function tidyOperation() {
  /** Mounts that are being tidied by this node. */
  const tidying = new Set<string>();
  return operation({
    summary: 'Removes secret ids that are good for nothing any more, in the background.',
    params: {},
    run(_params, { cluster, mount }): LogicalReply {
      if (tidying.has(mount.uuid)) return { warnings: ['Tidy operation already in progress.'] };
      tidying.add(mount.uuid);
      // What fails is left to the next time: nothing of it is good for anything.
      tidySecretIds(cluster, mount)
        .catch(() => {})
        .finally(() => tidying.delete(mount.uuid));
      const started =
        "Tidy operation successfully started. Any information from the operation will be printed to Vault's server logs.";
      return { status: 202, warnings: [started] };
    },
  });
}
