import assert from 'node:assert/strict';
import { test } from 'node:test';
import { appRoleKinds } from '../../../src/auth/approle/kinds.ts';
import { appRoleId, changeRole, removeRole } from '../../../src/auth/approle/role.ts';
import {
  createSecretId,
  destroySecretId,
  type NewSecretId,
  secretId,
  secretIdId,
  secretIdState,
  useSecretId,
} from '../../../src/auth/approle/secret-ids.ts';
import { planSweep, sweepRole, tidySecretIds } from '../../../src/auth/approle/sweep.ts';
import { OWN_CLAIMS } from '../../../src/model/actor.ts';
import { startCluster } from '../../support/cluster.ts';
import { makeMemoryStorage } from '../../support/memory-storage.ts';

const PLACE = { namespace: 'root', uuid: 'm' };
const OWN = { claims: OWN_CLAIMS };

function make() {
  const clock = { ms: 1_000_000 };
  const storage = makeMemoryStorage();
  const cluster = startCluster(storage, appRoleKinds, () => clock.ms);
  const fresh = (more: Partial<NewSecretId> = {}): NewSecretId => ({
    usesLeft: 0,
    ttl: 0,
    lasts: 0,
    metadata: {},
    cidrs: [],
    tokenCidrs: [],
    ...more,
  });
  const idOf = (generation: string, accessor: string) => secretIdId(PLACE, generation, accessor);
  return {
    clock,
    cluster,
    storage,
    role: (name: string, generation: string) =>
      cluster.send(
        changeRole,
        appRoleId(PLACE, name),
        {
          sent: {},
          isWhole: true,
          offered: { roleId: name, claim: `claim of ${generation}`, generation },
          maxTtl: 3_600,
        },
        OWN,
      ),
    remove: (name: string, generation: string) =>
      cluster.send(removeRole, appRoleId(PLACE, name), { generation }, OWN),
    secret: (generation: string, accessor: string, more?: Partial<NewSecretId>) =>
      cluster.send(createSecretId, idOf(generation, accessor), fresh(more), OWN),
    look: (accessor: string) => cluster.send(secretIdState, idOf('g', accessor), undefined, OWN),
    use: (accessor: string) => cluster.send(useSecretId, idOf('g', accessor), undefined, OWN),
    destroy: (accessor: string) => cluster.send(destroySecretId, idOf('g', accessor), undefined, OWN),
    left: (generation: string) => cluster.list(secretId.kind, 'root', 'm', `${generation}/`),
    due: () => storage.paths('timer/').length,
    wake: (accessor: string) => secretId.onDue!(undefined, idOf('g', accessor), cluster),
  };
}

test('a secret id is over at its time, is taken away then, and stays over whatever the clock says next', async () => {
  const { clock, secret, look, use, wake, left, due } = make();
  await secret('g', 'a', { lasts: 1 });
  await secret('g', 'b', { lasts: 1, usesLeft: 3 });
  assert.equal(due(), 2);
  clock.ms += 999;
  await wake('a');
  assert(await look('a'));
  assert.equal(await use('b'), true);
  clock.ms += 1;
  assert.equal(await look('a'), undefined);
  assert.equal(await use('b'), false);
  await wake('a');
  clock.ms -= 500;
  assert.equal(await look('a'), undefined);
  assert.equal(await use('b'), false);
  assert.deepEqual(await left('g'), []);
  assert.equal(due(), 0);
});

test('it begins by the clock of its owner, and lasts so long from then on', async () => {
  const { clock, secret, look } = make();
  await secret('g', 'a', { ttl: 9, lasts: 4 });
  const { ms } = clock;
  const { createdAtMs, updatedAtMs, expiresAtMs } = (await look('a'))!;
  assert.deepEqual([createdAtMs, updatedAtMs, expiresAtMs], [ms, ms, ms + 4_000]);
  await secret('g', 'b', { ttl: 0 });
  assert.equal((await look('b'))?.expiresAtMs, undefined);
});

test('one that is over makes room for another of its name, and is none to end', async () => {
  const { clock, secret, destroy, look } = make();
  await secret('g', 'a', { lasts: 1 });
  await assert.rejects(secret('g', 'a'), /already registered/);
  clock.ms += 1_000;
  await secret('g', 'a', { ttl: 7 });
  assert.equal((await look('a'))?.ttl, 7);
  await secret('g', 'b', { lasts: 1 });
  clock.ms += 1_000;
  assert.equal(await destroy('b'), false);
});

test('uses are taken one by one, the last one with the secret id', async () => {
  const { secret, use, look, left } = make();
  await secret('g', 'a', { usesLeft: 2 });
  assert.deepEqual(await Promise.all([use('a'), use('a'), use('a')]), [true, true, false]);
  assert.equal(await look('a'), undefined);
  assert.deepEqual(await left('g'), []);
  await secret('g', 'b');
  for (let time = 0; time < 3; time++) assert.equal(await use('b'), true);
});

test('a sweep removes what a deleted role left, and nothing of the one that took its name', async () => {
  const { cluster, storage, role, remove, secret, left, due } = make();
  await role('app', 'g');
  for (let n = 0; n < 100; n++) await secret('g', `a${n}`);
  await planSweep(cluster, PLACE, 'app', 'g');
  // Nothing came of the deletion.
  await sweepRole(cluster, PLACE, 'app', 'g');
  assert.equal((await left('g')).length, 100);
  assert.equal(due(), 0);
  await planSweep(cluster, PLACE, 'app', 'g');
  assert.equal(due(), 1);
  await remove('app', 'g');
  await role('app', 'h');
  await secret('h', 'b');
  await sweepRole(cluster, PLACE, 'app', 'g');
  assert.deepEqual(await left('g'), []);
  assert.deepEqual(await left('h'), ['b']);
  assert.equal(due(), 0);
  assert.deepEqual(storage.paths('data/root/m/approle-sweep/'), []);
});

test('a role is removed only as the one that was meant', async () => {
  const { role, remove } = make();
  await role('app', 'g');
  await assert.rejects(remove('app', 'other'), { code: 'stale_claims' });
  assert.deepEqual(await remove('app', 'g'), { roleId: 'app', claim: 'claim of g' });
  assert.equal(await remove('app', 'g'), undefined);
});

test('tidying removes what is over and what no role has, and leaves the rest', async () => {
  const { clock, cluster, role, secret, left } = make();
  await role('app', 'g');
  await secret('g', 'good');
  await secret('g', 'over', { lasts: 1 });
  await secret('g', 'later', { lasts: 10 });
  await secret('nobodys', 'x');
  clock.ms += 1_000;
  await tidySecretIds(cluster, PLACE);
  assert.deepEqual(await left('g'), ['good', 'later']);
  assert.deepEqual(await left('nobodys'), []);
});
