import assert from 'node:assert/strict';
import { chmodSync, statSync } from 'node:fs';
import { test } from 'node:test';
import { shardOf } from '../../src/actors/places.ts';
import { memberKey } from '../../src/cluster/member-record.ts';
import { type ActorId, actorKey } from '../../src/model/actor.ts';
import { CodedError } from '../../src/model/errors.ts';
import { type ControlWorld, makeControlWorld, peerOf, textOf } from '../support/control-world.ts';

const actor = (name: string): ActorId => ({ kind: 'kv', namespace: 'root', mount: 'm', name });
/** An actor of a shard that this node owns. */
function actorOf(world: ControlWorld, owner: string): ActorId {
  for (let n = 0; ; n++) {
    const id = actor(`k${n}`);
    if (world.view.shards[shardOf(actorKey(id))] === world.node(owner).inc) return id;
  }
}

test('standing: what a node is, in this turn', async () => {
  const world = await makeControlWorld();
  const a = world.node('a');
  assert.equal(a.control.standing(), 'serving');
  a.isInTime = false;
  assert.equal(a.control.standing(), 'held');
  a.isSealed = true;
  assert.equal(a.control.standing(), 'sealed');
  a.isDraining = true;
  assert.equal(a.control.standing(), 'leaving', 'it drops its keys on the way');
  world.view = { ...world.view, members: world.view.members.slice(1), shards: [] };
  a.isSealed = false;
  a.isDraining = false;
  assert.equal(a.control.standing(), 'joining');
});

test('since when it is a member', async () => {
  const world = await makeControlWorld();
  const { control } = world.node('a');
  control.look();
  const since = control.memberSinceMs();
  assert.equal(typeof since, 'number');
  await world.run(new Promise<void>((resolve) => setTimeout(resolve, 5)));
  control.look();
  assert.equal(control.memberSinceMs(), since);
  world.node('a').isSealed = true;
  control.look();
  assert.equal(control.memberSinceMs(), undefined);
});

test('status: shares, who is keeper, what each says of itself, and how far it is behind', async () => {
  const world = await makeControlWorld();
  const b = world.node('b');
  b.applied.set('mounts', { seq: 1, entries: new Map() });
  b.isInTime = false;
  const status = await world.run(world.node('a').control.status({ ask: true }));
  assert.equal(status.self, 'a');
  assert.equal(status.epoch, 5);
  assert.equal(status.shards, 1_024);
  assert.deepEqual(
    status.nodes.map(({ nodeId, standing, shards, lag, isLinked }) => [
      nodeId,
      standing,
      shards,
      lag,
      isLinked,
    ]),
    [
      ['a', 'serving', 342, 0, true],
      ['b', 'held', 341, 2, true],
      ['c', 'serving', 341, 0, true],
    ],
  );
  const lowest = world.nodes.toSorted((x, y) => (x.inc < y.inc ? -1 : 1));
  assert.equal(status.keeper, lowest[0]!.name);
  world.silent.add(lowest[0]!.inc);
  assert.equal(lowest[2]!.control.glance().keeper, lowest[1]!.name);
  assert.equal(
    lowest[2]!.control.glance().nodes.find(({ nodeId }) => nodeId === lowest[0]!.name)?.standing,
    'silent',
  );
});

test('status, without asking: what records and view say together', async () => {
  const world = await makeControlWorld();
  const { inc } = world.node('b');
  const said = () =>
    world
      .node('a')
      .control.glance()
      .nodes.find(({ nodeId }) => nodeId === 'b')?.standing;
  const put = (more: object) => world.records.set(inc, { ...world.records.get(inc)!, ...more });
  assert.equal(said(), 'serving');
  put({ state: 'joining' });
  assert.equal(said(), 'serving', 'the view has it already');
  put({ state: 'leaving' });
  assert.equal(said(), 'leaving');
  put({ state: 'sealed', sealed: true });
  assert.equal(said(), 'sealed');
  put({ state: 'member', sealed: false });
  world.view = {
    ...world.view,
    members: world.view.members.filter((member) => member.inc !== inc),
    shards: [],
  };
  assert.equal(said(), 'joining');
  world.records.delete(inc);
  assert.equal(said(), undefined);
});

test('status: what a node was before it entered anew is not shown beside it', async () => {
  const world = await makeControlWorld();
  const { inc, control } = world.node('a');
  const b = world.node('b');
  const former = { ...world.records.get(b.inc)!, state: 'sealed' as const };
  const shown = async () => (await world.run(control.status({ ask: true }))).nodes.map((one) => one.inc);
  const all = [inc, b.inc, world.node('c').inc];
  world.records.set('f'.repeat(32), former);
  // It may be a copy, which an operator is to see.
  assert.deepEqual((await shown()).toSorted(), [...all, 'f'.repeat(32)].toSorted());
  world.silent.add('f'.repeat(32));
  assert.deepEqual(await shown(), all);
  // Where nothing is heard of the other one either, both are there.
  world.silent.add(b.inc);
  assert.equal((await shown()).length, 4);
});

test('status: one that does not answer has no report; a pending view says whom it waits for', async () => {
  const world = await makeControlWorld();
  world.office.cut(peerOf('a'), peerOf('c'));
  const [a, b] = world.view.members;
  world.view = { ...world.view, next: { number: 6, members: [a!, b!], shards: world.view.shards } };
  world.records.set(world.node('a').inc, { ...world.records.get(world.node('a').inc)!, ack: 6 });
  const status = await world.run(world.node('a').control.status({ ask: true }));
  const c = status.nodes.find(({ nodeId }) => nodeId === 'c');
  assert.equal(c?.report, undefined);
  assert.equal(c?.isLinked, false);
  assert.equal(c?.lag, undefined);
  assert.deepEqual(status.pending, { number: 6, members: ['a', 'b'], waitingFor: ['b', 'c'] });
});

test('whereis: the same answer on each node', async () => {
  const world = await makeControlWorld();
  const id = actorOf(world, 'b');
  const key = actorKey(id);
  world.node('b').fences.set(shardOf(key), { path: 'fence', version: 1 });
  world.node('b').active.add(key);
  world.node('c').replicas.add(key);
  for (const { control } of world.nodes) {
    assert.deepEqual(await world.run(control.whereis(id)), {
      actor: key,
      shard: shardOf(key),
      epoch: 5,
      owner: 'b',
      isClaimed: true,
      isActive: true,
      replicas: ['c'],
    });
  }
  world.office.cut(peerOf('a'), peerOf('b'));
  const found = await world.run(world.node('a').control.whereis(id));
  assert.deepEqual([found.owner, found.isClaimed, found.isActive], ['b', undefined, undefined]);
});

test('trace: here, by a replica, over one hop, and where the owner does not answer', async () => {
  const world = await makeControlWorld();
  const id = actorOf(world, 'b');
  const wayOf = async (node: string) =>
    (await world.run(world.node(node).control.trace(id))).map(({ node: at, what }) => `${at}: ${what}`);
  assert.deepEqual((await wayOf('b')).slice(1), [
    'b: owner: it claims the shard with the first request',
    'b: a read ran here, at its owner',
  ]);
  world.node('b').fences.set(shardOf(actorKey(id)), { path: 'fence', version: 1 });
  const way = await wayOf('a');
  assert.match(way[0]!, /^a: came in; shard \d+, epoch 5, owner b$/);
  assert.deepEqual(way.slice(1), [
    'a: one hop to b and back',
    'b: owner: to be read from the store',
    'b: a read ran at its owner',
  ]);
  world.node('b').active.add(actorKey(id));
  assert.equal((await wayOf('a'))[2], 'b: owner: in memory');
  world.node('a').replicas.add(actorKey(id));
  assert.deepEqual((await wayOf('a')).slice(1), [
    'a: replica, good for 500 ms more: no hop is needed',
    'a: a read ran here, on a replica',
  ]);
  world.node('a').replicas.clear();
  world.office.cut(peerOf('a'), peerOf('b'));
  world.touched = new CodedError('unavailable');
  const cut = await wayOf('a');
  assert.match(cut[1]!, /^a: b did not answer/);
  assert.equal(cut[2], 'a: a read failed: no node can answer this now; try again');
});

test('drain: the node that is named does it, whoever is asked', async () => {
  const world = await makeControlWorld();
  await world.run(world.node('a').control.drain('b'));
  assert.equal(world.node('b').isDraining, true);
  await world.run(world.node('a').control.drain('a'));
  assert.equal(world.node('a').isDraining, true);
  await assert.rejects(world.run(world.node('a').control.drain('x')), /no node of this name/);
});

test('remove: barred on all, its record gone, and over once it is in no view', async () => {
  const world = await makeControlWorld();
  const c = world.node('c');
  let isDone = false;
  const removing = world.node('a').control.remove('c');
  removing.then(
    () => {
      isDone = true;
    },
    () => {},
  );
  const readC = () => world.coordinator.step({ conditions: [], changes: [], reads: [memberKey(c.inc)] });
  await world.run(
    (async () => {
      for (;;) {
        const seen = await readC();
        if (seen.outcome === 'ok' && seen.records.size === 0) return;
        await new Promise((resolve) => setImmediate(resolve));
      }
    })(),
  );
  assert.equal(isDone, false, 'it still stands in the view');
  world.view = { ...world.view, members: world.view.members.filter(({ inc }) => inc !== c.inc) };
  assert.deepEqual((await world.run(removing)).peer, c.peer);
  for (const { admissions } of world.nodes) assert.equal(admissions.isBarred(c.peer), true);
  await assert.rejects(world.run(world.node('a').control.remove('a')), /does not remove itself/);
  await assert.rejects(world.run(world.node('a').control.remove('nobody')), /no node of this name/);
});

test('remove: an identity of which there is no record, by its peer id', async () => {
  const world = await makeControlWorld();
  const stranger = peerOf('stranger');
  await world.run(world.node('a').control.remove(stranger));
  assert.equal(world.node('b').admissions.isBarred(stranger), true);
});

test('remove: an admitted node that is long gone, by the name it had', async () => {
  const world = await makeControlWorld(['a', 'b'], { approve: true });
  world.records.delete(world.node('b').inc);
  world.view = { ...world.view, members: world.view.members.slice(0, 1) };
  const removed = await world.run(world.node('a').control.remove('b'));
  assert.deepEqual([removed.peer, removed.nodeId], [peerOf('b'), 'b']);
});

test('remove: a node that stays in the view is told about, and is barred all the same', async () => {
  const world = await makeControlWorld();
  await assert.rejects(
    world.run(world.node('a').control.remove('c')),
    (error) => error instanceof CodedError && error.code === 'unavailable' && /barred/.test(error.message),
  );
  assert.equal(world.node('b').admissions.isBarred(peerOf('c')), true);
});

test('approve: applicants are seen, and admitted everywhere at once', async () => {
  const world = await makeControlWorld(['a', 'b'], { approve: true });
  const { control } = world.node('a');
  const newcomer = peerOf('new');
  world.records.set('f'.repeat(32), {
    ...world.records.get(world.node('a').inc)!,
    nodeId: 'new',
    peerId: newcomer,
    state: 'sealed',
  });
  const before = await world.run(control.admitted());
  assert.equal(before.isApprovalNeeded, true);
  assert.deepEqual(
    before.approved.map(({ nodeId }) => nodeId),
    ['a', 'b'],
  );
  assert.deepEqual(
    before.applicants.map(({ peer, nodeId }) => [peer, nodeId]),
    [[newcomer, 'new']],
  );
  await world.run(control.approve(newcomer));
  assert.equal(world.node('b').admissions.isAdmitted(newcomer), true);
  assert.deepEqual((await world.run(control.admitted())).applicants, []);
  await assert.rejects(world.run(control.approve('new')), /expected a peer id/);
});

test('a new secret: in every file, the old one in none, comments kept, for its owner alone', async () => {
  const world = await makeControlWorld();
  const [old] = world.node('a').secrets();
  assert.deepEqual(await world.run(world.node('a').control.rotateSecret()), ['a', 'b', 'c']);
  const [now] = world.node('a').secrets();
  assert.notEqual(now, old);
  for (const node of world.nodes) {
    assert.equal(textOf(node.secretFile), `# ours\n${now}\n`);
    assert.equal(statSync(node.secretFile).mode & 0o777, 0o600);
    assert.equal(node.reconsidered, 2, 'links were looked at after either step');
  }
});

test('a new secret: nothing changes where one node cannot be asked', async () => {
  const world = await makeControlWorld();
  const [old] = world.node('a').secrets();
  world.office.cut(peerOf('a'), peerOf('c'));
  await assert.rejects(world.run(world.node('a').control.rotateSecret()), /c did not take the new secret/);
  for (const node of world.nodes) assert.deepEqual(node.secrets(), [old], node.name);
  world.office.mend(peerOf('a'), peerOf('c'));
  await world.run(world.node('a').control.rotateSecret());
  assert.notDeepEqual(world.node('c').secrets(), [old]);
});

test('a new secret: a node with the record of a former life is told once, and the one that is asked is not told by itself', async () => {
  const world = await makeControlWorld();
  for (const [n, name] of ['a', 'c'].entries())
    world.records.set(`${n}`.repeat(32), { ...world.records.get(world.node(name).inc)!, state: 'sealed' });
  assert.deepEqual(await world.run(world.node('a').control.rotateSecret()), ['a', 'b', 'c']);
  for (const node of world.nodes) assert.equal(node.reconsidered, 2, node.name);
});

for (const [step, nth] of [
  ['takes', 1],
  ['forgets', 2],
] as const) {
  test(`a new secret: a node that comes while another ${step} one has it too`, async () => {
    const world = await makeControlWorld();
    const { inc } = world.node('c');
    const record = world.records.get(inc)!;
    world.records.delete(inc);
    let told = 0;
    world.office.carry = async (_from, to) => {
      if (to === peerOf('b') && ++told === nth) world.records.set(inc, record);
      // Nobody forgets the old one while somebody who is known has nothing else.
      if (to === peerOf('b') && told > nth) assert.equal(world.node('c').secrets().length, 2);
      return true;
    };
    assert.deepEqual(await world.run(world.node('a').control.rotateSecret()), ['a', 'b', 'c']);
    const [now] = world.node('a').secrets();
    for (const node of world.nodes) assert.deepEqual(node.secrets(), [now], node.name);
  });
}

test('a new secret: a file that is not as it must be is named', async () => {
  const world = await makeControlWorld();
  chmodSync(world.node('b').secretFile, 0o644);
  await assert.rejects(
    world.run(world.node('a').control.rotateSecret()),
    /b could not change its secret file/,
  );
  chmodSync(world.node('b').secretFile, 0o600);
  assert.equal(world.node('b').secrets().length, 1);
});

test('a new secret: two at once, and one of them is told so', async () => {
  const world = await makeControlWorld();
  const both = Promise.allSettled([
    world.node('a').control.rotateSecret(),
    world.node('b').control.rotateSecret(),
  ]);
  const outcomes = (await world.run(both)).map(({ status }) => status);
  assert.deepEqual(outcomes.toSorted(), ['fulfilled', 'rejected']);
  const secrets = new Set(world.nodes.flatMap((node) => node.secrets()));
  assert.equal(secrets.size, 1);
});

test('verify: all is well', async () => {
  const world = await makeControlWorld();
  const found = await world.run(world.node('b').control.verify());
  assert.deepEqual(found.faults, []);
  assert.equal(found.isGood, true);
  assert.equal(found.nodes.length, 3);
  assert.deepEqual(
    found.nodes.map(({ fences }) => fences),
    world.nodes.map(({ fences }) => fences.size),
  );
});

test('verify: a catalog that differs, is behind, or is newer than the store', async () => {
  const world = await makeControlWorld();
  world.node('a').applied.set('policies', { seq: 3, entries: new Map([['key', 'other']]) });
  world.node('b').applied.set('mounts', { seq: 2, entries: new Map() });
  world.node('c').applied.set('audit', { seq: 9, entries: new Map() });
  const found = await world.run(world.node('a').control.verify());
  assert.equal(found.isGood, false);
  assert.deepEqual(found.faults.toSorted(), [
    'audit: the store ends with change 3, c has applied 9: it was put back',
    'mounts: b has applied change 2, the store ends with 3',
    'policies: what a holds is not what is stored, both at change 3',
  ]);
});

test('verify: a change on its way is no fault', async () => {
  const world = await makeControlWorld();
  world.stored.set('mounts', { seq: 4, entries: new Map([['key', 1]]) });
  let reads = 0;
  world.storage.beforeGet = () => {
    if (++reads < 100) return;
    for (const node of world.nodes) node.applied.set('mounts', world.stored.get('mounts')!);
  };
  assert.equal((await world.run(world.node('a').control.verify())).isGood, true);
});

test('verify: changes that never end are no fault', async () => {
  const world = await makeControlWorld();
  const later = (seq: number) => ({ seq, entries: new Map([['key', seq]]) });
  world.storage.beforeGet = () => {
    // The store is always a change ahead of the nodes.
    const stored = world.stored.get('mounts')!;
    for (const node of world.nodes) node.applied.set('mounts', stored);
    world.stored.set('mounts', later(stored.seq + 1));
  };
  const found = await world.run(world.node('a').control.verify());
  assert.deepEqual(found.faults, []);
  assert.equal(found.isGood, true);
});

test('verify: entries in another order are the same', async () => {
  const world = await makeControlWorld();
  world.stored.set('mounts', {
    seq: 3,
    entries: new Map<string, unknown>([
      ['b', { y: 1, x: 2 }],
      ['a', 1],
    ]),
  });
  for (const node of world.nodes) {
    node.applied.set('mounts', {
      seq: 3,
      entries: new Map<string, unknown>([
        ['a', 1],
        ['b', { x: 2, y: 1 }],
      ]),
    });
  }
  assert.equal((await world.run(world.node('a').control.verify())).isGood, true);
});

test('verify: a store that was put back shows other fences, and an older head', async () => {
  const world = await makeControlWorld();
  const b = world.node('b');
  const [shard, fence] = [...b.fences][0]!;
  await world.storage.commit([{ path: fence.path, value: Buffer.from('older') }], []);
  b.remembered = 9;
  const found = await world.run(world.node('a').control.verify());
  const said = found.nodes.find(({ node }) => node === 'b');
  assert.equal(found.isGood, false);
  assert.equal(said?.faults[0], 'the store was put back');
  assert.match(said!.faults[1]!, new RegExp(`^1 fences .*shards ${shard}\\)`));
  b.fences.delete(shard);
  assert.equal((await world.run(world.node('a').control.verify({ accept: true }))).isGood, true);
  assert.equal(b.remembered, 7);
});

test('verify: a member that does not answer is a fault', async () => {
  const world = await makeControlWorld();
  world.office.cut(peerOf('a'), peerOf('b'));
  const found = await world.run(world.node('a').control.verify());
  assert.equal(found.isGood, false);
  assert.deepEqual(found.nodes.find(({ node }) => node === 'b')?.faults, ['it did not answer']);
});
