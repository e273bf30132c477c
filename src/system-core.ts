/**
 * What the system engine asks of the rest of the program, put together from the parts.
 *
 * @module
 */
import { failedLoginsId, LOCKED_INDEX, unlockUser } from './auth/login/lockout.ts';
import type { Tokens } from './auth/token/tokens.ts';
import type { WrappedReplies } from './auth/token/wrapped-replies.ts';
import type { WrappingJwt } from './auth/token/wrapping-jwt.ts';
import type { Catalog } from './cluster/catalog.ts';
import type { Lifecycle } from './cluster/opening-interface.ts';
import type { SystemCore } from './engines/system/core.ts';
import type { Claims, Cluster } from './model/actor.ts';
import type { ClusterControl } from './model/cluster-control.ts';
import type { Engine } from './model/engine.ts';
import { LOCKED_USERS_MAX } from './model/limits.ts';
import type { Mount } from './model/mount.ts';
import { actorAt } from './pipeline/actor-at.ts';
import type { AuditDevices } from './pipeline/audit-devices.ts';
import type { Authority } from './pipeline/authority.ts';
import { addMount, type MountTable, removeMount, tuneMount } from './pipeline/mount-table.ts';
import type { PolicyStore } from './pipeline/policy-store.ts';
import type { Resolver } from './pipeline/resolve.ts';
import { makeSettingsStore } from './pipeline/settings-store.ts';
import type { Seal } from './seal/seal.ts';

export interface SystemCoreParts {
  readonly seal: Seal;
  readonly lifecycle: Lifecycle;
  readonly actors: Cluster;
  readonly catalog: Catalog;
  readonly mounts: MountTable;
  readonly policies: PolicyStore;
  readonly tokens: Tokens;
  readonly authority: Authority;
  readonly resolver: Resolver;
  readonly auditDevices: AuditDevices;
  readonly wrapped: WrappedReplies;
  readonly wrappingJwt: WrappingJwt;
  readonly secretTypes: readonly string[];
  readonly authTypes: readonly string[];
  engineOf(mount: Mount): Engine | undefined;
  readonly node: SystemCore['node'];
  /** Absent: this server runs alone. */
  readonly cluster?: ClusterControl;
}

export function makeSystemCore(parts: SystemCoreParts): SystemCore {
  const { seal, lifecycle, catalog, mounts, policies, tokens, authority, auditDevices } = parts;
  const { wrapped, wrappingJwt } = parts;
  return {
    seal: {
      status: lifecycle.status,
      init: lifecycle.init,
      unseal: lifecycle.unseal,
      reset: lifecycle.reset,
      seal: (nodeOnly) => lifecycle.seal({ nodeOnly, isRequest: true }),
      rotate: lifecycle.rotate,
      keyStatus: () => seal.keyStatus(),
    },
    mounts: {
      current: mounts.current,
      all: mounts.all,
      at: mounts.at,
      find: mounts.find,
      enable: (mount: Mount, claims: Claims) => catalog.change(addMount, mount, claims),
      tune(change, claims) {
        const from = mounts.all().find(({ uuid }) => uuid === change.uuid);
        return catalog.change(tuneMount, { ...change, from }, claims);
      },
      async disable(uuid, claims) {
        await catalog.change(removeMount, { uuid }, claims);
      },
    },
    types: { secret: parts.secretTypes, auth: parts.authTypes, engineOf: parts.engineOf },
    policies,
    access: {
      aclOf(names) {
        const acl = authority.aclOf(names);
        return {
          // Asked with the spelling that a request for this path would be judged by.
          capabilities: (path) => acl.capabilities(parts.resolver.resolve(path).path),
          touches: (prefix) => acl.touches(prefix),
          resultant: () => acl.resultant(),
        };
      },
      stateOfToken: (token) => tokens.stateOf(tokens.accessorOf(token)),
      stateOfAccessor: (accessor) => tokens.stateOf(accessor),
    },
    audit: auditDevices,
    settings: makeSettingsStore(catalog),
    lockouts: {
      locked: ({ uuid }) => parts.actors.index(LOCKED_INDEX, uuid, LOCKED_USERS_MAX),
      unlock: (mount, name, options) =>
        parts.actors.send(unlockUser, failedLoginsId(mount, name), undefined, options),
    },
    wrapping: {
      look: (token) => wrapped.look(wrappingJwt.tokenIn(token)),
      take(token, asker) {
        const inner = token === '' ? asker.caller.token : wrappingJwt.tokenIn(token);
        const isOwn = tokens.accessorOf(inner) === asker.caller.accessor;
        return isOwn ? wrapped.own(asker.caller) : wrapped.take(inner, asker);
      },
      rewrap(token, asker) {
        const inner = token === '' ? asker.caller.token : wrappingJwt.tokenIn(token);
        return wrapped.rewrap(inner, asker.request.wrapTtlSeconds, asker);
      },
    },
    node: parts.node,
    cluster: parts.cluster,
    actorAt: (path, caller) => actorAt(parts.resolver, path, caller),
  };
}
