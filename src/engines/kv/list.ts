/**
 * Lists of what lies below a path.
 *
 * @module
 */
import type { RouteContext } from '../../model/engine.ts';
import { PAGE_PARAMS } from '../../model/params.ts';

export const LIST_PARAMS = PAGE_PARAMS;

/** Names one level below `folder`, folders with their slash. */
export function namesBelow(
  kind: string,
  folder: string,
  page: { readonly after: string; readonly limit: number },
  { cluster, mount }: RouteContext,
): Promise<string[]> {
  const limit = Math.max(0, page.limit);
  return cluster.list(kind, mount.namespace, mount.uuid, folder, { after: page.after, limit });
}

/** A list's path as a prefix: '' or ending in `/`. */
export function asFolder(path: string): string {
  return path === '' || path.endsWith('/') ? path : `${path}/`;
}
