/**
 * The real mount table, namespaces and their sweeps in a simulated node, and the routes that change them.
 *
 * @module
 */
import type { Tokens } from '../../src/auth/token/tokens.ts';
import type { Catalog } from '../../src/cluster/catalog.ts';
import { mountRoutes } from '../../src/engines/system/mounts.ts';
import { namespaceRoutes } from '../../src/engines/system/namespaces.ts';
import { policyRoutes } from '../../src/engines/system/policies.ts';
import { remountRoutes } from '../../src/engines/system/remount.ts';
import type { Cluster } from '../../src/model/actor.ts';
import type { Engine, Route } from '../../src/model/engine.ts';
import type { Mount } from '../../src/model/mount.ts';
import type { Authority } from '../../src/pipeline/authority.ts';
import { makeMountSweeps } from '../../src/pipeline/mount-sweeps.ts';
import { addMount, type MountTable, makeMountTable } from '../../src/pipeline/mount-table.ts';
import { makeNamespaces, type Namespaces } from '../../src/pipeline/namespaces.ts';
import type { PolicyStore } from '../../src/pipeline/policy-store.ts';
import type { Resolver } from '../../src/pipeline/resolve.ts';
import { makeSettingsStore } from '../../src/pipeline/settings-store.ts';
import { makeSystemCore, type SystemCoreParts } from '../../src/system-core.ts';
import type { SimProcess } from './process.ts';

/** What of a member the sweeps need. */
export interface SweepParts {
  /** Are the sweeps this node's, in this turn? */
  isOurs(): boolean;
  sweepMount(namespace: string, mount: string, signal?: AbortSignal): Promise<void>;
}

export interface Spaces {
  readonly mounts: MountTable;
  readonly namespaces: Namespaces;
  /** Routes of `sys/` that change mounts, namespaces and policies, in all namespaces. */
  routes(parts: CoreParts): Record<string, Route>;
  /** What is gone is swept from now on. */
  sweep(parts: SweepParts & Pick<CoreParts, 'tokens' | 'policies'>): void;
}

export interface CoreParts {
  readonly cluster: Cluster;
  readonly tokens: Tokens;
  readonly policies: PolicyStore;
  readonly authority: Authority;
  resolver(): Resolver;
  engineOf(mount: Mount): Engine | undefined;
}

const MAX_LEASE_TTL_S = 30 * 86_400;

export function makeSpaces(
  catalog: Catalog,
  { clock }: SimProcess,
  fault: (what: string, error: unknown) => void,
): Spaces {
  const mounts = makeMountTable(catalog);
  const namespaces = makeNamespaces(catalog);
  return {
    mounts,
    namespaces,
    routes({ cluster, resolver, ...parts }) {
      const core = makeSystemCore({
        ...{ ...parts, catalog, mounts, namespaces, actors: cluster },
        secretTypes: ['kv'],
        authTypes: [],
        node: { maxLeaseTtl: MAX_LEASE_TTL_S },
        get resolver() {
          return resolver();
        },
        // Nothing that rests on these is asked for here.
        ...{ seal: { rotation: undefined }, lifecycle: {}, attempts: {}, auditDevices: {}, auditChains: {} },
        ...{ wrapped: {}, wrappingJwt: {} },
      } as unknown as SystemCoreParts);
      const routes = {
        ...mountRoutes(core),
        ...remountRoutes(core),
        ...namespaceRoutes(core),
        ...policyRoutes(core),
      };
      return Object.fromEntries(
        Object.entries(routes).map(([pattern, route]) => [pattern, { ...route, inNamespaces: true }]),
      );
    },
    sweep({ isOurs, sweepMount, tokens, policies }) {
      makeMountSweeps({
        catalog,
        isOurs,
        sweep: ({ namespace, uuid }, signal) => sweepMount(namespace, uuid, signal),
        async sweepNamespace(id, signal) {
          await tokens.endAll(id, signal);
          await policies.forget(id);
          await makeSettingsStore(catalog).forget(id);
        },
        after: clock.after,
        fault,
      }).start();
    },
  };
}

/** What a cluster begins with. Safe to repeat. */
export async function addFirstMounts(catalog: Catalog, mounts: readonly Mount[]): Promise<void> {
  for (const mount of mounts)
    if (!catalog.entries('mounts').has(mount.uuid)) await catalog.change(addMount, mount);
}
