/**
 * Which quota holds a request or a lease: the one that says most. First the one of its role, then its very path, then the longest that
 * it begins with.
 *
 * @module
 */
import type { QuotaScope } from '../model/quotas.ts';

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
