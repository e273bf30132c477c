/**
 * Which quota holds a request or a lease: the one that says most. First the one of its role, then its very path, then the longest that
 * it begins with.
 *
 * @module
 */
import type { SectionChange } from '../cluster/catalog.ts';
import { apiPath, servingNamespace } from '../model/mount.ts';
import { type Anchored, LEASE_COUNT, type QuotaScope, RATE_LIMIT } from '../model/quotas.ts';
import type { MountTable } from './mount-table.ts';
import type { Namespaces } from './namespaces.ts';
import type { Resolver } from './resolve.ts';
import { unchanged } from './section-change.ts';

/** Where mounts and namespaces are. */
export interface Places {
  readonly mounts: Pick<MountTable, 'byUuid'>;
  readonly namespaces: Pick<Namespaces, 'byId'>;
  /** Absent: every path is spelled as it is. */
  readonly resolver?: Pick<Resolver, 'resolve'>;
}

/** The quota with the path that it has now; undefined: what it is for is gone. */
export function quotaNow<Q extends QuotaScope>(
  { at, made: _made, ...quota }: Anchored<Q>,
  places: Places,
): Q | undefined {
  const kept = quota as unknown as Q;
  if (!at) return kept;
  const mount = at.mount === undefined ? undefined : places.mounts.byUuid(at.mount);
  if (at.mount !== undefined && !mount) return undefined;
  const namespace = places.namespaces.byId(mount ? servingNamespace(mount) : at.namespace!);
  return namespace && { ...kept, path: namespace.path + (mount ? apiPath(mount) : '') + at.suffix };
}

/** The same, spelled as requests are once they are resolved, by which it is known what it holds: users and roles, for one, in lower case. */
export function quotaSpelled<Q extends QuotaScope>(kept: Anchored<Q>, places: Places): Q | undefined {
  const quota = quotaNow(kept, places);
  if (!quota) return undefined;
  return { ...quota, path: spelled(quota.path, places.resolver), role: quota.role.toLowerCase() };
}

function spelled(path: string, resolver: Places['resolver']): string {
  const [, named, end] = /^(.*?)(\/?\*?)$/s.exec(path)!;
  if (!resolver || named === '' || end === '/') return path;
  // A beginning may end where no name does, as in `login/Team-*`: a letter more, and it is one.
  const more = end === '*' ? 'x' : '';
  const { namespace, path: within } = resolver.resolve(named! + more);
  return namespace ? namespace.path + within.slice(0, within.length - more.length) + end : path;
}

/** Takes away the quotas of what is gone: a mount by its uuid, or a namespace by its id. */
export const forgetQuotas: SectionChange<{ mount?: string; namespace?: string }, void> = {
  id: 'quotas/forget',
  section: 'settings',
  run(entries, gone) {
    const keys = quotaKeysOf(entries, gone);
    if (keys.length === 0) return unchanged;
    return { patch: Object.fromEntries(keys.map((key) => [key, null])), reply: undefined };
  },
};

export function quotaKeysOf(
  entries: ReadonlyMap<string, unknown>,
  { mount, namespace }: { mount?: string; namespace?: string },
): string[] {
  const keys: string[] = [];
  for (const [key, value] of entries) {
    if (!key.startsWith(RATE_LIMIT) && !key.startsWith(LEASE_COUNT)) continue;
    const { at } = value as Anchored<QuotaScope>;
    if (at && (at.mount === undefined ? at.namespace === namespace : at.mount === mount)) keys.push(key);
  }
  return keys;
}

export interface Scoped {
  /** '' or ending in `/`. */
  readonly namespacePath: string;
  /** Within the namespace. */
  readonly path: string;
  /** Of a login: which role of the auth method, or which of its users. */
  readonly role?: string | undefined;
}

/** The one that says most first. */
export function bySpecificity(a: QuotaScope, b: QuotaScope): number {
  return weightOf(b) - weightOf(a);
}

function weightOf({ path, role }: QuotaScope): number {
  const length = 2 * path.replace(/\*$/, '').length + Number(!/[*/]$/.test(path));
  return role === '' ? length : length + 1_000_000;
}

export function holds(scope: QuotaScope, { namespacePath, path, role }: Scoped): boolean {
  if (scope.role !== '' && scope.role !== role) return false;
  const { path: wanted, inheritable } = scope;
  const whole = namespacePath + path;
  if (wanted.endsWith('*')) return whole.startsWith(wanted.slice(0, -1));
  if (wanted !== '' && !wanted.endsWith('/')) return whole === wanted || whole === `${wanted}/`;
  if (!whole.startsWith(wanted)) return false;
  // A namespace's: also of those below it only where it says so. A mount's path is longer than its namespace's.
  return inheritable || wanted.length > namespacePath.length || wanted === namespacePath;
}
