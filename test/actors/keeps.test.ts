/**
 * Changes that mostly change nothing.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ActorId, type ActorOperation, OWN_CLAIMS } from '../../src/model/actor.ts';
import { startCluster } from '../support/cluster.ts';
import { jsonKind } from '../support/json-kind.ts';
import { makeMemoryStorage } from '../support/memory-storage.ts';

type State = { readonly value: number } | undefined;

const counter = jsonKind<{ readonly value: number }>('counter', { keepsAbsent: true });
const add: ActorOperation<State, number, number> = {
  id: 'add',
  actor: counter,
  mode: 'change',
  run(state, by) {
    const value = (state?.value ?? 0) + by;
    return { reply: value, next: { state: { value } } };
  },
};
/** Takes one where there are some. */
const take: ActorOperation<State, undefined, number> = {
  id: 'take',
  actor: counter,
  mode: 'change',
  mostlyKeeps: true,
  run(state) {
    if (!state) return { reply: 0 };
    const value = state.value - 1;
    return { reply: state.value, next: { state: value === 0 ? undefined : { value } } };
  },
};

const id: ActorId = { kind: 'counter', namespace: 'root', mount: 'm', name: 'a' };
const own = { claims: OWN_CLAIMS };

function make() {
  const storage = makeMemoryStorage();
  return { storage, cluster: startCluster(storage, [counter]) };
}

/** Whether it is answered before anything else could have run. */
async function isAtOnce(answer: Promise<unknown>): Promise<boolean> {
  const first = await Promise.race([answer.then(() => 'at once'), nextTurn()]);
  return first === 'at once';
}
const nextTurn = () =>
  new Promise((resolve) => process.nextTick(() => queueMicrotask(() => resolve('later'))));

test('where nothing is changed and nothing waits it is answered at once', async () => {
  const { cluster, storage } = make();
  assert.equal(await isAtOnce(cluster.send(take, id, undefined, own)), false, 'it has to be loaded');
  await cluster.send(take, id, undefined, own);
  assert.equal(await isAtOnce(cluster.send(take, id, undefined, own)), true);
  assert.equal(storage.commits, 0);
});

test('what it changes is changed once', async () => {
  const { cluster } = make();
  await cluster.send(add, id, 3, own);
  assert.deepEqual(
    await Promise.all([1, 2, 3, 4].map(() => cluster.send(take, id, undefined, own))),
    [3, 2, 1, 0],
  );
});

test('it does not overtake a change that waits, or is under way', async () => {
  const { cluster, storage } = make();
  await cluster.send(take, id, undefined, own);
  const gate = Promise.withResolvers<void>();
  storage.beforeCommit = () => gate.promise;
  const added = cluster.send(add, id, 2, own);
  const first = cluster.send(take, id, undefined, own);
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  const second = cluster.send(take, id, undefined, own);
  gate.resolve();
  assert.deepEqual(await Promise.all([added, first, second]), [2, 2, 1]);
});

test('under authority that has ended it is refused', async () => {
  const { cluster } = make();
  await cluster.send(take, id, undefined, own);
  const claims = { good: () => false, mayCreate: true, mayUpdate: true };
  await assert.rejects(cluster.send(take, id, undefined, { claims }), { code: 'stale_claims' });
  await assert.rejects(cluster.send(take, id, undefined, { ...own, request: { isOver: true } as never }), {
    code: 'deadline',
  });
});
