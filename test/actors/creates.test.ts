/**
 * Messages that make an actor without a look at the store.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gonePath, headPath, shardOf } from '../../src/actors/places.ts';
import { type ActorId, type ActorOperation, actorKey, OWN_CLAIMS } from '../../src/model/actor.ts';
import { CodedError } from '../../src/model/errors.ts';
import { OUTCOME_RETRY_MS } from '../../src/model/limits.ts';
import { StorageFailed } from '../../src/model/storage.ts';
import { PLAIN_NAMES, startCluster } from '../support/cluster.ts';
import { jsonKind } from '../support/json-kind.ts';
import { makeMemoryStorage } from '../support/memory-storage.ts';
import { makeSharedView, startOwnNode } from '../support/own-node.ts';
import { settle } from '../support/turns.ts';

type State = { readonly text: string } | undefined;

const note = jsonKind<{ readonly text: string }>('note');

type Op<P, R> = ActorOperation<State, P, R>;
let seen: State[] = [];
const create: Op<string, string> = {
  id: 'create',
  actor: note,
  mode: 'change',
  creates: true,
  run(state, text) {
    seen.push(state);
    if (text === 'odd') throw new CodedError('bad_request', `odd beside ${state?.text ?? 'nothing'}`);
    if (state) throw new CodedError('bad_request', 'it is there');
    return { reply: `made ${text}`, next: { state: { text } } };
  },
};
/** Let go of as soon as it is stored. */
const leave: Op<string, string> = { ...create, id: 'leave', leaves: true };
const read: Op<undefined, State> = {
  id: 'read',
  actor: note,
  mode: 'read',
  run: (state) => ({ reply: state }),
};
const remove: Op<undefined, void> = {
  id: 'remove',
  actor: note,
  mode: 'change',
  run: () => ({ reply: undefined, next: { state: undefined } }),
};

const id: ActorId = { kind: 'note', namespace: 'root', mount: 'm', name: 'a' };
const head = headPath(PLAIN_NAMES, id);
const shard = shardOf(actorKey(id));
const entry = (n: number, inc = 'e1') => ({ entry: { inc, n } });
const isThere = { message: 'it is there' };

/** A store, and what is looked up in it. */
function makeWatched() {
  const storage = makeMemoryStorage();
  const looks: string[] = [];
  storage.beforeGet = (path) => void looks.push(path);
  seen = [];
  return { storage, looks };
}

function world() {
  const { storage, looks } = makeWatched();
  const shared = makeSharedView();
  shared.give('one');
  const start = (inc: string) => startOwnNode({ inc, storage, shared, kinds: [note] });
  return { storage, looks, shared, start, one: start('one') };
}

describe('what is created unasked, on a node that is alone', () => {
  const own = { claims: OWN_CLAIMS };

  test('is not looked for; what is there is seen all the same', async () => {
    const { storage, looks } = makeWatched();
    const first = startCluster(storage, [note]);
    assert.equal(await first.send(create, id, 'x', own), 'made x');
    assert.deepEqual(looks, []);
    assert.deepEqual(await first.send(read, id, undefined, own), { text: 'x' });
    assert.deepEqual(looks, [], 'nor afterwards');
    await first.stop();
    const second = startCluster(storage, [note]);
    await assert.rejects(second.send(create, id, 'y', own), isThere);
    assert.deepEqual(await second.send(read, id, undefined, own), { text: 'x' });
    assert.deepEqual(second.faults, []);
  });

  test('a refusal rests on what is stored', async () => {
    const { storage } = makeWatched();
    const first = startCluster(storage, [note]);
    await first.send(create, id, 'x', own);
    await first.stop();
    const second = startCluster(storage, [note]);
    await assert.rejects(second.send(create, id, 'odd', own), { message: 'odd beside x' });
    assert.deepEqual(seen, [undefined, undefined, { text: 'x' }]);
  });

  test('who reads while it is being made waits, and sees what became of it', async () => {
    for (const before of [undefined, 'x']) {
      const { storage } = makeWatched();
      if (before) {
        const older = startCluster(storage, [note]);
        await older.send(create, id, before, own);
        await older.stop();
      }
      const cluster = startCluster(storage, [note]);
      const gate = Promise.withResolvers<void>();
      storage.beforeCommit = () => gate.promise;
      const made = cluster.send(create, id, 'y', own);
      await settle(5);
      const reading = cluster.send(read, id, undefined, own);
      await settle(5);
      gate.resolve();
      if (before) await assert.rejects(made, isThere);
      else assert.equal(await made, 'made y');
      assert.deepEqual(await reading, { text: before ?? 'y' });
      assert.deepEqual(await cluster.send(read, id, undefined, own), { text: before ?? 'y' });
    }
  });

  test('where the store fails it is not there, and may be made then', async () => {
    const { storage } = makeWatched();
    const cluster = startCluster(storage, [note]);
    storage.beforeCommit = () => {
      throw new StorageFailed('no', true);
    };
    await assert.rejects(cluster.send(create, id, 'x', own));
    assert.equal(await cluster.send(read, id, undefined, own), undefined);
    storage.beforeCommit = undefined;
    assert.equal(await cluster.send(create, id, 'x', own), 'made x');
    await assert.rejects(cluster.send(create, id, 'x', own), isThere);
  });

  test('of many at once one makes it', async () => {
    const { storage } = makeWatched();
    const cluster = startCluster(storage, [note]);
    const all = await Promise.allSettled(['a', 'b', 'c'].map((text) => cluster.send(create, id, text, own)));
    assert.deepEqual(
      all.map(({ status }) => status),
      ['fulfilled', 'rejected', 'rejected'],
    );
    assert.deepEqual(await cluster.send(read, id, undefined, own), { text: 'a' });
  });
});

describe('what is created unasked, on one node of several', () => {
  test('is not looked for, neither its head nor what is left of one that is deleted', async () => {
    const { one, looks } = world();
    await one.shards.claim(shard);
    looks.length = 0;
    assert.equal(await one.ask(create, id, 'x', entry(1)), 'made x');
    assert.deepEqual(looks, []);
    assert.deepEqual(await one.ask(read, id, undefined), { text: 'x' });
  });

  test('a message that comes twice takes effect once, at the next owner too', async () => {
    const { one, start, shared } = world();
    assert.equal(await one.ask(create, id, 'x', entry(1)), 'made x');
    assert.equal(await one.ask(create, id, 'x', entry(1)), 'made x');
    shared.give('two');
    const two = start('two');
    assert.equal(await two.ask(create, id, 'x', entry(1)), 'made x', 'as it was told then');
    await assert.rejects(two.ask(create, id, 'y', entry(1, 'e2')), isThere);
    assert.deepEqual(await two.ask(read, id, undefined), { text: 'x' });
  });

  test('what is let go of once it is stored is there for whoever comes, and its message takes effect once', async () => {
    const { one, looks } = world();
    await one.shards.claim(shard);
    assert.equal(await one.ask(leave, id, 'x', entry(1)), 'made x');
    await settle();
    looks.length = 0;
    assert.equal(await one.ask(leave, id, 'x', entry(1)), 'made x', 'as it was told then');
    assert(looks.includes(head), 'it is read from the store');
    await assert.rejects(one.ask(leave, id, 'y', entry(1, 'e2')), isThere);
    assert.deepEqual(await one.ask(read, id, undefined), { text: 'x' });
    await one.ask(remove, id, undefined, entry(1, 'e3'));
    assert.equal(await one.ask(leave, id, 'x', entry(1)), 'made x');
    assert.equal(await one.ask(read, id, undefined), undefined, 'nor is it made anew');
  });

  test('a late copy does not bring back what was deleted since', async () => {
    const { one, start, shared, storage } = world();
    await one.ask(create, id, 'x', entry(1));
    await one.ask(remove, id, undefined, entry(1, 'e2'));
    shared.give('two');
    const two = start('two');
    assert.equal(await two.ask(create, id, 'x', entry(1)), 'made x');
    assert.equal(await two.ask(read, id, undefined), undefined);
    assert(!storage.records.has(head));
    assert(storage.records.has(gonePath(PLAIN_NAMES, shard, actorKey(id))));
  });

  test('another message makes it anew', async () => {
    const { one, start, shared, storage } = world();
    await one.ask(create, id, 'x', entry(1));
    await one.ask(remove, id, undefined, entry(2));
    shared.give('two');
    const two = start('two');
    assert.equal(await two.ask(create, id, 'y', entry(1, 'e2')), 'made y');
    assert(!storage.records.has(gonePath(PLAIN_NAMES, shard, actorKey(id))));
    assert.equal(await two.ask(create, id, 'y', entry(1, 'e2')), 'made y');
  });

  test('an answer to its commit that is lost: it is looked for, and made again where it was not', async () => {
    for (const lands of [true, false]) {
      const { one, storage } = world();
      await one.shards.claim(shard);
      const commit = storage.commit.bind(storage);
      let losing = true;
      storage.commit = async (changes, conditions) => {
        if (!losing) return commit(changes, conditions);
        losing = false;
        if (lands) await commit(changes, conditions);
        throw new StorageFailed('lost', false);
      };
      const asked = one.ask(create, id, 'x', entry(1));
      const reading = settle(5).then(() => one.ask(read, id, undefined));
      await settle();
      one.clock.advance(OUTCOME_RETRY_MS);
      assert.equal(await asked, 'made x');
      assert.deepEqual(await reading, lands ? { text: 'x' } : undefined, 'as it stood then');
      assert.deepEqual(await one.ask(read, id, undefined), { text: 'x' });
      assert.equal(seen.length, lands ? 1 : 2);
    }
  });

  test('who lost the shard meanwhile makes nothing', async () => {
    const { one, start, shared, storage } = world();
    await one.shards.claim(shard);
    one.seen = shared.view;
    shared.give('two');
    const two = start('two');
    await two.shards.claim(shard);
    await assert.rejects(one.ask(create, id, 'x', entry(1)));
    assert(!storage.records.has(head));
    assert.equal(await two.ask(create, id, 'y', entry(1, 'e2')), 'made y');
  });
});
