/**
 * The entries of the catalog's section `mounts`: mounts by uuid, namespaces by id, and what is gone and still to be swept. They stand in one
 * section, so that a namespace comes and goes with all its mounts in one change, and no mount and namespace ever share a path.
 *
 * @module
 */
import type { Entries, SectionChange } from '../cluster/catalog.ts';
import { apiPath, type Mount, servingNamespace } from '../model/mount.ts';
import { type Namespace, ROOT_NAMESPACE } from '../model/namespace.ts';
import { unchanged } from './section-change.ts';

/** Prefix of the entries that are namespaces. */
export const NAMESPACE = 'namespace/';
/** Prefix of the entries that say whose data is still to be swept. */
export const SWEEP = 'sweep/';
/** Prefix of the entries of namespaces that are gone, and whose tokens and policies are still to be swept. */
export const GONE = 'gone-namespace/';

/** How far the removal of what is gone has come. */
export interface Removal {
  /** Wall clock, ms, when it was taken away. Absent: an older release did that. */
  readonly sinceMs?: number;
  /** Records, or tokens, that were removed so far, as was last noted. Absent: nothing was. */
  readonly removed?: number;
}

/** A mount that is gone and whose data is not gone yet. */
export interface Sweep extends Removal {
  readonly uuid: string;
  readonly namespace: string;
  /** From the root namespace; absent as `sinceMs`. */
  readonly path?: string;
  readonly type?: string;
}

export interface GoneNamespace extends Removal {
  readonly id: string;
  readonly path: string;
}

/** @param served - the namespace in which it stood. */
export function sweepOf(mount: Mount, served: Namespace | undefined, sinceMs: number | undefined): Sweep {
  const { uuid, namespace, type } = mount;
  if (sinceMs === undefined || !served) return { uuid, namespace };
  return { uuid, namespace, type, path: served.path + apiPath(mount), sinceMs };
}

/** Notes how far a removal has come; of one that is through there is nothing to be noted. */
export const noteRemoval: SectionChange<{ key: string; removed: number }, void> = {
  id: 'mounts/removal',
  section: 'mounts',
  run(entries, { key, removed }) {
    const there = entries.get(key);
    return there ? { patch: { [key]: { ...there, removed } }, reply: undefined } : unchanged;
  },
};

export function mountsOf(entries: Entries): Mount[] {
  const found: Mount[] = [];
  // A uuid holds no slash, and every prefix ends in one.
  for (const [key, value] of entries) if (!key.includes('/')) found.push(value as Mount);
  return found;
}

/** Sorted by path: those above come before those below. The root namespace is not among them. */
export function namespacesOf(entries: Entries): Namespace[] {
  return valuesUnder<Namespace>(entries, NAMESPACE).sort((a, b) => (a.path < b.path ? -1 : 1));
}

export function sweepsOf(entries: Entries): Sweep[] {
  return valuesUnder(entries, SWEEP);
}

export function goneNamespacesOf(entries: Entries): GoneNamespace[] {
  return valuesUnder(entries, GONE);
}

function valuesUnder<T>(entries: Entries, prefix: string): T[] {
  const found: T[] = [];
  for (const [key, value] of entries) if (key.startsWith(prefix)) found.push(value as T);
  return found;
}

export function namespaceIn(entries: Entries, id: string): Namespace | undefined {
  return id === ROOT_NAMESPACE.id ? ROOT_NAMESPACE : (entries.get(NAMESPACE + id) as Namespace | undefined);
}

/** Is a namespace of this path below the other, at any depth? */
export function isWithin(path: string, above: string): boolean {
  return path !== above && path.startsWith(above);
}

/**
 * What stands in the way of a mount, by its API path: another mount, in either direction, or a namespace.
 * @param path - API path within the namespace, ending in `/`.
 */
export function inTheWayOf(entries: Entries, namespace: Namespace, path: string): string | undefined {
  for (const mount of mountsOf(entries)) {
    if (servingNamespace(mount) !== namespace.id) continue;
    const other = apiPath(mount);
    if (path.startsWith(other) || other.startsWith(path)) return other;
  }
  const whole = namespace.path + path;
  for (const { path: below } of namespacesOf(entries)) {
    if (isWithin(below, namespace.path) && (whole.startsWith(below) || below.startsWith(whole)))
      return below.slice(namespace.path.length);
  }
  return undefined;
}
