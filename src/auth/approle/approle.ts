/**
 * The AppRole auth method: logins of programs, by a role id and a secret id (contract §4.2).
 *
 * @module
 */
import { hash } from 'node:crypto';
import { type Cluster, OWN_CLAIMS } from '../../model/actor.ts';
import type { TokenState } from '../../model/caller.ts';
import { type Engine, engine, operation, type RouteContext } from '../../model/engine.ts';
import { badRequest } from '../../model/errors.ts';
import type { JsonMap } from '../../model/json.ts';
import { ROLE_ID_BYTES_MAX } from '../../model/limits.ts';
import type { Mount } from '../../model/mount.ts';
import * as p from '../../model/params.ts';
import { issue, type LoginParts, termsBy } from '../login/issue.ts';
import { LOCKOUT_SENDS, underLockout } from '../login/lockout.ts';
import { isWithin } from '../token/cidrs.ts';
import type { TtlTerms } from '../token/ttl.ts';
import { type AppRole, appRoleId, ROLE_SENDS, roleState } from './role.ts';
import { roleFieldRoutes } from './role-fields.ts';
import { claimedRoleIdOf, ROLE_ID_SENDS, roleOfId } from './role-ids.ts';
import { roleNow, roleRoutes } from './role-routes.ts';
import { type AccessorOf, secretIdRoutes } from './secret-id-routes.ts';
import {
  makeAccessors,
  SECRET_ID_SENDS,
  type SecretId,
  secretIdId,
  secretIdState,
  useSecretId,
} from './secret-ids.ts';
import { SWEEP_SENDS } from './sweep.ts';

export interface AppRoleParts extends LoginParts {
  /** 32 bytes that never change, wiped after use. */
  accessorKey(): Uint8Array;
}

const ROLE_ID_PARAM = { role_id: p.string('The role id.', { absent: '' }) };

/** What a login has proven. */
interface Proven {
  readonly role: AppRole;
  readonly name: string;
  /** Absent: the role asks for none. */
  readonly secret?: SecretId;
}

const OWN = { claims: OWN_CLAIMS };
/** Stands in where there is no such role, so that as much is done for it. */
const NO_GENERATION = '00000000-0000-4000-8000-000000000000';

export function makeAppRole(parts: AppRoleParts): Engine {
  const accessorOf = makeAccessors(parts.accessorKey);
  const maxTtlOf = (mount: Mount) => parts.ttlsOf(mount).maxTtl;

  const login = operation({
    summary: 'Gives a token to who knows a role id and a secret id of that role.',
    params: {
      ...ROLE_ID_PARAM,
      secret_id: p.string('The secret id.', { absent: '' }),
    },
    async run(params, ctx) {
      const [roleId, secret] = [params.role_id.trim(), params.secret_id.trim()];
      if (roleId === '') throw badRequest('missing role_id');
      const proven = await underLockout(ctx, countedName(roleId), () =>
        prove(roleId, secret, accessorOf, ctx),
      );
      if (!proven) throw badRequest('invalid role or secret ID');
      const { role, name } = proven;
      const bound = proven.secret?.tokenCidrs ?? [];
      const fields = bound.length > 0 ? { ...role.fields, token_bound_cidrs: bound } : role.fields;
      const meta = { ...proven.secret?.metadata, role_name: name };
      return issue({ fields, name, displayName: '', meta, path: 'login', isBoundAtUse: true }, parts, ctx);
    },
  });

  return engine(
    'approle',
    'Logins of programs, by a role id and a secret id.',
    {
      ...roleRoutes(maxTtlOf),
      ...roleFieldRoutes(maxTtlOf),
      ...secretIdRoutes(accessorOf, maxTtlOf),
      login: { open: true, update: login },
    },
    [...ROLE_SENDS, ...ROLE_ID_SENDS, ...SECRET_ID_SENDS, ...SWEEP_SENDS, ...LOCKOUT_SENDS],
  );
}

/** By which failures are counted: shown to operators, so it is the role id where that is plain. */
function countedName(roleId: string): string {
  return /^[\w.@-]{1,128}$/.test(roleId) ? roleId.toLowerCase() : hash('sha256', roleId, 'hex');
}

/** Undefined: they are no role id and secret id of one role. @throws CodedError for a network from which they may not be used. */
async function prove(
  roleId: string,
  secret: string,
  accessorOf: AccessorOf,
  ctx: RouteContext,
): Promise<Proven | undefined> {
  if (Math.max(Buffer.byteLength(roleId), Buffer.byteLength(secret)) > ROLE_ID_BYTES_MAX) return undefined;
  const { cluster, mount } = ctx;
  const name = await cluster.send(roleOfId, claimedRoleIdOf(mount, roleId), undefined, OWN);
  const named = name === undefined ? undefined : await roleNow(ctx, name);
  const role = named?.identity.roleId === roleId ? named : undefined;
  // Who has no secret id is told so, whether or not there is such a role.
  if (secret === '' && role?.bind_secret_id !== false) throw badRequest('missing secret_id');
  const generation = role?.identity.generation ?? NO_GENERATION;
  const accessor = accessorOf(generation, secret);
  // Of an unknown role its record was looked for in vain, of a wrong secret id the one that follows: one look either way.
  if (!role) return undefined;
  if (!role.bind_secret_id) {
    checkRoleNetworks(role, ctx);
    return { role, name: name! };
  }
  const id = secretIdId(mount, generation, accessor);
  const state = await cluster.send(secretIdState, id, undefined, OWN);
  if (!state) return undefined;
  const { remoteAddress } = ctx.request;
  if (!isWithin(remoteAddress, state.cidrs))
    throw badRequest(
      `source address "${remoteAddress}" unauthorized through CIDR restrictions on the secret ID`,
    );
  checkRoleNetworks(role, ctx);
  if (state.usesLeft > 0 && !(await cluster.send(useSecretId, id, undefined, OWN))) return undefined;
  return { role, name: name!, secret: state };
}

function checkRoleNetworks(role: AppRole, { request }: RouteContext): void {
  if (!isWithin(request.remoteAddress, role.secret_id_bound_cidrs))
    throw badRequest(
      `source address "${request.remoteAddress}" unauthorized by CIDR restrictions on the role`,
    );
}

/** As which role a login's body asks to be let in: whether it may is not asked. Undefined: as none there is. */
export async function appRoleOfLogin(
  mount: Mount,
  body: JsonMap,
  cluster: Cluster,
): Promise<string | undefined> {
  // As the login itself reads it: a number is its text.
  const roleId = p.decodeParams(ROLE_ID_PARAM, body).role_id.trim();
  if (Buffer.byteLength(roleId) > ROLE_ID_BYTES_MAX) return undefined;
  return cluster.send(roleOfId, claimedRoleIdOf(mount, roleId), undefined, OWN);
}

/** By what a token of this mount is renewed. @throws CodedError where its role is gone. */
export async function appRoleTerms(
  mount: Mount,
  state: TokenState,
  { cluster, ...parts }: Pick<LoginParts, 'ttlsOf'> & { readonly cluster: Cluster },
): Promise<TtlTerms> {
  const { name } = state.issuer!;
  const role = await cluster.send(roleState, appRoleId(mount, name), undefined, OWN);
  if (!role) throw badRequest('the role is gone, not renewing');
  // An explicit end was promised to the token, and nothing changes it.
  return { ...termsBy(role.fields, mount, parts), explicitMaxTtl: state.explicitMaxTtl };
}
