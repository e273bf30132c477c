/**
 * From a path to what serves it: mount, engine, route, captures, and the one canonical path that policy, actor and audit use.
 * Never refuses: "nothing there" is a value, since only those who may know are told.
 *
 * @module
 */
import type { Engine } from '../model/engine.ts';
import { apiPath, type Mount } from '../model/mount.ts';
import { type Namespace, pathFrom, ROOT_NAMESPACE } from '../model/namespace.ts';
import type { NamespaceMounts } from './mount-table.ts';
import type { Namespaces } from './namespaces.ts';
import { canonicalRelative, type Match, makeRouter, type Router } from './router.ts';

export interface Resolved {
  /** Undefined: there is none of the name that the header gives. */
  readonly namespace: Namespace | undefined;
  /** The namespace, this one or one above it, that is locked. */
  readonly lockedBy: Namespace | undefined;
  /** The path within the namespace, as it was asked for. */
  readonly asked: string;
  /** The same, as policies of the namespace see it. */
  readonly path: string;
  readonly mount: Mount | undefined;
  readonly match: Match | undefined;
}

export interface Resolver {
  /**
   * @param isList - whether the path's last slash was put there by the verb.
   * @param header - the namespace from which the path leads on, without slashes at its ends; '' where absent.
   */
  resolve(path: string, isList?: boolean, header?: string): Resolved;
  /** Before a path of the namespace, as policies of the other one see it; undefined: they say nothing of it. @param from - its id. */
  prefixFrom(from: string, namespace: Namespace): string | undefined;
  /** The namespace of this id, if it is below `above`. */
  below(above: Namespace, id: string): Namespace | undefined;
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

export interface ResolverParts {
  readonly mounts: { of(namespaceId: string): Pick<NamespaceMounts, 'find' | 'at'> };
  readonly namespaces: Pick<Namespaces, 'byId' | 'at' | 'descend' | 'lockOf'>;
}

export function makeResolver(
  { mounts, namespaces }: ResolverParts,
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
    prefixFrom(from, namespace) {
      if (from === namespace.id) return '';
      const above = namespaces.byId(from);
      return above && pathFrom(above, namespace);
    },
    below(above, id) {
      const found = namespaces.byId(id);
      return found && found !== above && pathFrom(above, found) !== undefined ? found : undefined;
    },
    resolve(whole, isList = false, header = '') {
      const base = header === '' || header === 'root' ? ROOT_NAMESPACE : namespaces.at(`${header}/`);
      const namespace = base && namespaces.descend(base, whole);
      const path = namespace === base ? whole : whole.slice(namespace!.path.length - base!.path.length);
      const lockedBy = namespace && namespaces.lockOf(namespace);
      const table = namespace && mounts.of(namespace.id);
      const mount = path.startsWith('sys/') ? (table?.at('sys/') ?? SYSTEM_MOUNT) : table?.find(path);
      const engine = mount && engineOf(mount);
      if (!mount || !engine)
        return { namespace, lockedBy, asked: path, path, mount: undefined, match: undefined };
      const within = apiPath(mount);
      const relative = path.slice(within.length);
      const match = routerOf(engine).match(relative, isList);
      if (!match) return { namespace, lockedBy, asked: path, path, mount, match };
      const canonical = canonicalRelative(match.pattern, match, relative);
      const spelled = canonical === relative ? path : within + canonical;
      return { namespace, lockedBy, asked: path, path: spelled, mount, match };
    },
  };
}
