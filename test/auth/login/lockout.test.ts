import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  failedLogins,
  failedLoginsId,
  LOCKED_INDEX,
  underLockout,
  unlockUser,
} from '../../../src/auth/login/lockout.ts';
import { OWN_CLAIMS } from '../../../src/model/actor.ts';
import type { Mount } from '../../../src/model/mount.ts';
import type { Request } from '../../../src/model/request.ts';
import { startCluster } from '../../support/cluster.ts';
import { makeMemoryStorage } from '../../support/memory-storage.ts';

const DENIED = { code: 'permission_denied' };

function make(tuned?: Record<string, unknown>) {
  const clock = { ms: 1_000_000_000 };
  const storage = makeMemoryStorage();
  const start = () => startCluster(storage, [failedLogins], () => clock.ms);
  const world = { cluster: start(), mount: mountWith(tuned) };
  const guess = (right: boolean, name = 'bob') =>
    underLockout(anew(world), name, async () => (right ? 'in' : undefined));
  return {
    clock,
    guess,
    world,
    locked: () => world.cluster.index(LOCKED_INDEX, 'm', 10),
    restart() {
      world.cluster = start();
    },
  };
}

/** As another request. */
const anew = <T extends object>(world: T) => ({ ...world, request: {} as Request });

function mountWith(user_lockout_config: Record<string, unknown> | undefined): Mount {
  const config = { default_lease_ttl: 0, max_lease_ttl: 0, force_no_cache: false, user_lockout_config };
  return { namespace: 'root', uuid: 'm', config } as unknown as Mount;
}

test('five failures lock a name for fifteen minutes; the right password does not help', async () => {
  const { clock, guess, locked } = make();
  for (let i = 0; i < 5; i++) assert.equal(await guess(false), undefined);
  await assert.rejects(guess(true), DENIED);
  assert.deepEqual(await locked(), ['bob']);
  assert.equal(await guess(true, 'alice'), 'in');
  clock.ms += 900_000 - 1;
  await assert.rejects(guess(true), DENIED);
  clock.ms += 1;
  assert.equal(await guess(true), 'in');
  assert.deepEqual(await locked(), []);
});

test('a locked name is not even checked', async () => {
  const { guess, world } = make();
  for (let i = 0; i < 5; i++) await guess(false);
  await assert.rejects(
    underLockout(anew(world), 'bob', async () => assert.fail('checked')),
    DENIED,
  );
});

test('a success forgets the failures; a failure is forgotten when its time is over', async () => {
  const { clock, guess } = make();
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 4; i++) await guess(false);
    assert.equal(await guess(true), 'in');
  }
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 4; i++) await guess(false);
    clock.ms += 900_000;
  }
  assert.equal(await guess(true), 'in');
});

test('of guesses made at once none is settled as right once the count is full', async () => {
  const { world, locked } = make();
  const doors: PromiseWithResolvers<string | undefined>[] = [];
  const guesses = Array.from({ length: 30 }, () => {
    const door = Promise.withResolvers<string | undefined>();
    doors.push(door);
    return underLockout(anew(world), 'bob', () => door.promise);
  });
  const outcomes = Promise.allSettled(guesses);
  // All were let in before any was settled; the right one is the last.
  doors.forEach((door, index) => void door.resolve(index === 29 ? 'in' : undefined));
  const settled = await outcomes;
  assert.equal(settled.filter(({ status }) => status === 'fulfilled').length, 5);
  assert.equal(settled.at(-1)!.status, 'rejected');
  assert.deepEqual(await locked(), ['bob']);
});

test('a request that was let in and begins anew is let in, and proves nothing twice', async () => {
  const { guess, world } = make();
  const request = anew(world);
  const proven = { user: 'bob' };
  assert.equal(await underLockout(request, 'bob', async () => proven), proven);
  for (let i = 0; i < 5; i++) await guess(false);
  await assert.rejects(guess(true), DENIED);
  const again = () => Promise.reject(new Error('asked to prove it again'));
  assert.equal(await underLockout(request, 'bob', again), proven);
  // Neither another name nor another mount's.
  assert.equal(await underLockout(request, 'alice', async () => undefined), undefined);
  const elsewhere = { ...request, mount: { ...request.mount, uuid: 'm2' } };
  assert.equal(await underLockout(elsewhere, 'bob', async () => undefined), undefined);
});

test('the count outlives the process', async () => {
  const { guess, restart } = make();
  for (let i = 0; i < 3; i++) await guess(false);
  restart();
  for (let i = 0; i < 2; i++) await guess(false);
  restart();
  await assert.rejects(guess(true), DENIED);
});

test('a mount says how often and how long, or that nobody is locked out', async () => {
  const tuned = make({ user_lockout_threshold: 2, user_lockout_duration: 10 });
  for (let i = 0; i < 2; i++) await tuned.guess(false);
  await assert.rejects(tuned.guess(true), DENIED);
  tuned.clock.ms += 10_000;
  assert.equal(await tuned.guess(true), 'in');

  const off = make({ user_lockout_disable: true });
  for (let i = 0; i < 20; i++) await off.guess(false);
  assert.equal(await off.guess(true), 'in');
});

test('unlocking lets in at once', async () => {
  const { guess, world, locked } = make();
  for (let i = 0; i < 5; i++) await guess(false);
  await world.cluster.send(unlockUser, failedLoginsId(world.mount, 'bob'), undefined, { claims: OWN_CLAIMS });
  assert.deepEqual(await locked(), []);
  assert.equal(await guess(true), 'in');
});
