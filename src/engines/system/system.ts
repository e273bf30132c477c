/**
 * The system engine, mounted at `sys/`: seal, mounts, policies, audit, and what clients ask before anything else.
 *
 * @module
 */
import { type Engine, engine, type Route } from '../../model/engine.ts';
import { auditRoutes } from './audit.ts';
import { auditChainRoutes } from './audit-chains.ts';
import { auditHeaderRoutes } from './audit-headers.ts';
import { auditSearchRoutes } from './audit-search.ts';
import { capabilityRoutes } from './capabilities.ts';
import { clusterRoutes } from './cluster.ts';
import type { SystemCore } from './core.ts';
import { corsRoutes } from './cors.ts';
import { counterRoutes } from './counters.ts';
import { countersConfigRoutes } from './counters-config.ts';
import { factRoutes } from './facts.ts';
import { generateRootRoutes } from './generate-root.ts';
import { healthRoutes } from './health.ts';
import { inspectRoutes } from './inspect.ts';
import { internalUiRoutes } from './internal-ui.ts';
import { kvSearchRoutes } from './kv-search.ts';
import { leaseCountRoutes } from './lease-counts.ts';
import { leaseRoutes } from './leases.ts';
import { lockedUsersRoutes } from './locked-users.ts';
import { loggerRoutes, monitorRoutes } from './loggers.ts';
import { authRoutes, mountRoutes } from './mounts.ts';
import { namespaceRoutes } from './namespaces.ts';
import { nodeRoutes } from './node.ts';
import { passwordPolicyRoutes } from './password-policies.ts';
import { pluginRoutes } from './plugins.ts';
import { policyRoutes } from './policies.ts';
import { policyExplainRoutes } from './policy-explain.ts';
import { pprofRoutes } from './pprof.ts';
import { quotaRoutes } from './quotas.ts';
import { rawRoutes } from './raw.ts';
import { rekeyRoutes } from './rekey.ts';
import { remountRoutes } from './remount.ts';
import { removalRoutes } from './removals.ts';
import { rotationRoutes } from './rotation.ts';
import { sealRoutes } from './seal.ts';
import { specRoutes } from './specs.ts';
import { toolRoutes } from './tools.ts';
import { uiHeaderRoutes } from './ui-headers.ts';
import { wrappingRoutes } from './wrapping.ts';

/** What each namespace has of its own. All else is the cluster's, or a node's, and is served in the root namespace alone. */
function inNamespaces(routes: Record<string, Route>): Record<string, Route> {
  return Object.fromEntries(
    Object.entries(routes).map(([pattern, route]) => [pattern, { ...route, inNamespaces: true }]),
  );
}

/** Vault's policies let everybody ask for these; nothing is there, as in a Vault whose storage is not raft. */
const NOTHING: Record<string, Route> = {
  'storage/raft/bootstrap/challenge': { open: true },
  'storage/raft/bootstrap/answer': { open: true },
};

export function makeSystem(core: SystemCore): Engine {
  return engine('system', 'The server itself: seal, mounts, policies, audit devices, health.', {
    ...sealRoutes(core),
    ...rotationRoutes(core),
    ...generateRootRoutes(core),
    ...rekeyRoutes(core),
    ...healthRoutes(core),
    ...auditRoutes(core),
    ...auditChainRoutes(core),
    ...auditSearchRoutes(core),
    ...auditHeaderRoutes(core),
    ...nodeRoutes(core),
    ...removalRoutes(core),
    ...loggerRoutes(core),
    ...monitorRoutes(core),
    ...pprofRoutes(core),
    ...rawRoutes(core),
    ...inspectRoutes(core),
    ...corsRoutes(core),
    ...quotaRoutes(core),
    ...leaseCountRoutes(core),
    ...uiHeaderRoutes(core),
    ...counterRoutes(core),
    ...countersConfigRoutes(core),
    ...factRoutes(core),
    ...pluginRoutes(core),
    ...clusterRoutes(core),
    ...NOTHING,
    ...inNamespaces({
      ...mountRoutes(core),
      ...authRoutes(core),
      ...remountRoutes(core),
      ...policyRoutes(core),
      ...passwordPolicyRoutes(core),
      ...capabilityRoutes(core),
      ...policyExplainRoutes(core),
      ...internalUiRoutes(core),
      ...specRoutes(core),
      ...kvSearchRoutes(core),
      ...lockedUsersRoutes(core),
      ...leaseRoutes(core),
      ...namespaceRoutes(core),
      ...wrappingRoutes(core),
      ...toolRoutes(),
    }),
  });
}
