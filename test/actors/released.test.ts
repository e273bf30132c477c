/**
 * An actor that this node gave up while it was about to be loaded: it blocks grants no more, since nobody would let them go.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shardOf } from '../../src/actors/places.ts';
import { type ActorOperation, actorKey } from '../../src/model/actor.ts';
import { jsonKind } from '../support/json-kind.ts';
import { makeMemoryStorage } from '../support/memory-storage.ts';
import { makeSharedView, startOwnNode } from '../support/own-node.ts';

type Note = { text: string } | undefined;

const note = jsonKind<{ text: string }>('note');
const create: ActorOperation<Note, string, string> = {
  id: 'note/create',
  actor: note,
  mode: 'change',
  creates: true,
  run: (state, text) => {
    assert.equal(state, undefined);
    return { reply: 'made', next: { state: { text } } };
  },
};
const read: ActorOperation<Note, undefined, Note> = {
  id: 'note/read',
  actor: note,
  mode: 'read',
  run: (state) => ({ reply: state }),
};

const id = { kind: 'note', namespace: 'root', mount: 'm', name: 'a' };

async function turns(): Promise<void> {
  for (let n = 0; n < 30; n++) await new Promise((resolve) => setImmediate(resolve));
}

test('a look that waited for a creation under way, while the shard went to another node', async () => {
  const storage = makeMemoryStorage();
  const shared = makeSharedView();
  shared.give('one');
  // biome-ignore lint/suspicious/noExplicitAny: kinds of all states
  const one = startOwnNode({ inc: 'one', storage, shared, kinds: [note as any] });
  const shard = shardOf(actorKey(id));
  await one.shards.claim(shard);
  const gate = Promise.withResolvers<void>();
  storage.beforeCommit = () => gate.promise;
  // biome-ignore lint/suspicious/noExplicitAny: a request's entry, as another node sends it
  const made = one.ask(create, id, 'x', { entry: { inc: 'e', n: 1 } } as any);
  await turns();
  const looked = one.ask(read, id, undefined);
  await turns();
  one.actors.dropShard(shard);
  gate.resolve();
  await Promise.allSettled([made, looked]);
  const count = (what: string) => one.grantCalls.filter((call) => call.startsWith(what)).length;
  assert.equal(count('block'), count('release'));
  assert(count('block') > 0);
});
