import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { appRoleKinds } from '../../../src/auth/approle/kinds.ts';
import { appRoleId, changeRole } from '../../../src/auth/approle/role.ts';
import { claimedRoleIdOf, claimRoleId, releaseRoleId, roleOfId } from '../../../src/auth/approle/role-ids.ts';
import { OWN_CLAIMS } from '../../../src/model/actor.ts';
import type { RouteContext } from '../../../src/model/engine.ts';
import { startCluster } from '../../support/cluster.ts';
import { makeMemoryStorage } from '../../support/memory-storage.ts';

const OWN = { claims: OWN_CLAIMS };
const IN_USE = /role_id already in use/;

function make() {
  const clock = { ms: 1_000_000 };
  const cluster = startCluster(makeMemoryStorage(), appRoleKinds, () => clock.ms);
  const mount = { namespace: 'root', uuid: 'm' };
  const ctx = { cluster, mount, now: () => clock.ms, randomBytes } as unknown as RouteContext;
  return {
    clock,
    claim: (roleId: string, role: string) => claimRoleId(ctx, roleId, role),
    release: (held: { roleId: string; claim: string }) => releaseRoleId(ctx, held),
    holder: (roleId: string) =>
      cluster.send(roleOfId, claimedRoleIdOf(mount as never, roleId), undefined, OWN),
    take: (role: string, held: { roleId: string; claim: string }) =>
      cluster.send(
        changeRole,
        appRoleId(mount, role),
        { sent: {}, isWhole: true, offered: { ...held, generation: 'g' }, maxTtl: 0 },
        OWN,
      ),
  };
}

test('what a request that broke off has claimed is free again when it can be under way no more', async () => {
  const { clock, claim, holder } = make();
  await claim('id', 'a');
  clock.ms += 5 * 60_000;
  await assert.rejects(claim('id', 'b'), IN_USE);
  clock.ms += 1;
  await claim('id', 'b');
  assert.equal(await holder('id'), 'b');
  await assert.rejects(claim('id', 'a'), IN_USE);
});

test('what a role has is never another’s, however old the claim is', async () => {
  const { clock, claim, take, holder } = make();
  await take('a', await claim('id', 'a'));
  clock.ms += 1e9;
  await assert.rejects(claim('id', 'b'), IN_USE);
  assert.equal(await holder('id'), 'a');
});

test('of two claims of one role the one let go leaves the other standing', async () => {
  const { claim, release, holder } = make();
  const [first, second] = [await claim('id', 'a'), await claim('id', 'a')];
  await release(second);
  await release(second);
  assert.equal(await holder('id'), 'a');
  await release(first);
  assert.equal(await holder('id'), undefined);
});

test('claims of one role on one role id are bounded', async () => {
  const { claim } = make();
  for (let n = 0; n < 64; n++) await claim('id', 'a');
  await assert.rejects(claim('id', 'a'), { code: 'overloaded' });
});
