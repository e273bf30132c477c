/**
 * Namespaces as the mount table holds them: in the catalog's section `mounts`, beside the mounts, so that a namespace comes and goes with all
 * its mounts in one change.
 *
 * @module
 */
import { isDeepStrictEqual } from 'node:util';
import type { Catalog, SectionChange } from '../cluster/catalog.ts';
import { badRequest, CodedError } from '../model/errors.ts';
import { apiPath, type Mount, servingNamespace } from '../model/mount.ts';
import { type Namespace, ROOT_NAMESPACE } from '../model/namespace.ts';
import {
  GONE,
  type GoneNamespace,
  isWithin,
  mountsOf,
  NAMESPACE,
  namespaceIn,
  namespacesOf,
  SWEEP,
  sweepOf,
} from './mount-entries.ts';
import { unchanged } from './section-change.ts';

export interface Namespaces {
  byId(id: string): Namespace | undefined;
  /** By path, ending in `/`; '' is the root namespace. */
  at(path: string): Namespace | undefined;
  /** The namespace that the first segments of `path` name below `base`, as deep as it goes. */
  descend(base: Namespace, path: string): Namespace;
  /** The topmost namespace, this one or above it, that is locked. */
  lockOf(namespace: Namespace): Namespace | undefined;
  /** All but the root namespace, sorted by path. */
  all(): readonly Namespace[];
  /** All below it, at any depth, as all members have them, sorted by path. */
  below(namespace: Namespace): Promise<readonly Namespace[]>;
  /** Those one level below, as all members have them, sorted by path. */
  children(namespace: Namespace): Promise<readonly Namespace[]>;
  /** As all members have it. @param path - ending in `/`. */
  current(path: string): Promise<Namespace | undefined>;
}

export function makeNamespaces(catalog: Pick<Catalog, 'watch' | 'current'>): Namespaces {
  let byPath = new Map<string, Namespace>();
  let byId = new Map<string, Namespace>();
  let locked: Namespace[] = [];
  catalog.watch('mounts', (entries) => {
    const all = namespacesOf(entries);
    byPath = new Map(all.map((one) => [one.path, one]));
    byId = new Map(all.map((one) => [one.id, one]));
    locked = all.filter(({ lock }) => lock !== undefined);
  });
  return {
    byId: (id) => (id === ROOT_NAMESPACE.id ? ROOT_NAMESPACE : byId.get(id)),
    at: (path) => (path === '' ? ROOT_NAMESPACE : byPath.get(path)),
    descend(base, path) {
      if (byPath.size === 0) return base;
      let found = base;
      // Each has its parent, so that the first that is missing ends it.
      for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) {
        const next = byPath.get(base.path + path.slice(0, at + 1));
        if (!next) break;
        found = next;
      }
      return found;
    },
    lockOf: ({ path }) => (locked.length === 0 ? undefined : locked.find((one) => path.startsWith(one.path))),
    all: () => [...byId.values()],
    async below({ path }) {
      return namespacesOf(await catalog.current('mounts')).filter((one) => isWithin(one.path, path));
    },
    async children({ path }) {
      const all = namespacesOf(await catalog.current('mounts'));
      return all.filter(
        (one) => isWithin(one.path, path) && one.path.indexOf('/', path.length) === one.path.length - 1,
      );
    },
    async current(path) {
      return namespacesOf(await catalog.current('mounts')).find((one) => one.path === path);
    },
  };
}

export interface NewNamespace {
  readonly namespace: Namespace;
  /** Id of the one above. */
  readonly parent: string;
  /** What it begins with. */
  readonly mounts: readonly Mount[];
}

/**
 * Makes a namespace; one that is there is given the metadata instead. Replies its id.
 * @throws CodedError where the one above is gone, or a mount is in the way; `stale_claims` where the drawn id is taken.
 */
export const addNamespace: SectionChange<NewNamespace, void> = {
  id: 'namespaces/add',
  section: 'mounts',
  run(entries, { namespace, parent, mounts }) {
    const above = namespaceIn(entries, parent);
    if (!above || !isWithin(namespace.path, above.path))
      throw new CodedError('unsupported_path', 'namespace not found');
    const there = namespacesOf(entries).find(({ path }) => path === namespace.path);
    if (there) return changedMetadata(there, namespace.custom_metadata);
    // Whatever ends in this id is still being swept, or is another's: one more draw.
    if (entries.has(NAMESPACE + namespace.id) || entries.has(GONE + namespace.id))
      throw new CodedError('stale_claims');
    const relative = namespace.path.slice(above.path.length);
    const conflict = mountsOf(entries).find(
      (mount) =>
        servingNamespace(mount) === above.id &&
        (apiPath(mount).startsWith(relative) || relative.startsWith(apiPath(mount))),
    );
    if (conflict) throw badRequest(`new namespace conflicts with existing mount: ${apiPath(conflict)}`);
    const patch: Record<string, unknown> = { [NAMESPACE + namespace.id]: namespace };
    for (const mount of mounts) patch[mount.uuid] = mount;
    return { patch, reply: undefined };
  },
};

function changedMetadata(there: Namespace, custom_metadata: Namespace['custom_metadata']) {
  if (isDeepStrictEqual(there.custom_metadata, custom_metadata)) return unchanged;
  return { patch: { [NAMESPACE + there.id]: { ...there, custom_metadata } }, reply: undefined };
}

export interface NamespaceTuning {
  readonly id: string;
  readonly next: Namespace;
  /** From which `next` was made. */
  readonly from: Namespace;
}

/** @throws CodedError where it is gone; `stale_claims` where it is another by now. */
export const tuneNamespace: SectionChange<NamespaceTuning, void> = {
  id: 'namespaces/tune',
  section: 'mounts',
  run(entries, { id, next, from }) {
    const there = entries.get(NAMESPACE + id);
    if (!there) throw badRequest('requested namespace does not exist');
    if (!isDeepStrictEqual(there, from)) throw new CodedError('stale_claims');
    return { patch: { [NAMESPACE + id]: next }, reply: undefined };
  },
};

/** Takes a namespace away with all its mounts, and notes what is to be swept. @throws CodedError where others are below it. */
export const removeNamespace: SectionChange<{ id: string; atMs?: number }, void> = {
  id: 'namespaces/remove',
  section: 'mounts',
  run(entries, { id, atMs }) {
    const there = entries.get(NAMESPACE + id) as Namespace | undefined;
    if (!there) return unchanged;
    if (namespacesOf(entries).some(({ path }) => isWithin(path, there.path)))
      throw badRequest('unable to delete namespace containing child namespaces');
    const gone: GoneNamespace = { id, path: there.path, ...(atMs !== undefined && { sinceMs: atMs }) };
    const patch: Record<string, unknown> = { [NAMESPACE + id]: null, [GONE + id]: gone };
    for (const mount of mountsOf(entries)) {
      if (servingNamespace(mount) !== id) continue;
      patch[mount.uuid] = null;
      patch[SWEEP + mount.uuid] = sweepOf(mount, there, atMs);
    }
    return { patch, reply: undefined };
  },
};

/** Nothing of a removed namespace is left. */
export const namespaceSwept: SectionChange<{ id: string }, void> = {
  id: 'namespaces/swept',
  section: 'mounts',
  run: (_entries, { id }) => ({ patch: { [GONE + id]: null }, reply: undefined }),
};
