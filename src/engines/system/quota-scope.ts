/**
 * For what a quota is: the path and the role it names, as they stand where the quota is kept.
 *
 * @module
 */
import { badRequest } from '../../model/errors.ts';
import { POLICY_NAME_BYTES_MAX, QUOTAS_MAX } from '../../model/limits.ts';
import { apiPath } from '../../model/mount.ts';
import * as p from '../../model/params.ts';
import type { Anchored, QuotaAnchor, QuotaScope } from '../../model/quotas.ts';
import type { SystemCore } from './core.ts';

export const SCOPE_PARAMS = {
  path: p.string('What it is for: "" for all, a namespace, a mount, a path, or what begins so: "a/b*".'),
  role: p.string('Only for logins by this role, or of this user: path is the auth method then.'),
  inheritable: p.bool('Also for namespaces below the one it is for.'),
};

/** Auth methods whose logins are by a role, or of a user. */
const WITH_ROLES = new Set(['approle', 'userpass']);

export interface Writing {
  /** Before the names of quotas of this kind. */
  readonly prefix: string;
  readonly name: string;
  readonly given: { readonly path?: string; readonly role?: string; readonly inheritable?: boolean };
}

/** What is not given stays. @throws CodedError where nothing is there, or another quota is for the same. */
export async function scopeOf(
  core: SystemCore,
  { prefix, name, given }: Writing,
): Promise<Anchored<QuotaScope>> {
  if (Buffer.byteLength(name) > POLICY_NAME_BYTES_MAX)
    throw badRequest(`a quota's name must not be longer than ${POLICY_NAME_BYTES_MAX} bytes`);
  const quotas = await core.quotas(prefix);
  const before = quotas.get(name);
  const role = given.role ?? before?.role ?? '';
  if (Buffer.byteLength(role) > POLICY_NAME_BYTES_MAX) throw badRequest('role is too long');
  const { path, at } = placeOf(core, given.path ?? before?.path ?? '', role !== '');
  if (!before && quotas.size >= QUOTAS_MAX) throw badRequest(`there may be ${QUOTAS_MAX} quotas`);
  for (const [other, quota] of quotas)
    if (other !== name && quota.path === path && quota.role === role)
      throw badRequest('quota rule with similar properties exists under another name');
  return { path, role, inheritable: given.inheritable ?? before?.inheritable ?? path === '', at };
}

function placeOf(core: SystemCore, asked: string, ofRole: boolean): { path: string; at: QuotaAnchor } {
  const path = asked.replace(/^\/+/, '');
  if (Buffer.byteLength(path) > POLICY_NAME_BYTES_MAX) throw badRequest('path is too long');
  if (path.slice(0, -1).includes('*')) throw badRequest("path: expected no '*' but at its end");
  const isBeginning = path.endsWith('*');
  const base = isBeginning ? path.slice(0, -1) : path;
  const place = core.placeOf(base === '' || base.endsWith('/') ? base : `${base}/`);
  if (!place) throw badRequest('invalid mount or namespace: nothing is there');
  const { namespace, mount } = place;
  const start = namespace.path + (mount ? apiPath(mount) : '');
  const rest = base.slice(start.length).replace(/\/$/, '');
  if (ofRole) {
    if (rest !== '' || isBeginning)
      throw badRequest(
        'Quotas cannot contain both a path suffix and a role. If a role is provided, path must be a valid auth mount with a concept of roles',
      );
    if (mount?.class !== 'auth')
      throw badRequest(
        'path is not a valid auth method and therefore unsuitable for use with role-based quotas',
      );
    if (!WITH_ROLES.has(mount.type))
      throw badRequest('the auth method at path does not support use with role-based quotas');
  }
  // Of what a beginning names, a slash at the end is a part.
  const suffix = isBeginning ? `${base.slice(start.length)}*` : rest;
  return {
    path: start + suffix,
    at: { ...(mount ? { mount: mount.uuid } : { namespace: namespace.id }), suffix },
  };
}
