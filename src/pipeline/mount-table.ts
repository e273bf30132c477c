/**
 * The mount table: catalog section `mounts` as an immutable look-up, and the changes of it.
 *
 * @module
 */
import { isDeepStrictEqual } from 'node:util';
import type { Catalog, Entries, SectionChange } from '../cluster/catalog.ts';
import { badRequest, CodedError } from '../model/errors.ts';
import { apiPath, type Mount } from '../model/mount.ts';
import { unchanged } from './section-change.ts';

export interface MountTable {
  /** The mount that serves `path` (canonical, after `/v1/`), or undefined. No two mounts serve one path. */
  find(path: string): Mount | undefined;
  /** By API path, `secret/` or `auth/token/`. */
  at(apiPath: string): Mount | undefined;
  byUuid(uuid: string): Mount | undefined;
  byAccessor(accessor: string): Mount | undefined;
  all(): readonly Mount[];
  /** As `all`, without what some members may not have applied yet. */
  current(): Promise<readonly Mount[]>;
}

export function makeMountTable(catalog: Catalog): MountTable {
  let byPath = new Map<string, Mount>();
  let byUuid = new Map<string, Mount>();
  let all: Mount[] = [];
  catalog.watch('mounts', (entries) => {
    byPath = new Map();
    for (const mount of mountsOf(entries)) byPath.set(apiPath(mount), mount);
    all = sorted(byPath.values());
    byUuid = new Map(all.map((mount) => [mount.uuid, mount]));
  });
  return {
    find(path) {
      for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) {
        const mount = byPath.get(path.slice(0, at + 1));
        if (mount) return mount;
      }
      // `secret` without a slash names the mount itself.
      return path.endsWith('/') ? undefined : byPath.get(`${path}/`);
    },
    at: (path) => byPath.get(path),
    byUuid: (uuid) => byUuid.get(uuid),
    byAccessor: (accessor) => all.find((mount) => mount.accessor === accessor),
    all: () => all,
    current: async () => sorted(mountsOf(await catalog.current('mounts'))),
  };
}

function sorted(mounts: Iterable<Mount>): Mount[] {
  return [...mounts].sort((a, b) => (apiPath(a) < apiPath(b) ? -1 : 1));
}

/** Prefix of the entries that say whose data is still to be swept. */
const SWEEP = 'sweep/';

function mountsOf(entries: Entries): Mount[] {
  return [...entries].filter(([key]) => !key.startsWith(SWEEP)).map(([, value]) => value as Mount);
}

/** A mount that is gone and whose data is not gone yet. */
export interface Sweep {
  readonly uuid: string;
  readonly namespace: string;
}

export function sweepsOf(entries: Entries): Sweep[] {
  return [...entries].filter(([key]) => key.startsWith(SWEEP)).map(([, value]) => value as Sweep);
}

/** Adds a mount. @throws CodedError where its path is in use, in either direction. */
export const addMount: SectionChange<Mount, void> = {
  id: 'mounts/add',
  section: 'mounts',
  run(entries, mount) {
    const wanted = apiPath(mount);
    for (const other of mountsOf(entries)) {
      const path = apiPath(other);
      if (wanted.startsWith(path) || path.startsWith(wanted))
        throw badRequest(`path is already in use at ${path}`);
    }
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

/** Takes a mount away and notes that its data is to be swept. */
export const removeMount: SectionChange<{ uuid: string }, void> = {
  id: 'mounts/remove',
  section: 'mounts',
  run(entries, { uuid }) {
    const mount = entries.get(uuid) as Mount | undefined;
    if (!mount) return unchanged;
    const sweep: Sweep = { uuid, namespace: mount.namespace };
    return { patch: { [uuid]: null, [SWEEP + uuid]: sweep }, reply: undefined };
  },
};

/** All data of a removed mount is gone. */
export const mountSwept: SectionChange<{ uuid: string }, void> = {
  id: 'mounts/swept',
  section: 'mounts',
  run: (_entries, { uuid }) => ({ patch: { [SWEEP + uuid]: null }, reply: undefined }),
};
