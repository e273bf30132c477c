/**
 * The real mount table, namespaces and their sweeps in a simulated node, and the routes that change them.
 *
 * @module
 */
import type { Tokens } from '../../src/auth/token/tokens.ts';
import type { Catalog } from '../../src/cluster/catalog.ts';
import type { SystemCore } from '../../src/engines/system/core.ts';
import { mountRoutes } from '../../src/engines/system/mounts.ts';
import { namespaceRoutes } from '../../src/engines/system/namespaces.ts';
import { policyRoutes } from '../../src/engines/system/policies.ts';
import { remountRoutes } from '../../src/engines/system/remount.ts';
import type { Claims } from '../../src/model/actor.ts';
import type { Engine, Route } from '../../src/model/engine.ts';
import type { Mount } from '../../src/model/mount.ts';
import { makeMountSweeps } from '../../src/pipeline/mount-sweeps.ts';
import {
  addMount,
  type MountTable,
  type Moving,
  makeMountTable,
  moveMount,
} from '../../src/pipeline/mount-table.ts';
import {
  addNamespace,
  makeNamespaces,
  type Namespaces,
  type NewNamespace,
  removeNamespace,
} from '../../src/pipeline/namespaces.ts';
import type { PolicyStore } from '../../src/pipeline/policy-store.ts';
import { makeSettingsStore } from '../../src/pipeline/settings-store.ts';
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
  sweep(parts: SweepParts & { readonly tokens: Tokens; readonly policies: PolicyStore }): void;
}

export interface CoreParts {
  readonly policies: PolicyStore;
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
    routes({ policies, engineOf }) {
      const parts: Pick<SystemCore, 'policies'> & { mounts: unknown; namespaces: unknown } = {
        policies: policies.of,
        mounts: (id: string) => ({
          ...mounts.of(id),
          enable: (mount: Mount, claims: Claims) => catalog.change(addMount, mount, claims),
          move: (change: Omit<Moving, 'from'>, claims: Claims) =>
            catalog.change(moveMount, { ...change, from: mounts.byUuid(change.uuid) }, claims),
        }),
        namespaces: {
          ...namespaces,
          add: (added: NewNamespace, claims: Claims) => catalog.change(addNamespace, added, claims),
          remove: (id: string, claims: Claims) =>
            catalog.change(removeNamespace, { id, atMs: clock.wallMs() }, claims),
        },
      };
      // Of what else there is nothing is asked for here.
      const types = { secret: ['kv'], auth: [], engineOf };
      const core = { ...parts, types, node: { maxLeaseTtl: MAX_LEASE_TTL_S } } as unknown as SystemCore;
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
