/**
 * What a new store begins with: the core mounts, the policy `default`, the cluster's name and id, and the first root token.
 *
 * @module
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { DEFAULT_POLICY_TEXT } from './auth/policies/built-in.ts';
import { ROOT_PATH } from './auth/token/token-actor.ts';
import type { Tokens } from './auth/token/tokens.ts';
import type { Catalog } from './cluster/catalog.ts';
import { OWN_CLAIMS } from './model/actor.ts';
import type { NewToken } from './model/caller.ts';
import { CORE_MOUNTS, type Mount } from './model/mount.ts';
import { THIS_VERSION } from './model/settings.ts';
import { putSetting } from './pipeline/lifecycle.ts';
import { addMount } from './pipeline/mount-table.ts';
import type { PolicyStore } from './pipeline/policy-store.ts';
import { noteVersion } from './pipeline/version-note.ts';

/** @returns the root token. */
export async function foundCluster(
  catalog: Catalog,
  tokens: Tokens,
  policies: PolicyStore,
  clusterName: string | undefined,
  nowMs: number,
): Promise<string> {
  for (const mount of CORE_MOUNTS) await catalog.change(addMount, newMount(mount));
  await policies.of('root').put('default', DEFAULT_POLICY_TEXT, OWN_CLAIMS);
  const name = clusterName ?? `vault-cluster-${randomBytes(4).toString('hex')}`;
  await catalog.change(putSetting, { key: 'cluster', value: { name, id: randomUUID() } });
  await catalog.change(noteVersion, { key: THIS_VERSION, atMs: nowMs });
  return (await tokens.create(rootToken(), undefined, { claims: OWN_CLAIMS, namespace: 'root' })).token;
}

/** A root token: no parent, no end. */
export function rootToken(): NewToken {
  return {
    parent: undefined,
    policies: ['root'],
    meta: null,
    displayName: 'root',
    usesLeft: undefined,
    numUses: 0,
    type: 'service',
    path: ROOT_PATH,
    ttl: 0,
    explicitMaxTtl: 0,
    period: 0,
    renewable: false,
    noDefaultPolicy: false,
  };
}

/** A mount with everything at its default. */
export function newMount(of: Pick<Mount, 'path' | 'type' | 'description'> & Partial<Mount>): Mount {
  return {
    class: 'secret',
    uuid: randomUUID(),
    accessor: `${of.class === 'auth' ? 'auth_' : ''}${of.type}_${randomBytes(4).toString('hex')}`,
    namespace: 'root',
    config: { default_lease_ttl: 0, max_lease_ttl: 0, force_no_cache: false },
    options: null,
    local: false,
    seal_wrap: false,
    external_entropy_access: false,
    settings: {},
    ...of,
  };
}
