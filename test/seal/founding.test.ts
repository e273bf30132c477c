import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { makeSeal } from '../../src/seal/seal.ts';
import { FOUNDING_PATH } from '../../src/seal/seal-config.ts';
import { makeSealedStorage } from '../../src/seal/sealed-storage.ts';
import { makeFaultyStorage } from '../support/faulty-storage.ts';
import { makeMemoryStorage } from '../support/memory-storage.ts';

const ONE = { shares: 1, threshold: 1 };
const sealOn = (storage: ReturnType<typeof makeMemoryStorage>) =>
  makeSeal({ storage, randomBytes: (bytes) => randomBytes(bytes), now: () => 0 });

test('a store that was not founded to its end is not initialised, and the next init begins anew', async () => {
  const storage = makeMemoryStorage();
  await storage.commit([{ path: 'format', value: Buffer.from('{}') }], []);
  const first = sealOn(storage);
  const never = first.init(ONE, async () => {
    const sealed = makeSealedStorage(storage, first.barrier);
    for (let n = 0; n < 130; n++) await sealed.commit([{ path: `data/${n}`, value: Buffer.from('x') }], []);
    throw new Error('the process dies here');
  });
  await assert.rejects(never, /dies here/);
  assert.equal(storage.paths('data/').length, 130);

  const second = sealOn(storage);
  assert.equal(await second.initialized(), false);
  const { initialized, sealed, shares } = await second.status();
  assert.deepEqual([initialized, sealed, shares], [false, true, 0]);
  await assert.rejects(second.unseal(randomBytes(32)), { code: 'not_initialized' });

  let duringFounding: boolean | undefined;
  const [key] = await second.init(ONE, async (made) => {
    assert.equal(made.length, 1);
    duringFounding = await second.initialized();
    await makeSealedStorage(storage, second.barrier).commit(
      [{ path: 'data/new', value: Buffer.from('y') }],
      [],
    );
  });
  assert.equal(duringFounding, false);
  assert.deepEqual(storage.paths(''), ['data/new', 'format', 'keyring', 'seal']);
  await assert.rejects(second.init(ONE), /Vault is already initialized/);

  const third = sealOn(storage);
  assert.equal((await third.unseal(key!)).sealed, false);
  assert.equal((await makeSealedStorage(storage, third.barrier).get('data/new'))?.value.toString(), 'y');
});

test('what is the store’s own stays where an init is cleared away', async () => {
  const storage = makeMemoryStorage();
  const own = ['cluster', 'fence/0001', 'format'];
  for (const path of own) await storage.commit([{ path, value: Buffer.from('{}') }], []);
  await assert.rejects(
    sealOn(storage).init(ONE, async () => {
      throw new Error('dies');
    }),
  );
  await sealOn(storage).init(ONE);
  assert.deepEqual(storage.paths(''), [...own, 'keyring', 'seal'].sort());
});

test('where several nodes use the store, what one of them is founding is not cleared away while it may live', async () => {
  const storage = makeMemoryStorage();
  const alive = new Set(['a']);
  const founders = (name: string) => ({ self: () => name, isAlive: (other: string) => alive.has(other) });
  const never = sealOn(storage).init(
    ONE,
    async () => {
      alive.delete('a');
      // Its node is thought dead: another one founds the store, and is through first.
      await sealOn(storage).init(ONE, undefined, founders('b'));
    },
    founders('a'),
  );
  await assert.rejects(never, /already initialized/);
  const kept = makeMemoryStorage();
  alive.add('a');
  const first = sealOn(kept).init(
    ONE,
    async () => {
      await assert.rejects(sealOn(kept).init(ONE, undefined, founders('b')), { code: 'unavailable' });
    },
    founders('a'),
  );
  await first;
  assert.equal(await sealOn(kept).initialized(), true);
});

test('an init whose last commit nobody answered is asked about until it is known', async () => {
  for (const kind of ['fails after', 'lands late'] as const) {
    const inner = makeMemoryStorage();
    let ending = false;
    let times = 0;
    const storage = makeFaultyStorage(inner, () => ({
      kind: ending && ++times <= 2 ? kind : 'well',
      turns: 1,
    }));
    const seal = makeSeal({ storage, randomBytes: (bytes) => randomBytes(bytes), now: () => 0 });
    const [key] = await seal.init(ONE, async () => {
      ending = true;
    });
    const next = sealOn(inner);
    assert.equal(await next.initialized(), true, kind);
    assert.equal((await next.unseal(key!)).sealed, false);
  }
});

test('a removal of left-overs that is broken off is taken up again', async () => {
  const storage = makeMemoryStorage();
  const first = sealOn(storage);
  await assert.rejects(
    first.init(ONE, async () => {
      const sealed = makeSealedStorage(storage, first.barrier);
      for (let n = 0; n < 130; n++) await sealed.commit([{ path: `data/${n}`, value: Buffer.from('x') }], []);
      throw new Error('dies');
    }),
  );
  let commits = 0;
  storage.beforeCommit = () => {
    if (++commits === 2) throw new Error('dies again');
  };
  await assert.rejects(sealOn(storage).init(ONE), /dies again/);
  assert(storage.records.has(FOUNDING_PATH));
  storage.beforeCommit = undefined;
  await sealOn(storage).init(ONE);
  assert.equal(storage.paths('data/').length, 0);
});
