/**
 * From a path to what serves it: mount, engine, route, captures, and the one canonical path that policy, actor and audit use.
 * Never refuses: "nothing there" is a value, since only those who may know are told.
 *
 * @module
 */
import type { Engine } from '../model/engine.ts';
import { apiPath, type Mount } from '../model/mount.ts';
import type { MountTable } from './mount-table.ts';
import { canonicalRelative, type Match, makeRouter, type Router } from './router.ts';

export interface Resolved {
  /** As policies see it. */
  readonly path: string;
  readonly mount: Mount | undefined;
  readonly match: Match | undefined;
}

export interface Resolver {
  /** @param isList - whether the path's last slash was put there by the verb. */
  resolve(path: string, isList?: boolean): Resolved;
  engineOf(mount: Mount): Engine | undefined;
}

/** `sys/` is served by every node, sealed or not, before there is any mount table. */
const SYSTEM_MOUNT: Mount = {
  class: 'secret',
  path: 'sys/',
  type: 'system',
  description: 'system endpoints used for control, policy and debugging',
  uuid: 'system',
  accessor: 'system',
  namespace: 'root',
  config: { default_lease_ttl: 0, max_lease_ttl: 0, force_no_cache: false },
  options: null,
  local: false,
  seal_wrap: true,
  external_entropy_access: false,
};

export function makeResolver(
  mounts: Pick<MountTable, 'find' | 'at'>,
  engineOf: (mount: Mount) => Engine | undefined,
): Resolver {
  const routers = new Map<Engine, Router>();
  const routerOf = (engine: Engine): Router => {
    const known = routers.get(engine);
    if (known) return known;
    const router = makeRouter(engine);
    routers.set(engine, router);
    return router;
  };

  return {
    engineOf,
    resolve(path, isList = false) {
      const mount = path.startsWith('sys/') ? (mounts.at('sys/') ?? SYSTEM_MOUNT) : mounts.find(path);
      const engine = mount && engineOf(mount);
      if (!mount || !engine) return { path, mount: undefined, match: undefined };
      const base = apiPath(mount);
      const relative = path.slice(base.length);
      const match = routerOf(engine).match(relative, isList);
      if (!match) return { path, mount, match };
      const canonical = canonicalRelative(match.pattern, match, relative);
      return { path: canonical === relative ? path : base + canonical, mount, match };
    },
  };
}
