import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Moved } from '../../../src/cluster/moved.ts';
import { actorKey } from '../../../src/model/actor.ts';
import {
  END_OWED_MS,
  GRANT_AGAIN_MS,
  GRANT_MS,
  HEARTBEAT_MS,
  UNREACHABLE_MS,
} from '../../../src/model/limits.ts';
import type { GrantsNode } from '../../support/grants-node.ts';
import { counterId, type GrantsWorld, makeGrantsWorld, shardOfId } from '../../support/grants-world.ts';

/** What the world's clocks, all of one rate, take σ for. */
const SIGMA = 1.05 / 0.95;
/** A message there and back, a turn, a commit. */
const SOON_MS = 30;

interface Scene {
  readonly world: GrantsWorld;
  readonly id: ReturnType<typeof counterId>;
  readonly key: string;
  readonly owner: GrantsNode;
  readonly holder: GrantsNode;
  readonly other: GrantsNode;
  /** Reads until there is something to read. */
  hold(node: GrantsNode): Promise<number>;
  /** How long the owner's change takes, ms. */
  change(): Promise<number>;
}

/** Three nodes that serve, one of which owns the actor. */
async function scene(name = 'a'): Promise<Scene> {
  const world = makeGrantsWorld({ seed: 1, isCalm: true });
  const id = counterId(name);
  const key = actorKey(id);
  await world.until(() =>
    world.nodes.every((node) => node.isInTime() && node.grants.unreachable().length === 0),
  );
  await world.run(2 * HEARTBEAT_MS);
  const owner = world.nodes.find((node) => node.owns(id))!;
  const [holder, other] = world.nodes.filter((node) => node !== owner);
  return {
    world,
    id,
    key,
    owner,
    holder: holder!,
    other: other!,
    async hold(node) {
      let state: number | undefined;
      await world.until(() => {
        state = node.read(id);
        return state !== undefined;
      }, 2_000);
      return state!;
    },
    async change() {
      const beganMs = world.scheduler.nowMs;
      let isDone = false;
      void owner.write(id).then((done) => {
        isDone = done;
      });
      await world.until(() => isDone, 5_000);
      return world.scheduler.nowMs - beganMs;
    },
  };
}

test('a holder answers without asking; a change is known to nobody before all have stopped', async () => {
  const { world, key, owner, holder, other, hold, change } = await scene();
  assert.equal(await hold(holder), 1);
  assert.equal(await hold(other), 1);
  assert.equal(owner.grants.counts().given, 2);
  const asked = owner.received('ask');
  await world.run(3 * GRANT_MS);
  assert.equal(holder.grants.peek(key)?.state, 1, 'heartbeats renew it');
  assert.equal(owner.received('ask'), asked);
  assert((await change()) < SOON_MS);
  assert.equal(holder.grants.peek(key), undefined);
  assert.equal(other.grants.peek(key), undefined);
  assert.equal(owner.grants.counts().given, 0);
  assert.equal(owner.grants.end(key), undefined, 'nobody to wait for');
  assert.equal(await hold(holder), 2);
});

test('those who ask at the same time share an answer; a replica that was kept says itself when it is good no more', async () => {
  const { world, id, key, owner, holder, hold, change } = await scene();
  await hold(owner);
  const asks = [holder.grants.ask(id), holder.grants.ask(id)];
  assert.equal(asks[0], asks[1]);
  await world.run(SOON_MS);
  const replica = holder.grants.peek(key)!;
  assert.equal(replica.version, 1);
  assert.equal(owner.received('ask'), 1);
  await change();
  assert.equal(replica.state, undefined);
});

test('a silent holder is waited for as long as it may answer, and no longer; then it has to ask anew', async () => {
  const { world, key, owner, holder, hold, change } = await scene();
  await hold(holder);
  holder.process.pause();
  const ms = await change();
  assert(ms > GRANT_MS - HEARTBEAT_MS, `${ms}`);
  assert(ms < SIGMA * GRANT_MS + SOON_MS, `${ms}`);
  assert.equal(owner.grants.counts().given, 0);
  holder.process.resume();
  assert.equal(holder.grants.peek(key), undefined, 'before anything has come');
  await world.run(2 * HEARTBEAT_MS);
  assert.equal(holder.grants.peek(key), undefined, 'a renewal is not meant for what was forgotten');
  assert.equal(await hold(holder), 2);
});

test('a holder that goes on beating without an answer is not renewed', async () => {
  const { world, key, owner, holder, hold, change } = await scene();
  await hold(holder);
  const unpin = holder.grants.pin([key]);
  const ms = await change();
  assert(ms > END_OWED_MS, `${ms}`);
  assert(ms < END_OWED_MS + HEARTBEAT_MS + SIGMA * GRANT_MS + SOON_MS, `${ms}`);
  const ended = owner.received('ended');
  unpin();
  await world.run(SOON_MS);
  assert.equal(owner.received('ended'), ended + 1, 'one answer, however often it was sent');
  assert.equal(await hold(holder), 2);
});

test('a holder that hears nothing for a while: what was forgotten meanwhile is not renewed', async () => {
  const { world, key, holder, hold, change } = await scene();
  await hold(holder);
  world.network.weather.lost = 1;
  await change();
  world.network.weather.lost = 0;
  await world.run(3 * HEARTBEAT_MS);
  assert.equal(holder.grants.peek(key), undefined);
  assert.equal(await hold(holder), 2);
});

test('an end that is lost is sent again as soon as its holder is heard', async () => {
  const { world, owner, key, holder, hold } = await scene();
  await hold(holder);
  let isEnded = false;
  world.network.weather.lost = 1;
  void owner.grants.end(key)!.then(() => {
    isEnded = true;
  });
  await world.run(1);
  world.network.weather.lost = 0;
  await world.until(() => isEnded, 2 * HEARTBEAT_MS + SOON_MS);
  assert(holder.received('end') <= 2);
});

test('who is no member any more is forgotten, once its time has run out', async () => {
  const { world, owner, holder, hold } = await scene();
  await hold(holder);
  const life = holder.inc();
  holder.process.pause();
  await world.until(() => !world.view().members.some(({ inc }) => inc === life), 3_000);
  await world.run(2 * HEARTBEAT_MS);
  assert.equal(owner.grants.counts().given, 0);
  holder.process.resume();
  assert.equal(await hold(holder), 1, 'in its next life it asks as anybody');
});

test('an end is answered when the last pin has gone', async () => {
  const { world, key, owner, holder, hold } = await scene();
  await hold(holder);
  const unpins = [holder.grants.pin([key]), holder.grants.pin([key, key])];
  let isEnded = false;
  void owner.grants.end(key)!.then(() => {
    isEnded = true;
  });
  await world.run(SOON_MS);
  assert.equal(holder.grants.peek(key), undefined, 'nothing new begins');
  assert.equal(holder.grants.goodUntilMs([key]), Number.NEGATIVE_INFINITY);
  unpins[0]!();
  unpins[0]!();
  await world.run(SOON_MS);
  assert(!isEnded);
  unpins[1]!();
  await world.run(SOON_MS);
  assert(isEnded);
});

test('own actors are pinned too, and give no authority while a change of them is under way', async () => {
  const { world, key, owner, hold } = await scene();
  await hold(owner);
  const { grants } = owner;
  assert(grants.goodUntilMs([key]) > owner.process.clock.monotonicMs());
  const unpin = grants.pin([key]);
  let isEnded = false;
  grants.block(key);
  void grants.end(key)!.then(() => {
    isEnded = true;
  });
  assert.equal(grants.goodUntilMs([key]), Number.NEGATIVE_INFINITY);
  let isReleased = false;
  void grants.whenReleased(['another', key])!.then(() => {
    isReleased = true;
  });
  await world.run(SOON_MS);
  assert(!isEnded && !isReleased);
  unpin();
  await world.run(1);
  assert(isEnded && !isReleased);
  grants.release(key);
  await world.run(1);
  assert(isReleased);
  assert.equal(grants.whenReleased([key]), undefined);
  assert(grants.goodUntilMs([key]) > owner.process.clock.monotonicMs());
});

test('nothing is granted while a change is under way, however many are', async () => {
  const { world, id, key, owner, holder, hold } = await scene();
  await hold(owner);
  owner.grants.block(key);
  owner.grants.block(key);
  owner.grants.release(key);
  void holder.grants.ask(id);
  await world.run(SOON_MS);
  assert.equal(holder.grants.peek(key), undefined);
  owner.grants.release(key);
  assert.equal(await hold(holder), 1);
});

test('a grant with a term of its own is good for no longer', async () => {
  const { world, key, owner, holder, hold } = await scene();
  owner.termMs = 300;
  await hold(holder);
  await world.run(300 / SIGMA - SOON_MS);
  assert.equal(holder.grants.peek(key)?.state, 1);
  await world.run(2 * SOON_MS);
  assert.equal(holder.grants.peek(key), undefined);
  assert.equal(await hold(holder), 1, 'it may be asked for again');
});

test('out of time neither holder nor owner answers, and the owner renews nothing', async () => {
  const { world, key, owner, holder, other, hold } = await scene();
  await hold(holder);
  owner.isCutOff = true;
  await world.until(() => !owner.isInTime());
  // By clocks of one rate it is the very same instant.
  assert.equal(holder.grants.peek(key), undefined);
  owner.isCutOff = false;
  assert.equal(await hold(holder), 1);
  await hold(other);
  holder.isCutOff = true;
  await world.until(() => !holder.isInTime());
  assert.equal(holder.grants.peek(key), undefined);
  assert.equal(holder.grants.goodUntilMs([]), Number.NEGATIVE_INFINITY);
  assert.equal(other.grants.peek(key)?.state, 1);
});

test('the clocks jump apart: no link is good before it was asked for anew', async () => {
  const { world, key, holder, hold } = await scene();
  await hold(holder);
  const { clock } = holder.process;
  const goodUntilMs = holder.grants.goodUntilMs([key]);
  holder.process.stepWall(1_000);
  const beganMs = clock.monotonicMs();
  await world.until(() => holder.grants.goodUntilMs([key]) !== goodUntilMs, HEARTBEAT_MS + SOON_MS);
  assert.equal(holder.grants.goodUntilMs([key]), Number.NEGATIVE_INFINITY);
  await world.until(() => holder.grants.peek(key) !== undefined, HEARTBEAT_MS + SOON_MS);
  assert(holder.grants.goodUntilMs([key]) >= beganMs);
});

test('what is old can be told when it is asked for as that, until it is dropped', async () => {
  const { world, key, owner, holder, other, hold } = await scene();
  await hold(holder);
  owner.termMs = 500;
  await hold(other);
  owner.process.pause();
  await world.run(GRANT_MS + HEARTBEAT_MS);
  assert.equal(holder.grants.peek(key), undefined);
  assert.equal(holder.grants.peekStale(key), 1);
  assert.equal(other.grants.peekStale(key), undefined, 'its own term is over');
  holder.grants.dropReplicas();
  assert.equal(holder.grants.peekStale(key), undefined);
});

test('shards that are given away: all grants of their actors end, and nobody else’s', async () => {
  const { world, id, key, owner, holder, hold } = await scene();
  await hold(holder);
  const kept = world.ids.find((one) => one !== id && owner.owns(one) && shardOfId(one) !== shardOfId(id))!;
  await world.until(() => holder.read(kept) !== undefined);
  let isDone = false;
  void owner.drain(id).then((done) => {
    isDone = done;
  });
  await world.until(() => isDone, SOON_MS);
  assert.equal(holder.grants.peek(key), undefined);
  assert.equal(holder.grants.peek(actorKey(kept))?.state, 1);
  void holder.grants.ask(id);
  await world.run(SOON_MS);
  assert.equal(holder.grants.peek(key), undefined, 'it grants them no more');
});

test('what is being given away is granted to nobody', async () => {
  const { world, id, key, owner, other, hold } = await scene();
  await hold(owner);
  const unpin = owner.grants.pin([key]);
  void owner.drain(id);
  void other.grants.ask(id);
  await world.run(SOON_MS);
  assert.equal(owner.grants.counts().given, 0);
  unpin();
});

test('a node that drops all by its own will is quiet when its holders and its requests are', async () => {
  const { world, key, owner, holder, other, hold } = await scene();
  await hold(holder);
  const ended = owner.grants.end(key)!;
  owner.grants.dropAll();
  await assert.rejects(ended, Moved);
  let isQuiet = false;
  void owner.grants.quiet().then(() => {
    isQuiet = true;
  });
  const goodUntilMs = () => holder.grants.peek(key)?.goodUntilMs ?? 0;
  // What was sent in the turn before went out with its end.
  await world.run(GRANT_MS - HEARTBEAT_MS - SOON_MS);
  assert(!isQuiet);
  await world.until(() => isQuiet, SIGMA * GRANT_MS);
  assert.equal(goodUntilMs(), 0);

  const unpin = other.grants.pin(['something it authorized']);
  other.grants.dropAll();
  let isOtherQuiet = false;
  void other.grants.quiet().then(() => {
    isOtherQuiet = true;
  });
  await world.run(2 * GRANT_MS);
  assert(!isOtherQuiet, 'a request of its is under way');
  unpin();
  await world.run(1);
  assert(isOtherQuiet);
});

test('one that is heard by nobody, or hears nobody, is named by both; one that stood still names nobody', async () => {
  const { world, owner, holder, other } = await scene();
  const mend = world.network.cut(holder.process.name, other.process.name);
  await world.run(UNREACHABLE_MS + 2 * HEARTBEAT_MS);
  assert.deepEqual(holder.grants.unreachable(), [other.inc()]);
  assert.deepEqual(other.grants.unreachable(), [holder.inc()]);
  assert.deepEqual(owner.grants.unreachable(), []);
  mend();
  await world.until(() => other.grants.unreachable().length + holder.grants.unreachable().length === 0);
  owner.process.pause();
  await world.run(2 * UNREACHABLE_MS);
  owner.process.resume();
  await world.run(1);
  assert.deepEqual(owner.grants.unreachable(), []);
});

test('a peer’s clock is known from its answers, by its own life, and is forgotten with the link', async () => {
  const { world, owner, holder } = await scene();
  const stamp = holder.grants.clockOf(owner.process.name)!;
  assert.equal(stamp.inc, owner.inc());
  const apartMs = owner.process.clock.monotonicMs() - holder.process.clock.monotonicMs();
  const seenMs = stamp.stampMs - stamp.heardMs;
  assert(seenMs <= apartMs && seenMs > apartMs - 5, `${apartMs - seenMs}`);
  await owner.transport.stop();
  await world.until(() => holder.grants.clockOf(owner.process.name) === undefined);
});

test('what cannot be granted is not asked for at once again', async () => {
  const { world } = await scene();
  const target = counterId('never stored');
  const of = world.nodes.find((node) => node.owns(target))!;
  const asker = world.nodes.find((node) => node !== of)!;
  const before = of.received('ask');
  for (let n = 0; n < 3; n++) {
    void asker.grants.ask(target);
    await world.run(SOON_MS);
  }
  assert.equal(of.received('ask'), before + 1);
  await world.run(GRANT_AGAIN_MS);
  void asker.grants.ask(target);
  await world.run(SOON_MS);
  assert.equal(of.received('ask'), before + 2);
});
