/**
 * What a request is authorized by, as other nodes are told (protocol §8).
 *
 * @module
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { makeTokenActor, tokenId } from '../../src/auth/token/token-actor.ts';
import { makeTokens } from '../../src/auth/token/tokens.ts';
import { makeCatalog } from '../../src/cluster/catalog.ts';
import { rootToken } from '../../src/founding.ts';
import { OWN_CLAIMS } from '../../src/model/actor.ts';
import { makeAuthority } from '../../src/pipeline/authority.ts';
import { makePolicyStore } from '../../src/pipeline/policy-store.ts';
import { PLAIN_NAMES, startCluster } from '../support/cluster.ts';
import { makeMemoryStorage } from '../support/memory-storage.ts';

test('a request rests on its token, all its ancestors, and on what of the catalog is applied', async (t) => {
  const storage = makeMemoryStorage();
  const actor = makeTokenActor(async () => {});
  const catalog = makeCatalog({ cluster: () => cluster, storage, names: PLAIN_NAMES });
  const cluster = startCluster(storage, [actor.kind, catalog.kind]);
  t.after(() => cluster.stop());
  await catalog.load();
  const policies = makePolicyStore(catalog);
  const accessorKey = () => Buffer.alloc(32, 1);
  const tokens = makeTokens({ actor, cluster, accessorKey, now: Date.now, randomBytes });
  const authority = makeAuthority(tokens, catalog, policies.parsed, assert.fail);
  const create = (parent: string | undefined) =>
    tokens.create({ ...rootToken(), parent }, undefined, { claims: OWN_CLAIMS, namespace: 'root' });
  const root = await create(undefined);
  const parent = await create(root.accessor);
  const child = await create(parent.accessor);

  const caller = (await authority.authenticate(child.token))!;
  const chain = [child, parent, root].map(({ accessor }) => tokenId(accessor));
  assert.deepEqual(authority.basis(caller), { actors: chain, sections: [0, 0, 0, 0] });
  assert.deepEqual(authority.basis(undefined), { actors: [], sections: [0, 0, 0, 0] });

  await policies.of('root').put('p', 'path "a" { capabilities = ["read"] }', OWN_CLAIMS);
  assert.deepEqual(authority.basis(caller).sections, [0, 1, 0, 0]);
  const orphan = (await authority.authenticate(root.token))!;
  assert.deepEqual(authority.basis(orphan).actors, [tokenId(root.accessor)]);
});
