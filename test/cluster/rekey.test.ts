/**
 * Another seal in force, and another root key, on several nodes (protocol §15): every node goes on, whoever stops on the way.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SealDraft } from '../../src/seal/rekeying.ts';
import { makeOpeningWorld, type OpeningNode, type OpeningWorld } from '../support/opening-world.ts';

const ALL = ['n1', 'n2', 'n3'];
const CONFIG = { shares: 3, threshold: 2 };

async function opened(world: OpeningWorld): Promise<Uint8Array[]> {
  await world.start(...ALL);
  const { keys } = await world.do('n1', ({ opening }) => opening.init(CONFIG));
  await unseal(world, keys);
  return keys;
}

async function unseal(world: OpeningWorld, shares: readonly Uint8Array[]): Promise<void> {
  for (const share of shares.slice(0, 2)) await world.do('n1', ({ opening }) => opening.unseal(share));
  await world.until(() => world.allOpen(...ALL), 'all nodes are open');
}

type Draft = SealDraft & { readonly shares: Uint8Array[] };

/** Its draft is handed out first: of a node that is lost on the way there is nothing else to know it by. */
async function rekey(
  { opening, seal }: OpeningNode,
  drawn: (draft: Draft) => unknown = () => {},
): Promise<Draft> {
  const before = await seal.rekeying.inForce();
  const draft = seal.rekeying.draw(CONFIG);
  drawn(draft);
  await opening.replaceSeal(draft, before.id);
  return draft;
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

/** True: these shares open a cluster that was sealed. */
async function opens(world: OpeningWorld, shares: readonly Uint8Array[]): Promise<boolean> {
  await world.do('n1', ({ opening }) => opening.seal());
  try {
    await unseal(world, shares);
  } catch {
    await world.do('n1', ({ opening }) => opening.reset());
    return false;
  }
  for (const name of ALL) assert.equal(await world.hello(name), 'hello');
  return true;
}

test('a rekey returns when every member goes by the new root key', async () => {
  const world = makeOpeningWorld(1);
  const old = await opened(world);
  const draft = await world.do('n2', (node) => rekey(node));
  for (const name of ALL) {
    assert.equal(hex(world.node(name).seal.rootKey()), hex(draft.rootKey), name);
    await world.do(name, ({ opening }) => opening.rotate());
    const { threshold } = await world.do(name, ({ opening }) => opening.status());
    assert.equal(threshold, 2);
  }
  assert.equal(await opens(world, old), false);
  await unseal(world, draft.shares);
  assert.equal(world.node('n3').seal.keyStatus().term, 4);
});

test('a node that starts after it is given the new root key', async () => {
  const world = makeOpeningWorld(2);
  await opened(world);
  world.crash('n3');
  await world.do('n1', (node) => rekey(node));
  await world.start('n3');
  await world.until(() => world.allOpen(...ALL), 'n3 is open');
  await world.do('n3', ({ opening }) => opening.rotate());
});

test('a node that has the old root key, and was no member yet when it was replaced, is given the new one as it joins', async () => {
  const world = makeOpeningWorld(5);
  await opened(world);
  world.crash('n3');
  await world.start('n3');
  world.node('n3').openFails = 1_000_000;
  await world.until(() => !world.node('n3').seal.barrier.isSealed(), 'n3 has keys');
  assert.equal(world.allOpen('n3'), false);
  const draft = await world.do('n1', (node) => rekey(node));
  assert.notEqual(hex(world.node('n3').seal.rootKey()), hex(draft.rootKey), 'nobody has told it');
  world.node('n3').openFails = 0;
  await world.until(() => world.allOpen('n3'), 'n3 is open');
  assert.equal(hex(world.node('n3').seal.rootKey()), hex(draft.rootKey));
  await world.do('n3', ({ opening }) => opening.rotate());
});

test('a member that sleeps meanwhile is evicted first; it goes on when it comes back', async () => {
  const world = makeOpeningWorld(3);
  await opened(world);
  world.node('n3').process.pause();
  const rekeying = world.begin('n1', (node) => rekey(node));
  await world.pass(500);
  assert.equal(rekeying.done, false, 'n3 does not know it yet, and is a member');
  await world.until(() => rekeying.done, 'n3 is evicted');
  assert(!('error' in rekeying), String(rekeying.error));
  world.node('n3').process.resume();
  await world.until(() => world.node('n3').membership.isInTime(), 'n3 is a member again');
  await world.do('n3', ({ opening }) => opening.rotate());
  assert.equal(hex(world.node('n3').seal.rootKey()), hex(rekeying.value!.rootKey));
});

test('a seal that was replaced meanwhile: the second one is refused, and its shares open nothing', async () => {
  const world = makeOpeningWorld(4);
  await opened(world);
  const both = ['n1', 'n2'].map((name) => world.begin(name, (node) => rekey(node)));
  await world.until(() => both.every(({ done }) => done), 'both are through', 60_000);
  const won = both.filter((doing) => !('error' in doing));
  assert.equal(won.length, 1);
  for (const name of ALL) await world.do(name, ({ opening }) => opening.rotate());
  assert.equal(await opens(world, won[0]!.value!.shares), true);
});

for (let seed = 100; seed < 112; seed++) {
  test(`the node that does it dies on the way: old or new shares open, and all others go on (${seed})`, async () => {
    const world = makeOpeningWorld(seed);
    const old = await opened(world);
    const seal = () => hex(world.store.records.get('seal')!.value);
    const before = seal();
    const drawn: Draft[] = [];
    world.begin('n2', (node) => rekey(node, (draft) => drawn.push(draft)));
    await world.until(() => drawn.length > 0, 'it has begun');
    await world.pass((seed - 100) * 3);
    world.crash('n2');
    for (const name of ['n1', 'n3']) await world.do(name, ({ opening }) => opening.rotate());
    await world.start('n2');
    await world.until(() => world.allOpen(...ALL), 'n2 is open again');
    await world.do('n2', ({ opening }) => opening.rotate());
    const isDone = seal() !== before;
    assert.equal(await opens(world, isDone ? old : drawn[0]!.shares), false);
    await unseal(world, isDone ? drawn[0]!.shares : old);
  });
}
