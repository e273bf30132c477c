/**
 * What the system engine asks of the rest of the program, put together from the parts.
 *
 * @module
 */
import { failedLoginsId, LOCKED_INDEX, unlockUser } from './auth/login/lockout.ts';
import type { Acl as RuleAcl } from './auth/policies/acl.ts';
import { makeLeaseIds } from './auth/token/lease-ids.ts';
import { makeTokenLeases } from './auth/token/leases.ts';
import type { Tokens } from './auth/token/tokens.ts';
import type { WrappedReplies } from './auth/token/wrapped-replies.ts';
import type { WrappingJwt } from './auth/token/wrapping-jwt.ts';
import type { Catalog } from './cluster/catalog.ts';
import type { Lifecycle } from './cluster/opening-interface.ts';
import { searchKv } from './engines/kv/kv.ts';
import type { Acl, SystemCore } from './engines/system/core.ts';
import type { Claims, Cluster } from './model/actor.ts';
import type { ClusterControl } from './model/cluster-control.ts';
import type { Engine } from './model/engine.ts';
import { LOCKED_USERS_MAX } from './model/limits.ts';
import type { Mount } from './model/mount.ts';
import type { Namespace } from './model/namespace.ts';
import type { Anchored, QuotaScope } from './model/quotas.ts';
import { actorAt } from './pipeline/actor-at.ts';
import type { AuditChains } from './pipeline/audit-chains.ts';
import type { AuditDevices } from './pipeline/audit-devices.ts';
import type { Authority } from './pipeline/authority.ts';
import { explainSeenFrom, mayAsk } from './pipeline/explain-access.ts';
import type { LeaseCounts } from './pipeline/lease-counts.ts';
import { goneNamespacesOf, sweepsOf } from './pipeline/mount-entries.ts';
import { addMount, type MountTable, moveMount, removeMount, tuneMount } from './pipeline/mount-table.ts';
import { addNamespace, type Namespaces, removeNamespace, tuneNamespace } from './pipeline/namespaces.ts';
import type { PolicyStore } from './pipeline/policy-store.ts';
import { quotaNow } from './pipeline/quota-scopes.ts';
import type { Resolver } from './pipeline/resolve.ts';
import { makeSettingsStore } from './pipeline/settings-store.ts';
import type { Seal } from './seal/seal.ts';

export interface SystemCoreParts {
  readonly seal: Seal;
  readonly lifecycle: Lifecycle;
  readonly attempts: SystemCore['attempts'];
  readonly actors: Cluster;
  readonly catalog: Catalog;
  now(): number;
  readonly mounts: MountTable;
  readonly namespaces: Namespaces;
  readonly policies: PolicyStore;
  readonly tokens: Tokens;
  readonly authority: Authority;
  readonly resolver: Resolver;
  readonly auditDevices: AuditDevices;
  readonly auditChains: AuditChains;
  readonly wrapped: WrappedReplies;
  readonly wrappingJwt: WrappingJwt;
  readonly leaseCounts: Pick<LeaseCounts, 'count'>;
  readonly secretTypes: readonly string[];
  readonly authTypes: readonly string[];
  engineOf(mount: Mount): Engine | undefined;
  readonly node: SystemCore['node'];
  readonly logs: SystemCore['logs'];
  readonly profiles: SystemCore['profiles'];
  readonly raw: SystemCore['raw'];
  /** Absent: this server runs alone. */
  readonly cluster?: ClusterControl;
}

export function makeSystemCore(parts: SystemCoreParts): SystemCore {
  const { namespaces, seal, lifecycle, catalog, mounts, policies, tokens, authority, auditDevices } = parts;
  const { wrapped, wrappingJwt } = parts;
  const settings = makeSettingsStore(catalog);
  const leases = makeTokenLeases(
    tokens,
    makeLeaseIds(() => seal.barrier.derive('token lease')),
  );
  return {
    seal: {
      status: lifecycle.status,
      init: lifecycle.init,
      unseal: lifecycle.unseal,
      reset: lifecycle.reset,
      seal: (nodeOnly) => lifecycle.seal({ nodeOnly, isRequest: true }),
      rotate: lifecycle.rotate,
      keyStatus: () => seal.keyStatus(),
      rotation: seal.rotation,
      changeRotation: seal.changeRotation,
    },
    attempts: parts.attempts,
    mounts: (namespaceId) => ({
      ...mounts.of(namespaceId),
      enable: (mount: Mount, claims: Claims) => catalog.change(addMount, mount, claims),
      tune: (change, claims) =>
        catalog.change(tuneMount, { ...change, from: mounts.byUuid(change.uuid) }, claims),
      move: (change, claims) =>
        catalog.change(moveMount, { ...change, from: mounts.byUuid(change.uuid) }, claims),
      async disable(uuid, claims) {
        await catalog.change(removeMount, { uuid, atMs: parts.now() }, claims);
      },
    }),
    namespaces: {
      below: namespaces.below,
      children: namespaces.children,
      current: namespaces.current,
      descend: namespaces.descend,
      add: (added, claims) => catalog.change(addNamespace, added, claims),
      tune: (change, claims) => catalog.change(tuneNamespace, change, claims),
      remove: (id, claims) => catalog.change(removeNamespace, { id, atMs: parts.now() }, claims),
    },
    types: { secret: parts.secretTypes, auth: parts.authTypes, engineOf: parts.engineOf },
    policies: policies.of,
    access: {
      aclOf: ({ namespace, state }, from) =>
        aclSeenFrom(from, namespace, authority.aclOf(namespace, state.policies), parts.resolver),
      mayAsk: (caller, from) => mayAsk(caller, from, authority, parts.resolver),
      accessorOf: tokens.accessorOf,
      isBelow: (above, id) => parts.resolver.below(above, id) !== undefined,
      stateOf: tokens.stateOf,
      countTokens: async (namespace) => (await tokens.accessors(namespace)).length,
    },
    audit: auditDevices,
    settings,
    auditChains: parts.auditChains,
    leases: {
      ...leases,
      async find(id, namespaceId) {
        const state = (await leases.find(id, namespaceId))?.state;
        return (
          state && {
            issuedAtMs: state.createdAtMs,
            expiresAtMs: state.expiresAtMs!,
            renewedAtMs: state.renewedAtMs,
            renewable: state.renewable,
          }
        );
      },
    },
    async removals() {
      const entries = await catalog.current('mounts');
      return {
        mounts: sweepsOf(entries).map(({ uuid, path = '', type = '', sinceMs, removed = 0 }) => ({
          id: uuid,
          path,
          type,
          sinceMs,
          removed,
        })),
        namespaces: goneNamespacesOf(entries).map(({ id, path, sinceMs, removed = 0 }) => ({
          id,
          path,
          sinceMs,
          removed,
        })),
      };
    },
    countLeases: parts.leaseCounts.count,
    lockouts: {
      locked: ({ uuid }) => parts.actors.index(LOCKED_INDEX, uuid, LOCKED_USERS_MAX),
      unlock: (mount, name, options) =>
        parts.actors.send(unlockUser, failedLoginsId(mount, name), undefined, options),
    },
    wrapping: {
      look: (token, namespaceId) => wrapped.look(wrappingJwt.tokenIn(token), namespaceId),
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
    logs: parts.logs,
    profiles: parts.profiles,
    raw: parts.raw,
    cluster: parts.cluster,
    placeOf(path) {
      const { mount, namespace, asked } = parts.resolver.resolve(path, true, '');
      return namespace && (mount || asked === '') ? { namespace, mount } : undefined;
    },
    async quotas(prefix) {
      const quotas = new Map<string, QuotaScope>();
      for (const [name, kept] of await settings.all(prefix)) {
        const quota = quotaNow(kept as Anchored<QuotaScope>, { mounts, namespaces });
        if (quota) quotas.set(name, quota);
      }
      return quotas;
    },
    actorAt: (path, caller) => actorAt(parts.resolver, path, caller),
    searchKv,
  };
}

/** Asked with the spelling, and in the namespace, by which a request for this path would be judged. @param of - whose policies they are */
function aclSeenFrom(from: Namespace, of: string, acl: RuleAcl, resolver: Resolver): Acl {
  return {
    capabilities(path) {
      const { namespace, path: canonical } = resolver.resolve(path, false, from.path.slice(0, -1));
      const prefix = namespace && resolver.prefixFrom(of, namespace);
      return prefix === undefined ? ['deny'] : acl.capabilities(prefix + canonical);
    },
    touches(path) {
      const prefix = resolver.prefixFrom(of, from);
      return prefix !== undefined && acl.touches(prefix + path);
    },
    resultant: () => acl.resultant(),
    explain: (asked) => explainSeenFrom(from, of, acl, resolver, asked),
  };
}
