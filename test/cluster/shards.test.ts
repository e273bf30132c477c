import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ACTOR_FAULT } from '../../src/actors/faults.ts';
import { gonePrefix, shardOf, timerPrefix } from '../../src/actors/places.ts';
import { SHARD_FAULT } from '../../src/cluster/faults.ts';
import { decodeFence, fencePath, highestFence } from '../../src/cluster/fences.ts';
import { Moved } from '../../src/cluster/moved.ts';
import {
  type ActorId,
  type ActorKind,
  type ActorOperation,
  actorKey,
  OWN_CLAIMS,
} from '../../src/model/actor.ts';
import { CLAIMS_AT_ONCE, GONE_LOOK_MS, GONE_MS, OUTCOME_RETRY_MS } from '../../src/model/limits.ts';
import { StorageFailed } from '../../src/model/storage.ts';
import { makeManualClock } from '../support/manual-clock.ts';
import { makeMemoryStorage } from '../support/memory-storage.ts';
import { makeSharedView, startOwnNode } from '../support/own-node.ts';

interface Note {
  readonly text: string;
  readonly dueMs?: number;
}

const fired: string[] = [];

const note: ActorKind<Note | undefined> = {
  kind: 'note',
  activeMax: 10_000,
  idleMs: 60_000,
  mailboxMax: 100,
  decode: (head) => (head ? (JSON.parse(Buffer.from(head).toString()) as Note) : undefined),
  encode: (state) => (state ? Buffer.from(JSON.stringify(state)) : undefined),
  dueAt: (state) => state?.dueMs,
  async onDue(_state, id, cluster) {
    fired.push(id.name);
    await cluster.send(write, id, { text: 'fired' }, { claims: OWN_CLAIMS });
  },
};
const write: ActorOperation<Note | undefined, Note | undefined, void> = {
  id: 'note/write',
  actor: note,
  mode: 'change',
  run: (_state, next) => ({ reply: undefined, next: { state: next } }),
};
const read: ActorOperation<Note | undefined, undefined, string> = {
  id: 'note/read',
  actor: note,
  mode: 'read',
  run: (state) => ({ reply: state?.text ?? '' }),
};
let slow: Promise<void> = Promise.resolve();
const writeSlowly: ActorOperation<Note | undefined, string, void> = {
  id: 'note/write-slowly',
  actor: note,
  mode: 'change',
  async run(_state, text) {
    await slow;
    return { reply: undefined, next: { state: { text } } };
  },
};

const id: ActorId = { kind: 'note', namespace: 'root', mount: 'm', name: 'a' };
const shard = shardOf(actorKey(id));
const isMoved = (error: unknown) => error instanceof Moved;
const never = new AbortController().signal;

const settle = async (turns = 60) => {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
};

function world(faults?: ReadonlySet<string>) {
  const storage = makeMemoryStorage();
  const shared = makeSharedView();
  const clock = makeManualClock(1_000_000);
  shared.give('one');
  const start = (inc: string) => startOwnNode({ inc, storage, shared, kinds: [note], clock, faults });
  const fence = (which = shard) => decodeFence(storage.records.get(fencePath(which))!.value);
  return { storage, shared, clock, start, fence, one: start('one') };
}

describe('claims of shards', () => {
  test('a claim is one commit, however many ask; those of one turn share commits', async () => {
    const { one, storage, fence } = world();
    await Promise.all([shard, shard].map(async (each) => one.shards.claim(each)));
    assert.equal(storage.commits, 1);
    assert.deepEqual(fence(), { epoch: 1, inc: 'one', claim: 1 });
    assert.equal(one.shards.claim(shard), undefined);
    const others = Array.from({ length: 1_024 }, (_, n) => n).filter((n) => n !== shard);
    await Promise.all(others.map(async (n) => one.shards.claim(n)));
    assert.equal(storage.commits, 1 + Math.ceil(1_023 / CLAIMS_AT_ONCE));
    assert.equal(one.shards.held().length, 1_024);
    assert.equal(await highestFence(storage), 1);
  });

  test('not what the view gives to another, what is given away, or a later epoch has claimed', async () => {
    const { one, shared, start, fence } = world();
    const before = shared.view;
    shared.give('two', [shard]);
    await assert.rejects(one.shards.claim(shard)!, isMoved);
    const two = start('two');
    two.given.add(shard);
    await assert.rejects(two.shards.claim(shard)!, isMoved);
    two.given.clear();
    await two.shards.claim(shard);
    one.seen = before;
    await assert.rejects(one.shards.claim(shard)!, (error) => error instanceof Moved && error.epoch === 2);
    assert.equal(fence().inc, 'two');
  });

  test('without the test of the epoch it would have been: the test can fail', async () => {
    const { one, shared, start, fence } = world(new Set([SHARD_FAULT.claimWithoutEpoch]));
    one.seen = shared.view;
    shared.give('two', [shard]);
    await start('two').shards.claim(shard);
    await one.shards.claim(shard);
    assert.equal(fence().inc, 'one');
  });

  test('a claim whose answer is lost is made again; one that fails is told', async () => {
    const { one, storage, clock, fence } = world();
    const commit = storage.commit.bind(storage);
    storage.commit = async (changes, conditions) => {
      storage.commit = commit;
      await commit(changes, conditions);
      throw new StorageFailed('lost', false);
    };
    const claiming = one.shards.claim(shard);
    await settle();
    clock.advance(OUTCOME_RETRY_MS);
    await claiming;
    assert.equal(fence().claim, 2);

    const other = (shard + 1) % 1_024;
    storage.commit = () => Promise.reject(new StorageFailed('full', true));
    const failing = one.shards.claim(other)!;
    let told: unknown;
    failing.catch((error: unknown) => {
      told = error;
    });
    for (let n = 0; n < 40 && told === undefined; n++) {
      await settle(4);
      clock.advance(1_000);
    }
    await assert.rejects(failing, { code: 'storage_failed' });
    assert(!one.shards.isHeld(other));
  });

  test('a view that comes while the claim is under way takes it away', async () => {
    const { one, shared, storage } = world();
    const { promise, resolve } = Promise.withResolvers<void>();
    storage.beforeCommit = () => promise;
    const claiming = one.shards.claim(shard)!;
    await settle();
    shared.give('two', [shard]);
    one.shards.onView();
    shared.give('one', [shard]);
    one.shards.dropAll();
    resolve();
    await assert.rejects(claiming, isMoved);
    await settle();
    assert(!one.shards.isHeld(shard));
  });

  test('what a view brings is claimed soon; what it takes goes in the turn', async () => {
    const { one, shared } = world();
    one.shards.onView();
    await settle();
    assert.equal(one.shards.held().length, 1_024);
    await one.ask(write, id, { text: 'x' });
    const reading = one.ask(writeSlowly, id, 'y');
    shared.give('two');
    one.shards.onView();
    assert.equal(one.shards.held().length, 0);
    await assert.rejects(reading, isMoved);
    assert.equal(one.actors.counts().note, 0);
  });

  test('its own new claim does not disturb what is being written', async () => {
    const { one, storage } = world();
    await one.ask(write, id, { text: 'a' });
    const { promise, resolve } = Promise.withResolvers<void>();
    let isFirst = true;
    storage.beforeCommit = async () => {
      if (!isFirst) return;
      isFirst = false;
      await promise;
    };
    const writing = one.ask(write, id, { text: 'b' }, { entry: { inc: 'e', n: 1 } });
    await settle();
    assert.equal(await one.shards.claimAnew(shard), true);
    resolve();
    await writing;
    assert.equal(await one.ask(read, id, undefined), 'b');
    assert(one.shards.isHeld(shard));
  });

  test('a new claim of what another has claimed loses the shard', async () => {
    const { one, shared, start } = world();
    await one.ask(write, id, { text: 'a' });
    one.seen = shared.view;
    shared.give('two');
    await start('two').shards.claim(shard);
    assert.equal(await one.shards.claimAnew(shard), false);
    assert(!one.shards.isHeld(shard));
  });
});

describe('giving shards away', () => {
  test('what runs ends, what comes is told so, grants end, then it lets go', async () => {
    const { one } = world();
    await one.ask(write, id, { text: 'a' });
    const { promise, resolve } = Promise.withResolvers<void>();
    slow = promise;
    const running = one.ask(writeSlowly, id, 'b', { entry: { inc: 'e', n: 1 } });
    await settle();
    let isDrained = false;
    const draining = one.shards.drain([shard], never).then(() => {
      isDrained = true;
    });
    await settle();
    assert(!isDrained);
    assert(!one.shards.mayGrant(shard));
    await assert.rejects(one.ask(write, id, { text: 'c' }), isMoved);
    one.grantCalls.length = 0;
    resolve();
    await running;
    await draining;
    assert.equal(one.grantCalls.at(-1), 'end shards');
    assert(!one.shards.isHeld(shard));
    one.given.add(shard);
    await assert.rejects(one.ask(read, id, undefined), isMoved);
    one.given.clear();
    assert.equal(await one.ask(read, id, undefined), 'b');
  });

  test('called off, it keeps what it has', async () => {
    const { one } = world();
    await one.ask(write, id, { text: 'a' });
    const { promise, resolve } = Promise.withResolvers<void>();
    slow = promise;
    const running = one.ask(writeSlowly, id, 'b');
    await settle();
    const off = new AbortController();
    const draining = one.shards.drain([shard], off.signal);
    off.abort();
    await draining;
    assert(one.shards.mayGrant(shard));
    resolve();
    await running;
    assert.equal(await one.ask(read, id, undefined), 'b');
  });
});

describe('timers by shard', () => {
  test('they fire where the shard is, once', async () => {
    fired.length = 0;
    const { one, shared, start, clock, storage } = world();
    await one.startTimers();
    await one.ask(write, id, { text: 'a', dueMs: clock.wallMs() + 10_000 });
    shared.give('two');
    one.shards.onView();
    const two = start('two');
    await two.startTimers();
    two.shards.onView();
    await settle();
    for (let s = 0; s < 15; s++) {
      clock.advance(1_000);
      await settle(20);
    }
    assert.deepEqual(fired, ['a']);
    assert.equal(await two.ask(read, id, undefined), 'fired');
    assert.deepEqual(storage.paths(timerPrefix(shard)), []);
    assert.deepEqual([...one.faults, ...two.faults], []);
  });
});

test('a store that cannot list when the timers start makes none forgotten', async () => {
  fired.length = 0;
  const { one, clock, storage } = world();
  await one.ask(write, id, { text: 'a', dueMs: clock.wallMs() + 1_000 });
  const list = storage.list.bind(storage);
  storage.list = () => Promise.reject(new StorageFailed('away', true));
  await one.startTimers();
  storage.list = list;
  for (let s = 0; s < 10; s++) {
    clock.advance(1_000);
    await settle(20);
  }
  assert.deepEqual(fired, ['a']);
});

describe('what is left of deleted actors', () => {
  test('goes after its time, and only after a new claim', async () => {
    const { one, clock, storage, fence } = world();
    await one.ask(write, id, { text: 'a' });
    await one.ask(write, id, undefined);
    const left = () => storage.paths(gonePrefix(shard)).length;
    clock.advance(GONE_LOOK_MS);
    await settle();
    assert.equal(left(), 1);
    assert.equal(fence().claim, 1);
    clock.advance(GONE_MS - GONE_LOOK_MS + 1);
    await settle();
    clock.advance(GONE_LOOK_MS);
    await settle();
    assert.equal(left(), 0);
    assert.equal(fence().claim, 2);
    await one.ask(write, id, { text: 'b' });
    assert.equal(await one.ask(read, id, undefined), 'b');
  });

  test('a creation that lands after it was swept does not revive the deleted', async () => {
    for (const faults of [new Set<string>(), new Set([ACTOR_FAULT.goneSweptWithoutClaim])]) {
      const { one, clock, storage } = world(faults);
      await one.shards.claim(shard);
      const commit = storage.commit.bind(storage);
      let late: (() => Promise<number>) | undefined;
      storage.commit = async (changes, conditions) => {
        storage.commit = commit;
        late = () => commit(changes, conditions);
        throw new StorageFailed('lost', false);
      };
      const writing = one.ask(write, id, { text: 'a' }, { entry: { inc: 'e', n: 1 } });
      await settle();
      clock.advance(OUTCOME_RETRY_MS);
      await writing;
      await one.ask(write, id, undefined, { entry: { inc: 'e', n: 2 } });
      for (let passed = 0; passed < GONE_MS + 2 * GONE_LOOK_MS; passed += GONE_LOOK_MS) {
        clock.advance(GONE_LOOK_MS);
        await settle();
      }
      assert.deepEqual(storage.paths(gonePrefix(shard)), []);
      await late!().catch(() => {});
      assert.equal(storage.paths('data/').length, faults.size);
    }
  });
});
