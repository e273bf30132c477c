/**
 * Unsealing once, sealing everywhere, founding, new terms (protocol §15), on several nodes.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FAULT } from '../../src/cluster/faults.ts';
import { makeOpeningWorld, type OpeningWorld } from '../support/opening-world.ts';

const ALL = ['n1', 'n2', 'n3'];

/** @returns the shares; every node is sealed. */
async function founded(world: OpeningWorld, shares = 3, threshold = 2): Promise<Uint8Array[]> {
  await world.start(...ALL);
  const made = await world.do('n1', ({ opening }) => opening.init({ shares, threshold }));
  assert.equal(made.rootToken, 'root');
  assert(world.allWiped(...ALL));
  return made.keys;
}

async function opened(world: OpeningWorld): Promise<Uint8Array[]> {
  const keys = await founded(world);
  for (const key of keys.slice(0, 2)) await world.do('n1', ({ opening }) => opening.unseal(key));
  await world.until(() => world.allOpen(...ALL), 'all nodes are open');
  return keys;
}

test('one node founds the store, and shares given to one open all', async () => {
  const world = makeOpeningWorld(1);
  const keys = await founded(world);
  for (const name of ALL) {
    const status = await world.do(name, ({ opening }) => opening.status());
    assert.deepEqual([status.initialized, status.sealed, status.threshold], [true, true, 2]);
  }
  await assert.rejects(
    world.do('n2', ({ opening }) => opening.init({ shares: 1, threshold: 1 })),
    /already initialized/,
  );
  await world.do('n2', ({ opening }) => opening.unseal(keys[0]!));
  const after = await world.do('n2', ({ opening }) => opening.unseal(keys[2]!));
  assert.equal(after.sealed, false);
  // When the call returns, wherever the next request goes.
  assert(world.allOpen(...ALL));
  for (const name of ALL) assert.equal(await world.hello(name), 'hello');
});

test('shares given to different nodes count together, and each shows how many', async () => {
  const world = makeOpeningWorld(2);
  const keys = await founded(world, 5, 3);
  await world.do('n1', ({ opening }) => opening.unseal(keys[0]!));
  await world.do('n2', ({ opening }) => opening.unseal(keys[1]!));
  const nonces = new Set<string>();
  for (const name of ALL) {
    const { progress, nonce } = await world.do(name, ({ opening }) => opening.status());
    assert.equal(progress, 2);
    nonces.add(nonce);
  }
  assert.equal(nonces.size, 1);
  await world.do('n3', ({ opening }) => opening.reset());
  assert.equal((await world.do('n1', ({ opening }) => opening.status())).progress, 0);
  for (const [n, name] of ALL.entries()) {
    const { sealed } = await world.do(name, ({ opening }) => opening.unseal(keys[n]!));
    assert.equal(sealed, n < 2);
  }
  await world.until(() => world.allOpen(...ALL), 'all nodes are open');
});

test('wrong shares are refused where they were given, in Vault’s words', async () => {
  const world = makeOpeningWorld(3);
  const keys = await founded(world);
  const wrong = Uint8Array.from(keys[1]!, (byte) => byte ^ 1);
  for (const name of ALL) {
    await world.do(name, ({ opening }) => opening.unseal(keys[0]!));
    await assert.rejects(
      world.do(name, ({ opening }) => opening.unseal(wrong)),
      { code: 'bad_request' },
    );
    assert.equal((await world.do(name, ({ opening }) => opening.status())).progress, 0);
  }
});

test('a node that starts is opened by a member; one whose cluster is sealed is not', async () => {
  const world = makeOpeningWorld(4);
  await opened(world);
  world.crash('n2');
  await world.start('n2');
  await world.until(() => world.allOpen('n2'), 'n2 is open again');
  assert.equal(await world.hello('n2'), 'hello');

  world.crash('n3');
  await world.do('n1', ({ opening }) => opening.seal());
  await world.start('n3');
  await world.pass(10_000);
  assert(world.allWiped(...ALL));
});

test('all nodes die: shares open them again', async () => {
  const world = makeOpeningWorld(5);
  const keys = await opened(world);
  for (const name of ALL) world.crash(name);
  await world.start(...ALL);
  await world.pass(5_000);
  assert(world.allWiped(...ALL));
  await world.do('n3', ({ opening }) => opening.unseal(keys[1]!));
  assert.equal((await world.do('n2', ({ opening }) => opening.unseal(keys[2]!))).sealed, false);
  await world.until(() => world.allOpen(...ALL), 'all nodes are open');
});

test('a seal returns when no node has keys, and shares open all again', async () => {
  const world = makeOpeningWorld(6);
  const keys = await opened(world);
  const sealing = world.begin('n2', ({ opening }) => opening.seal());
  await world.until(() => sealing.done, 'the cluster is sealed');
  assert(!('error' in sealing));
  assert(world.allWiped(...ALL));
  for (const name of ALL) assert(world.node(name).opening.isSealed() && !world.node(name).isOpen);
  for (const name of ALL)
    assert.equal((await world.do(name, ({ opening }) => opening.status())).sealed, true);
  await world.do('n1', ({ opening }) => opening.unseal(keys[0]!));
  await world.do('n3', ({ opening }) => opening.unseal(keys[1]!));
  await world.until(() => world.allOpen(...ALL), 'all nodes are open');
});

test('a seal waits for the silent until they are evicted, and they answer nothing when they come back', async () => {
  const world = makeOpeningWorld(7);
  await opened(world);
  world.node('n3').process.pause();
  await world.pass(10);
  const began = world.scheduler.nowMs;
  await world.do('n1', ({ opening }) => opening.seal());
  assert(world.scheduler.nowMs - began > 1_000, 'it was not waited for');
  assert(world.allWiped('n1', 'n2'));
  world.node('n3').process.resume();
  assert.equal(world.node('n3').membership.isInTime(), false);
  await world.until(() => world.allWiped(...ALL), 'n3 has wiped its keys');
});

test('planted: a seal that does not wait leaves keys behind', async () => {
  let found = 0;
  for (let seed = 1; seed <= 20; seed++) {
    const world = makeOpeningWorld(seed, new Set([FAULT.sealNotWaitedFor]));
    await opened(world);
    const sealing = world.begin('n2', ({ opening }) => opening.seal());
    await world.until(() => sealing.done, 'the cluster is sealed');
    if (!world.allWiped(...ALL)) found++;
  }
  assert(found > 0);
});

test('a node that was given keys while the cluster was sealed is waited for, whenever it comes', async () => {
  for (let seed = 100; seed < 112; seed++) {
    const world = makeOpeningWorld(seed);
    await opened(world);
    world.crash('n3');
    await world.start('n3');
    await world.pass((seed - 100) * 60);
    await world.do('n1', ({ opening }) => opening.seal());
    assert(world.allWiped(...ALL), `seed ${seed}`);
    await world.pass(3_000);
    assert(world.allWiped(...ALL), `seed ${seed}, later`);
  }
});

test('one node sealed stays so though its peers are open, until it is given shares or starts again', async () => {
  const world = makeOpeningWorld(8);
  const keys = await opened(world);
  await world.do('n2', ({ opening }) => opening.seal({ nodeOnly: true }));
  assert(world.allWiped('n2'));
  await world.pass(10_000);
  assert(world.allWiped('n2'));
  assert(world.allOpen('n1', 'n3'));
  assert.equal(world.node('n1').membership.view()?.members.length, 2);
  for (const key of keys.slice(0, 2)) await world.do('n2', ({ opening }) => opening.unseal(key));
  assert(world.allOpen(...ALL));

  await world.do('n2', ({ opening }) => opening.seal({ nodeOnly: true }));
  world.crash('n2');
  await world.start('n2');
  await world.until(() => world.allOpen(...ALL), 'n2 is open again');
});

test('nodes that are sealing themselves while the cluster is sealed do not wait for a way out that nobody opens', async () => {
  for (let seed = 30; seed < 40; seed++) {
    const world = makeOpeningWorld(seed);
    await opened(world);
    const began = world.scheduler.nowMs;
    const alone = ['n2', 'n3'].map((name) =>
      world.begin(name, ({ opening }) => opening.seal({ nodeOnly: true })),
    );
    await world.pass((seed - 30) * 20);
    const all = world.begin('n1', ({ opening }) => opening.seal());
    await world.until(() => all.done, 'the cluster is sealed');
    assert(world.allWiped(...ALL), `seed ${seed}: a key is left`);
    await world.until(() => alone.every(({ done }) => done), 'both are sealed');
    const tookMs = world.scheduler.nowMs - began;
    assert(tookMs < 5_000, `seed ${seed}: ${tookMs} ms`);
    for (const doing of [all, ...alone]) assert(!('error' in doing));
    await world.pass(3_000);
    assert(world.allWiped(...ALL), `seed ${seed}, later`);
  }
});

test('a node that seals itself answers what runs on it first; but not the request that asks for it', async () => {
  const world = makeOpeningWorld(9);
  await opened(world);
  const node = world.node('n2');
  node.requests = ['seals', 'slow'];
  const sealing = world.begin('n2', ({ opening }) => opening.seal({ nodeOnly: true, isRequest: true }));
  await world.pass(2_000);
  assert.equal(sealing.done, false);
  assert.equal(node.opening.isSealed(), true);
  assert(!world.allWiped('n2'));
  // More of them come, and are refused.
  node.requests = ['seals', 'new', 'more'];
  await world.until(() => sealing.done, 'n2 is sealed');
  assert(world.allWiped('n2'));
});

test('planted: a node that leaves does not wait for what runs on it', async () => {
  const world = makeOpeningWorld(9, new Set([FAULT.leavingAuthorizes]));
  await opened(world);
  world.node('n2').requests = ['seals', 'slow'];
  await world.do('n2', ({ opening }) => opening.seal({ nodeOnly: true, isRequest: true }));
  assert(world.allWiped('n2'));
});

test('a sealed node is not sealed any further by whoever asks: nobody could be authorized', async () => {
  const world = makeOpeningWorld(19);
  const keys = await opened(world);
  await world.do('n1', ({ opening }) => opening.seal());
  await world.do('n2', ({ opening }) => opening.seal({ nodeOnly: true }));
  for (const key of keys.slice(0, 2)) await world.do('n3', ({ opening }) => opening.unseal(key));
  await world.until(() => world.allOpen(...ALL), 'all nodes are open');
});

test('a sealed node does not say that it sealed a cluster whose members serve', async () => {
  const world = makeOpeningWorld(26);
  await opened(world);
  world.crash('n3');
  await world.start('n3');
  for (const nodeOnly of [false, true])
    await assert.rejects(
      world.do('n3', ({ opening }) => opening.seal({ nodeOnly })),
      /ask one of them/,
    );
  assert(world.allOpen('n1', 'n2'));
  await world.until(() => world.allOpen(...ALL), 'the third is given the keys');
  await world.do('n3', ({ opening }) => opening.seal({ nodeOnly: true }));
  await world.do('n3', ({ opening }) => opening.seal({ nodeOnly: true }));
});

test('the last node seals itself', async () => {
  const world = makeOpeningWorld(10);
  await world.start('n1');
  const { keys } = await world.do('n1', ({ opening }) => opening.init({ shares: 1, threshold: 1 }));
  await world.do('n1', ({ opening }) => opening.unseal(keys[0]!));
  assert(world.allOpen('n1'));
  await world.do('n1', ({ opening }) => opening.seal({ nodeOnly: true }));
  assert(world.allWiped('n1'));
  await world.do('n1', ({ opening }) => opening.unseal(keys[0]!));
  assert(world.allOpen('n1'));
});

test('a stop leaves in peace and wipes; without a coordinator it goes all the same', async () => {
  const world = makeOpeningWorld(11);
  await opened(world);
  await world.do('n3', ({ opening }) => opening.stop());
  assert(world.allWiped('n3'));
  assert.equal(world.coordinator.records.size, 3, 'the view and two records');
  world.coordinator.weather.isAway = true;
  await world.do('n2', ({ opening }) => opening.stop());
  assert(world.allWiped('n2'));
});

test('a rotation returns when every member encrypts with the new term', async () => {
  const world = makeOpeningWorld(12);
  await opened(world);
  await world.do('n2', ({ opening }) => opening.rotate());
  for (const name of ALL) assert.equal(world.node(name).seal.keyStatus().term, 2);
  world.node('n3').process.pause();
  const rotating = world.begin('n1', ({ opening }) => opening.rotate());
  await world.pass(500);
  assert.equal(rotating.done, false, 'n3 does not know it yet, and is a member');
  await world.until(() => rotating.done, 'n3 is evicted');
  assert(!('error' in rotating));
  world.node('n3').process.resume();
  await world.until(() => world.node('n3').membership.isInTime(), 'n3 is a member again');
  assert.equal(world.node('n3').seal.keyStatus().term, 3);
});

test('an audit device that does not open keeps the node sealed, and says why', async () => {
  const world = makeOpeningWorld(13);
  const keys = await founded(world);
  for (const name of ALL) world.node(name).openFails = 1_000;
  await world.do('n1', ({ opening }) => opening.unseal(keys[0]!));
  await assert.rejects(
    world.do('n1', ({ opening }) => opening.unseal(keys[1]!)),
    /a device cannot be opened/,
  );
  for (const name of ALL) world.node(name).openFails = 0;
  await world.until(() => world.allOpen(...ALL), 'all nodes are open');
});

test('while one node founds the store another may not; when it has died, another begins anew', async () => {
  const world = makeOpeningWorld(14);
  await world.start(...ALL);
  const never = new Promise<void>(() => {});
  world.node('n1').founding = () => never;
  world.begin('n1', ({ opening }) => opening.init({ shares: 1, threshold: 1 }));
  await world.until(() => world.store.records.has('founding') && world.allOpen(), 'n1 is founding');
  await world.pass(3_000);
  assert.equal((await world.do('n2', ({ opening }) => opening.status())).initialized, false);
  await assert.rejects(
    world.do('n2', ({ opening }) => opening.init({ shares: 1, threshold: 1 })),
    { code: 'unavailable' },
  );
  world.crash('n1');
  await world.pass(4_000);
  const { keys } = await world.do('n2', ({ opening }) => opening.init({ shares: 1, threshold: 1 }));
  await world.start('n1');
  await world.do('n3', ({ opening }) => opening.unseal(keys[0]!));
  await world.until(() => world.allOpen(...ALL), 'all nodes are open');
});

test('a founder that was only paused finds itself overtaken, and has founded nothing', async () => {
  const world = makeOpeningWorld(15);
  await world.start(...ALL);
  let goOn = (): void => {};
  const held = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  world.node('n1').founding = () => held;
  const first = world.begin('n1', ({ opening }) => opening.init({ shares: 1, threshold: 1 }));
  await world.until(() => world.store.records.has('founding'), 'n1 is founding');
  await world.pass(2_000);
  world.node('n1').process.pause();
  await world.pass(4_000);
  const { keys } = await world.do('n2', ({ opening }) => opening.init({ shares: 1, threshold: 1 }));
  goOn();
  world.node('n1').process.resume();
  await world.until(() => first.done, 'n1 has given up');
  assert('error' in first);
  await world.do('n3', ({ opening }) => opening.unseal(keys[0]!));
  await world.until(() => world.allOpen(...ALL), 'all nodes are open');
});

test('the root key is for nodes with a record that says so, and from nodes that serve', async () => {
  const world = makeOpeningWorld(16);
  await opened(world);
  const { transport } = world.node('n3').post;
  assert.equal(transport.peer, 'peer-n3');
  // Its record says that it has keys: it is no stranger, and a seal would wait for it.
  assert(
    (await world.do('n3', ({ post }) => post.request('peer-n1', 'key/ask', undefined))) instanceof Uint8Array,
  );
  await world.do('n3', ({ opening }) => opening.seal({ nodeOnly: true }));
  await world.pass(1_000);
  await assert.rejects(
    world.do('n3', ({ post }) => post.request('peer-n1', 'key/ask', undefined)),
    { code: 'unavailable' },
  );
  // Out of time, it does not know whether the cluster is sealed.
  world.coordinator.weather.isAway = true;
  await world.until(() => !world.node('n1').membership.isInTime(), 'n1 is out of time');
  await assert.rejects(
    world.do('n2', ({ post }) => post.request('peer-n1', 'key/ask', undefined)),
    { code: 'unavailable' },
  );
});

test('without a coordinator a seal closes the node that is asked, says so, and reaches the others later', async () => {
  const world = makeOpeningWorld(17);
  await opened(world);
  world.coordinator.weather.isAway = true;
  await world.until(
    () => ALL.every((name) => !world.node(name).membership.isInTime()),
    'all are out of time',
  );
  await assert.rejects(
    world.do('n1', ({ opening }) => opening.seal()),
    /this node is sealed; the others will be/,
  );
  assert(world.allWiped('n1') && !world.allWiped('n2'));
  world.coordinator.weather.isAway = false;
  await world.until(() => world.allWiped(...ALL), 'all are sealed');
  await world.pass(5_000);
  assert(world.allWiped(...ALL));
});

test('shares without a coordinator: the node says that it cannot enter, and enters once it can', async () => {
  const world = makeOpeningWorld(18);
  const keys = await founded(world);
  await world.pass(1_000);
  world.coordinator.weather.isAway = true;
  await world.pass(3_000);
  const all = () => Promise.all(keys.slice(0, 2).map((key) => world.node('n1').opening.unseal(key)));
  await assert.rejects(world.do('n1', all), { code: 'unavailable' });
  world.coordinator.weather.isAway = false;
  await world.until(() => world.allOpen(...ALL), 'all nodes are open');
});

test('seals, again and again, while shares are given', async () => {
  for (let seed = 200; seed < 206; seed++) {
    const world = makeOpeningWorld(seed);
    const keys = await opened(world);
    const seals = ALL.map((name) => world.begin(name, ({ opening }) => opening.seal()));
    const given = ALL.map((name, n) =>
      world.begin(name, ({ opening }) => opening.unseal(keys[n % 2]!).catch(() => opening.status())),
    );
    await world.until(() => [...seals, ...given].every(({ done }) => done), 'all have ended', 60_000);
    for (const { error } of seals) assert.equal(error, undefined);
    await world.pass(3_000);
    for (const key of keys) await world.do('n2', ({ opening }) => opening.unseal(key));
    await world.until(() => world.allOpen(...ALL), `all nodes are open, seed ${seed}`);
  }
});
