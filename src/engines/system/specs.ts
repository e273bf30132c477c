/**
 * The API described by itself (contract §2.12).
 *
 * @module
 */
import { type Engine, operation, type Route } from '../../model/engine.ts';
import { type Namespace, ROOT_NAMESPACE } from '../../model/namespace.ts';
import { openApiOfMounts } from '../../model/openapi.ts';
import * as p from '../../model/params.ts';
import type { SystemCore } from './core.ts';
import { visibleMounts } from './internal-ui.ts';

/** Below the root namespace the system engine serves but some of its table. */
function servedIn(namespace: Namespace, engine: Engine): Engine {
  if (namespace === ROOT_NAMESPACE || engine.type !== 'system') return engine;
  const routes = Object.entries(engine.routes).filter(([, { inNamespaces }]) => inNamespaces);
  return { ...engine, routes: Object.fromEntries(routes) };
}

export function specRoutes(core: SystemCore): Record<string, Route> {
  return {
    'internal/specs/openapi': {
      open: 'token welcome',
      read: operation({
        summary: 'Describes the API of the mounts that the caller may see, in OpenAPI 3.0.2.',
        params: {
          generic_mount_paths: p.bool('Mounts stand in the paths as a parameter.', { absent: false }),
          context: p.string('Ignored.'),
        },
        run: ({ generic_mount_paths }, ctx) => {
          const served = visibleMounts(core, ctx).flatMap((mount) => {
            const engine = core.types.engineOf(mount);
            return engine ? [{ mount, engine: servedIn(ctx.namespace, engine) }] : [];
          });
          return { bare: openApiOfMounts(served, generic_mount_paths) };
        },
      }),
    },
  };
}
