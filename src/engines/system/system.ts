/**
 * The system engine, mounted at `sys/`: seal, mounts, policies, audit, and what clients ask before anything else.
 *
 * @module
 */
import { type Engine, engine } from '../../model/engine.ts';
import { auditRoutes } from './audit.ts';
import { capabilityRoutes } from './capabilities.ts';
import { clusterRoutes } from './cluster.ts';
import type { SystemCore } from './core.ts';
import { healthRoutes } from './health.ts';
import { internalUiRoutes } from './internal-ui.ts';
import { lockedUsersRoutes } from './locked-users.ts';
import { authRoutes, mountRoutes } from './mounts.ts';
import { nodeRoutes } from './node.ts';
import { passwordPolicyRoutes } from './password-policies.ts';
import { policyRoutes } from './policies.ts';
import { sealRoutes } from './seal.ts';
import { specRoutes } from './specs.ts';
import { toolRoutes } from './tools.ts';
import { wrappingRoutes } from './wrapping.ts';

export function makeSystem(core: SystemCore): Engine {
  return engine('system', 'The server itself: seal, mounts, policies, audit devices, health.', {
    ...sealRoutes(core),
    ...healthRoutes(core),
    ...mountRoutes(core),
    ...authRoutes(core),
    ...policyRoutes(core),
    ...passwordPolicyRoutes(core),
    ...capabilityRoutes(core),
    ...internalUiRoutes(core),
    ...specRoutes(core),
    ...auditRoutes(core),
    ...lockedUsersRoutes(core),
    ...wrappingRoutes(core),
    ...toolRoutes(),
    ...nodeRoutes(core),
    ...clusterRoutes(core),
  });
}
