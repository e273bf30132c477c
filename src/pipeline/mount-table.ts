/**
 * The mount table: catalog section `mounts` as an immutable look-up, and the changes of it.
 *
 * @module
 */
import { isDeepStrictEqual } from 'node:util';
import type { Catalog, SectionChange } from '../cluster/catalog.ts';
import { badRequest, CodedError } from '../model/errors.ts';
import { apiPath, issuerOf, type Mount, type Move, servingNamespace } from '../model/mount.ts';
import { inTheWayOf, mountsOf, namespaceIn, SWEEP, sweepOf } from './mount-entries.ts';
import { unchanged } from './section-change.ts';

/** The mounts of all namespaces; each serves paths within its own. */
export interface MountTable {
  of(namespaceId: string): NamespaceMounts;
  /** Of all namespaces, unsorted. */
  all(): readonly Mount[];
  byUuid(uuid: string): Mount | undefined;
  /** The mount whose logins name this issuer. */
  byIssuer(issuer: string): Mount | undefined;
}

/** The mounts of one namespace. Paths are within it. */
export interface NamespaceMounts {
  /** The mount that serves `path` (canonical), or undefined. No two mounts serve one path. */
  find(path: string): Mount | undefined;
  /** By API path, `secret/` or `auth/token/`. */
  at(apiPath: string): Mount | undefined;
  byAccessor(accessor: string): Mount | undefined;
  /** Sorted by API path. */
  all(): readonly Mount[];
  /** As `all`, without what some members may not have applied yet. */
  current(): Promise<readonly Mount[]>;
}

export function makeMountTable(catalog: Pick<Catalog, 'watch' | 'current'>): MountTable {
  let tables = new Map<string, NamespaceMounts>();
  let all: readonly Mount[] = [];
  let byUuid = new Map<string, Mount>();
  let byIssuer = new Map<string, Mount>();

  function tableOf(id: string, mounts: readonly Mount[]): NamespaceMounts {
    const byPath = new Map(mounts.map((mount) => [apiPath(mount), mount]));
    // Behind the longest mount's end no other can end: a path of many segments is not looked up at each of them.
    const longest = mounts.reduce((chars, mount) => Math.max(chars, apiPath(mount).length), 0);
    return {
      find(path) {
        for (let at = path.indexOf('/'); at >= 0 && at < longest; at = path.indexOf('/', at + 1)) {
          const mount = byPath.get(path.slice(0, at + 1));
          if (mount) return mount;
        }
        // `secret` without a slash names the mount itself.
        return path.endsWith('/') ? undefined : byPath.get(`${path}/`);
      },
      at: (path) => byPath.get(path),
      byAccessor: (accessor) => mounts.find((mount) => mount.accessor === accessor),
      all: () => mounts,
      async current() {
        const now = mountsOf(await catalog.current('mounts'));
        return sorted(now.filter((mount) => servingNamespace(mount) === id));
      },
    };
  }

  catalog.watch('mounts', (entries) => {
    all = mountsOf(entries);
    byUuid = new Map(all.map((mount) => [mount.uuid, mount]));
    byIssuer = new Map(all.map((mount) => [issuerOf(mount), mount]));
    const grouped = Map.groupBy(all, servingNamespace);
    tables = new Map([...grouped].map(([id, mounts]) => [id, tableOf(id, sorted(mounts))]));
  });
  return {
    of: (id) => tables.get(id) ?? tableOf(id, []),
    all: () => all,
    byUuid: (uuid) => byUuid.get(uuid),
    byIssuer: (issuer) => byIssuer.get(issuer),
  };
}

function sorted(mounts: Iterable<Mount>): Mount[] {
  return [...mounts].sort((a, b) => (apiPath(a) < apiPath(b) ? -1 : 1));
}

/** Adds a mount. @throws CodedError where its path is in use, in either direction, or its namespace is gone. */
export const addMount: SectionChange<Mount, void> = {
  id: 'mounts/add',
  section: 'mounts',
  run(entries, mount) {
    const namespace = namespaceIn(entries, mount.namespace);
    if (!namespace) throw new CodedError('unsupported_path', 'namespace not found');
    const other = inTheWayOf(entries, namespace, apiPath(mount));
    if (other !== undefined) throw badRequest(`path is already in use at ${other}`);
    return { patch: { [mount.uuid]: mount }, reply: undefined };
  },
};

/** What of a mount may change, and the mount from which it was made. */
export interface Tuning extends Pick<Mount, 'uuid' | 'config' | 'options' | 'description'> {
  readonly from: Mount | undefined;
}

/** @throws CodedError where the mount is gone; `stale_claims` where it is another by now: what was changed in between must stay. */
export const tuneMount: SectionChange<Tuning, void> = {
  id: 'mounts/tune',
  section: 'mounts',
  run(entries, { uuid, config, options, description, from }) {
    const mount = entries.get(uuid) as Mount | undefined;
    if (!mount) throw new CodedError('bad_request', 'no such mount');
    if (!isDeepStrictEqual(mount, from)) throw new CodedError('stale_claims');
    return { patch: { [uuid]: { ...mount, config, options, description } }, reply: undefined };
  },
};

/** Where a mount goes. */
export interface Moving {
  readonly uuid: string;
  /** From which `to` was made. */
  readonly from: Mount | undefined;
  readonly path: string;
  /** Id of the namespace. */
  readonly namespace: string;
  readonly move: Move;
}

/**
 * Gives a mount another path, in another namespace too: its data stay where they are. In one change, so that it is never reached by both paths, or none.
 * @throws CodedError where the path is in use, or its namespace gone; `stale_claims` where the mount is another by now.
 */
export const moveMount: SectionChange<Moving, void> = {
  id: 'mounts/move',
  section: 'mounts',
  run(entries, { uuid, from, path, namespace, move }) {
    const mount = entries.get(uuid) as Mount | undefined;
    if (!mount || !isDeepStrictEqual(mount, from)) throw new CodedError('stale_claims');
    const target = namespaceIn(entries, namespace);
    if (!target) throw new CodedError('unsupported_path', 'namespace not found');
    const moved: Mount = {
      ...mount,
      path,
      servedIn: namespace,
      moves: (mount.moves ?? 0) + 1,
      lastMove: move,
    };
    const other = inTheWayOf(entries, target, apiPath(moved));
    if (other !== undefined)
      throw badRequest(`path already in use at ${JSON.stringify(target.path + other)}`);
    return { patch: { [uuid]: moved }, reply: undefined };
  },
};

/** Takes a mount away and notes that its data is to be swept. */
/** @param atMs - wall clock of who asks. */
export const removeMount: SectionChange<{ uuid: string; atMs?: number }, void> = {
  id: 'mounts/remove',
  section: 'mounts',
  run(entries, { uuid, atMs }) {
    const mount = entries.get(uuid) as Mount | undefined;
    if (!mount) return unchanged;
    const sweep = sweepOf(mount, namespaceIn(entries, servingNamespace(mount)), atMs);
    return { patch: { [uuid]: null, [SWEEP + uuid]: sweep }, reply: undefined };
  },
};

/** All data of a removed mount is gone. */
export const mountSwept: SectionChange<{ uuid: string }, void> = {
  id: 'mounts/swept',
  section: 'mounts',
  run: (_entries, { uuid }) => ({ patch: { [SWEEP + uuid]: null }, reply: undefined }),
};
