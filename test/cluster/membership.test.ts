import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { makeAloneCoordinator } from '../../src/cluster/coordinators/alone.ts';
import { makeMembership } from '../../src/cluster/membership.ts';
import { ALONE_TIMES } from '../../src/cluster/times.ts';
import { isMember, ownerOf, shardsOf } from '../../src/cluster/view.ts';
import { SILENT_LOG } from '../../src/model/log.ts';
import { makeManualClock } from '../support/manual-clock.ts';
import { World, type WorldNode } from '../support/membership-world.ts';
import { nodeDescription } from '../support/node-description.ts';

async function cluster(names: string, seed = 1): Promise<{ world: World; nodes: WorldNode[] }> {
  const world = new World({ seed });
  const nodes = names.split('').map((name) => world.start(name));
  await world.until(() => world.isWhole(), 10_000, 'not all have joined');
  return { world, nodes };
}

test('the first node makes the first view and serves; the others join by acknowledged proposals', async () => {
  const world = new World({ seed: 3 });
  const first = world.start('a');
  const ms = await world.until(() => world.isAllServed(), 2_000, 'the first view');
  assert(ms < 500, `${ms}`);
  assert.deepEqual(world.history, ['first 1']);
  assert(
    first.told.indexOf('catch up') < first.told.indexOf('view 1'),
    'it answers only once it knows all it must',
  );
  world.start('b');
  world.start('c');
  await world.until(() => world.isWhole(), 5_000, 'b and c join');
  assert.match(world.history.join(), /^first 1,(propose \d,activate \d,?){1,2}$/);
  assert.equal(world.view()!.members.length, 3);
  assert(first.told.some((line) => line.startsWith('expect')));
});

test('a crashed node is evicted W after it was last seen, and its shards alone move', async () => {
  for (const victim of ['a', 'b', 'c']) {
    const { world } = await cluster('abc', 5);
    const before = world.view()!;
    const gone = world.node(victim).membership.inc();
    const crashed = world.now;
    world.crash(victim);
    await world.until(() => world.isAllServed(), 5_000, 'taken over');
    const ms = world.now - crashed;
    // W by the slowest clock, plus what a look takes.
    assert(ms > 1_200 && ms < 2_100, `${victim}: ${ms} ms`);
    const after = world.view()!;
    assert(!isMember(after, gone));
    for (const [shard, owner] of before.shards.entries())
      if (owner !== gone) assert.equal(ownerOf(after, shard), owner);
  }
});

test('a member that has not caught up yet does not enter by acknowledging who joins after it', async () => {
  const world = new World({ seed: 7 });
  world.start('a');
  await world.until(() => world.isAllServed(), 2_000, 'the first view');
  const b = world.start('b', { sealed: true });
  b.catchUpMs = Number.POSITIVE_INFINITY;
  void world.node('a').membership.stop();
  await world.run(1_000);
  b.membership.setSealed(false);
  const isIn = (node: WorldNode) => {
    const view = world.view();
    return view !== undefined && isMember(view, node.membership.inc());
  };
  await world.until(() => isIn(b), 5_000, 'b makes a view');
  const c = world.start('c');
  await world.until(() => isIn(c), 10_000, 'c joins');
  await world.run(3_000);
  assert.equal(c.membership.isInTime(), true);
  assert.equal(b.membership.isInTime(), false);
});

test('alone on its storage: a member in time for ever, without beats', async () => {
  const clock = makeManualClock();
  const beats: string[] = [];
  const real = makeAloneCoordinator();
  const done = Promise.resolve();
  const membership = makeMembership({
    clock,
    coordinator: {
      ...real,
      step: (step) => {
        beats.push(...step.changes.map(({ key }) => key));
        return real.step(step);
      },
    },
    times: ALONE_TIMES,
    log: SILENT_LOG,
    randomBytes,
    describe: () => nodeDescription('n1'),
    hooks: {
      onView: () => {},
      drainShards: () => done,
      closeDoor: () => done,
      expectJoiners: () => {},
      prepare: () => done,
      catchUp: () => done,
      onEvicted: () => {},
      onSealed: () => done,
      unreachable: () => [],
      clusterTimeMs: () => 0,
      highestFence: () => Promise.resolve(41),
      fault: (what, error) => assert.fail(`${what}: ${error}`),
    },
  });
  membership.start();
  membership.setSealed(false);
  clock.advance(0);
  while (!membership.mayServe(0)) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(membership.view()!.epoch, 42, 'above every fence');
  assert.equal(membership.deadlineMs(), Number.POSITIVE_INFINITY);
  await new Promise((resolve) => setImmediate(resolve));
  const before = beats.length;
  assert(before < 8, beats.join());
  clock.advance(59 * 60_000);
  assert.equal(beats.length, before);
  assert(membership.isInTime());
  await membership.leave();
  assert.equal(clock.pending(), 0);
});

test('a node that leaves drains first; its shards are never without an owner’s answer to wait for', async () => {
  const { world, nodes } = await cluster('abc');
  const leaver = nodes[1]!;
  const left = leaver.membership.leave();
  let gone = false;
  void left.then(() => {
    gone = true;
  });
  await world.until(() => gone, 3_000, 'b leaves');
  assert.match(world.history.at(-1)!, /^activate/);
  assert(
    leaver.told.indexOf('door closed') < leaver.told.findIndex((line) => line.startsWith('drain')),
    'what was let in may need what it owns',
  );
  assert(leaver.told.findIndex((line) => line.startsWith('drain')) < leaver.told.lastIndexOf('evicted'));
  world.crash('b');
  await world.until(() => world.isWhole(), 2_000, 'two are left');
  assert.equal(world.store.size, 3, 'its record is gone');
});

test('a node that stops at once leaves the view only when nobody can answer from what it granted', async () => {
  for (const stop of [
    (node: WorldNode) => void node.membership.stop(),
    (node: WorldNode) => node.membership.setSealed(true),
  ]) {
    const { world, nodes } = await cluster('abc');
    const stopped = nodes[1]!;
    const life = stopped.membership.inc();
    stopped.quietMs = 900 / 0.95;
    stop(stopped);
    assert(!stopped.membership.isInTime());
    await world.run(850);
    assert(isMember(world.view()!, life));
    await world.until(() => !isMember(world.view()!, life), 400, 'it is out of the view');
  }
});

test('so does one that is about to leave when its record is taken away', async () => {
  const { world, nodes } = await cluster('abc');
  const leaver = nodes[1]!;
  const life = leaver.membership.inc();
  leaver.drainMs = Number.POSITIVE_INFINITY;
  leaver.quietMs = 900 / 0.95;
  let isGone = false;
  void leaver.membership.leave().then(() => {
    isGone = true;
  });
  await world.until(() => leaver.told.includes('door closed'), 1_000, 'it has begun to leave');
  world.store.delete(`members/${life}`);
  await world.until(() => leaver.told.includes('evicted'), 1_000, 'it notices');
  await world.run(850);
  assert(isMember(world.view()!, life), 'others may still answer from what it granted');
  await world.until(() => isGone, 1_000, 'it is gone');
  assert(!isMember(world.view()!, life));
});

test('the last member that leaves empties the view; whoever comes next takes it at once', async () => {
  const { world, nodes } = await cluster('ab');
  let gone = 0;
  for (const node of nodes) void node.membership.leave().then(() => gone++);
  await world.until(() => gone === 2, 5_000, 'both leave');
  assert.deepEqual(world.view()!.members, []);
  const epoch = world.view()!.epoch;
  for (const name of 'ab') world.crash(name);
  world.start('a');
  const ms = await world.until(() => world.isWhole(), 1_000, 'a takes the view');
  assert(ms < 500);
  assert(world.view()!.epoch > epoch);
});

test('a stopped node takes itself out at once', async () => {
  const { world, nodes } = await cluster('abc');
  void nodes[2]!.membership.stop();
  await world.run(100);
  world.crash('c');
  assert.equal(world.view()!.members.length, 2);
});

test('paused beyond W: evicted, and back under another life with the same shards', async () => {
  const { world, nodes } = await cluster('abc');
  const node = nodes[0]!;
  const before = node.membership.inc();
  const had = shardsOf(world.view()!, before);
  world.pause('a');
  await world.run(4_000);
  assert.equal(world.view()!.members.length, 2);
  world.resume('a');
  assert.equal(node.membership.isInTime(), false, 'before any answer has come');
  await world.until(() => world.isWhole(), 5_000, 'a is back');
  assert(node.told.includes('evicted'));
  assert.notEqual(node.membership.inc(), before);
  const has = shardsOf(world.view()!, node.membership.inc());
  assert(has.filter((shard) => had.includes(shard)).length > had.length * 0.8);
});

test('cut from the coordinator: out of time by itself within D, whoever is evicted or not', async () => {
  for (const how of ['requests', 'answers'] as const) {
    const { world, nodes } = await cluster('abc');
    world.cut('b', how);
    const ms = await world.until(() => !nodes[1]!.membership.isInTime(), 3_000, 'b stops');
    assert(ms < 1_500 / 0.95 + 20, `${how}: ${ms}`);
    let held: boolean | undefined;
    void nodes[1]!.membership.whenInTime().then((good) => {
      held = good;
    });
    await world.run(900);
    assert.equal(held, undefined);
    await world.run(200);
    assert.equal(held, false, 'HOLD is over');
    world.cut('b', 'no');
    await world.until(() => world.isWhole(), 8_000, 'b is back');
  }
});

test('the coordinator is away for a minute: all are held, and go on under the same view', async () => {
  const { world, nodes } = await cluster('abc');
  const { epoch } = world.view()!;
  world.outage = true;
  await world.run(60_000);
  assert(nodes.every(({ membership }) => !membership.isInTime()));
  world.outage = false;
  let waited: boolean | undefined;
  void nodes[0]!.membership.whenInTime().then((good) => {
    waited = good;
  });
  const ms = await world.until(() => world.isAllServed(), 2_000, 'all serve again');
  assert(ms < 600, `${ms}`);
  await world.run(5_000);
  assert.equal(world.view()!.epoch, epoch);
  assert.equal(waited, true);
  assert(nodes.every(({ told }) => !told.includes('evicted')));
});

test('a joiner that does not get ready in time is given up; those who drained go on', async () => {
  const { world, nodes } = await cluster('ab');
  nodes[0]!.drainMs = Number.POSITIVE_INFINITY;
  world.start('c');
  await world.until(() => world.history.some((line) => line.startsWith('cancel')), 8_000, 'cancelled');
  assert.equal(world.view()!.members.length, 2);
  await world.until(() => world.isAllServed(), 1_000, 'a and b serve all');
  await world.run(3_000);
  assert(world.isAllServed(), 'the next proposal is not made at once');
  nodes[0]!.drainMs = 5;
  await world.until(() => world.isWhole(), 8_000, 'c joins after all');
  const numbers = world.history.flatMap((line) =>
    line.startsWith('propose') ? [Number(line.slice(8))] : [],
  );
  assert.equal(new Set(numbers).size, numbers.length);
});

test('two that do not hear each other: the younger goes, or the one whom more members miss', async () => {
  const { world, nodes } = await cluster('abc');
  const younger = world.view()!.members.at(-1)!.nodeId;
  const other = younger === 'a' ? 'b' : 'a';
  world.node(younger).deafTo.add(other);
  await world.run(3_000);
  assert.equal(world.view()!.members.length, 3, 'one side alone proves nothing');
  world.node(other).deafTo.add(younger);
  await world.until(() => world.view()!.members.length === 2, 5_000, 'one goes');
  assert(!world.view()!.members.some(({ nodeId }) => nodeId === younger));
  await world.run(5_000);
  assert.equal(world.view()!.members.length, 2, 'it does not join while it cannot reach all');
  for (const { deafTo } of nodes) deafTo.clear();
  await world.until(() => world.isWhole(), 20_000, 'back');

  const eldest = world.view()!.members[0]!.nodeId;
  for (const { name, deafTo } of nodes) if (name !== eldest) deafTo.add(eldest);
  for (const { name } of nodes) if (name !== eldest) world.node(eldest).deafTo.add(name);
  await world.until(() => world.view()!.members.length === 2, 5_000, 'one goes');
  assert(!world.view()!.members.some(({ nodeId }) => nodeId === eldest));
});

test('a second process with the same node id waits while the first one beats', async () => {
  const { world } = await cluster('ab');
  const first = world.node('b').membership.inc();
  world.start('twin', { nodeId: 'b' });
  await world.run(5_000);
  assert.equal(world.view()!.members.length, 2);
  assert(isMember(world.view()!, first));
  world.crash('b');
  await world.until(() => world.isWhole(), 5_000, 'the other one joins');
});

test('so does one with another node id that runs on a copy of its data folder', async () => {
  const { world } = await cluster('ab');
  const first = world.node('b').membership.inc();
  world.start('copy', { peerId: 'peer-b' });
  await world.run(5_000);
  assert.equal(world.view()!.members.length, 2);
  assert(isMember(world.view()!, first));
  world.crash('b');
  await world.until(() => world.isWhole(), 5_000, 'the other one joins');
});

test('a node that is evicted again and again joins only after a pause', async () => {
  const { world } = await cluster('abc');
  for (let i = 0; i < 3; i++) {
    world.pause('c');
    await world.until(() => world.view()!.members.length === 2, 5_000, 'evicted');
    world.resume('c');
    if (i < 2) await world.until(() => world.isWhole(), 5_000, 'back');
  }
  await world.run(8_000);
  assert.equal(world.view()!.members.length, 2);
  await world.until(() => world.isWhole(), 8_000, 'back after the pause');
});

test('the clocks jump apart: out of time until a beat that was sent after it', async () => {
  const { world, nodes } = await cluster('ab');
  const node = nodes[0]!;
  assert(node.membership.isInTime());
  node.stepWall(5_000);
  await world.until(
    () => node.told.length > 0 && !node.membership.isInTime(),
    500,
    'noticed at a round of the timer',
  );
  await world.until(() => node.membership.isInTime(), 500, 'a beat puts it back');
  assert.equal(world.view()!.members.length, 2);
});

test('the cluster is sealed when all have said so, the silent are evicted; who unseals first is alone', async () => {
  const { world, nodes } = await cluster('abc');
  world.pause('b');
  let done = false;
  void nodes[0]!.membership.sealCluster().then(() => {
    done = true;
  });
  await world.run(800);
  assert.equal(done, false, 'b has said nothing');
  assert(nodes[0]!.told.includes('sealed'));
  assert(nodes[2]!.told.includes('sealed'));
  assert(!nodes[0]!.membership.isInTime());
  nodes[2]!.membership.setSealed(false);
  await world.run(400);
  assert.equal(world.view()!.sealed, true, 'nobody unseals before all are sealed');
  nodes[2]!.membership.setSealed(true);
  await world.until(() => done, 4_000, 'b is evicted');
  nodes[2]!.membership.setSealed(false);
  await world.until(() => world.isAllServed(), 1_000, 'c serves alone');
  assert.equal(world.view()!.members.length, 1);
  world.resume('b');
  nodes[0]!.membership.setSealed(false);
  nodes[1]!.membership.setSealed(false);
  await world.until(() => world.isWhole(), 5_000, 'all are back');
});

test('who seals a cluster of which nobody is left, itself no member any more, waits no longer than for their silence', async () => {
  const { world, nodes } = await cluster('ab');
  const [a] = nodes;
  const before = a!.membership.inc();
  world.pause('a');
  await world.until(() => !isMember(world.view()!, before), 5_000, 'a is evicted');
  world.resume('a');
  await world.until(() => a!.membership.inc() !== before, 5_000, 'a has heard of it');
  a!.membership.setSealed(true);
  world.crash('b');
  let done = false;
  void a!.membership.sealCluster().then(() => {
    done = true;
  });
  await world.until(() => done, 5_000, 'b is evicted by a node that is sealed');
  assert.deepEqual(world.view()!.members, []);
  a!.membership.setSealed(false);
  await world.until(() => world.isAllServed(), 1_000, 'a serves alone');
});

test('the protocol rises when all members speak it, and a node that does not speak it is refused', async () => {
  const { world, nodes } = await cluster('ab');
  for (const node of nodes) node.speaks[1] = 2;
  const c = world.start('c');
  c.speaks[1] = 2;
  await world.until(() => world.isWhole(), 5_000, 'c joins');
  assert.equal(world.view()!.protocol, 2);
  world.start('d');
  await world.run(3_000);
  assert.equal(world.view()!.members.length, 3);
  world.node('d').speaks[1] = 3;
  await world.until(() => world.isWhole(), 3_000, 'd joins once it speaks it');
  assert.equal(world.view()!.protocol, 2, 'as high as all can');
});

test('a changed weight moves shards', async () => {
  const { world, nodes } = await cluster('ab');
  nodes[0]!.weight = 3;
  await world.until(
    () => shardsOf(world.view()!, nodes[0]!.membership.inc()).length > 640,
    3_000,
    'a has more',
  );
});

test('an operator deletes the view: all stop, and only W later there is another', async () => {
  const { world } = await cluster('ab');
  const { epoch } = world.view()!;
  world.store.delete('view');
  await world.until(() => world.view() !== undefined, 10_000, 'a new view');
  assert(world.view()!.epoch > epoch);
  await world.until(() => world.isWhole(), 5_000, 'both are back');
});

test('a view record that nobody can read proves nothing: all stop by their deadlines', async () => {
  const { world, nodes } = await cluster('ab');
  const record = world.store.get('view')!;
  world.store.set('view', { value: Buffer.from('{}'), version: record.version + 1_000_000 });
  await world.run(2_000);
  assert(nodes.every(({ membership }) => !membership.isInTime()));
});
