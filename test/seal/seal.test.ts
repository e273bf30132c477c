import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { StorageFailed } from '../../src/model/storage.ts';
import { makeSeal, type Seal } from '../../src/seal/seal.ts';
import { makeMemoryStorage } from '../support/memory-storage.ts';

function newSeal(storage = makeMemoryStorage()) {
  return { storage, seal: makeSeal({ storage, randomBytes, now: Date.now }) };
}

async function initialized(shares: number, threshold: number) {
  const { storage, seal } = newSeal();
  const keys = await seal.init({ shares, threshold });
  await seal.seal();
  return { storage, seal, keys };
}

async function giveAll(seal: Seal, keys: Uint8Array[]): Promise<void> {
  for (const key of keys) await seal.unseal(key);
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const SEALED = { name: 'CodedError', code: 'sealed', status: 503 };
const WRONG_KEY = {
  code: 'bad_request',
  status: 400,
  message:
    'unable to retrieve stored keys: invalid key: failed to decrypt keys from storage: cipher: message authentication failed',
};

test('a new store: not initialized, sealed, all zero', async () => {
  const { seal } = newSeal();
  assert.equal(await seal.initialized(), false);
  assert.deepEqual(await seal.status(), {
    type: 'shamir',
    initialized: false,
    sealed: true,
    threshold: 0,
    shares: 0,
    progress: 0,
    nonce: '',
  });
  await assert.rejects(seal.unseal(randomBytes(33)), {
    code: 'not_initialized',
    message: 'Vault is not initialized',
  });
});

test('init gives the shares and leaves the barrier open; sealing closes it', async () => {
  const { seal } = newSeal();
  const keys = await seal.init({ shares: 5, threshold: 3 });
  assert.deepEqual(
    keys.map((key) => key.length),
    [33, 33, 33, 33, 33],
  );
  assert.equal((await seal.status()).sealed, false);
  assert.equal(await seal.initialized(), true);
  await seal.seal();
  const { sealed, threshold, shares } = await seal.status();
  assert.deepEqual({ sealed, threshold, shares }, { sealed: true, threshold: 3, shares: 5 });
});

test('one share is the unseal key itself', async () => {
  const { seal, keys } = await initialized(1, 1);
  assert.deepEqual(
    keys.map((key) => key.length),
    [32],
  );
  assert.equal((await seal.unseal(keys[0]!)).sealed, false);
});

test('numbers that do not fit are refused in Vault’s words', async () => {
  const { storage, seal } = newSeal();
  const refused: [number, number, string][] = [
    [0, 0, 'shares must be at least one'],
    [3, 0, 'threshold must be at least one'],
    [2, 1, 'threshold must be greater than one for multiple shares'],
    [256, 2, 'shares must be less than 256'],
    [2, 3, 'threshold cannot be larger than shares'],
    [Number.NaN, 1, 'shares must be at least one'],
  ];
  for (const [shares, threshold, text] of refused) {
    const message = `invalid seal configuration: ${text}`;
    await assert.rejects(seal.init({ shares, threshold }), { code: 'bad_request', message });
  }
  assert.equal(storage.records.size, 0);
});

test('a store is initialized once, also by two nodes at once', async () => {
  const again = { code: 'bad_request', message: 'Vault is already initialized' };
  const { storage, seal } = newSeal();
  const [first, second] = await Promise.allSettled([
    seal.init({ shares: 1, threshold: 1 }),
    newSeal(storage).seal.init({ shares: 1, threshold: 1 }),
  ]);
  assert.deepEqual([first.status, second.status].sort(), ['fulfilled', 'rejected']);
  await assert.rejects(seal.init({ shares: 1, threshold: 1 }), again);
  await assert.rejects(newSeal(storage).seal.init({ shares: 1, threshold: 1 }), again);
});

test('shares count up to the threshold, under one nonce; the last one unseals', async () => {
  const { seal, keys } = await initialized(5, 3);
  const first = await seal.unseal(keys[4]!);
  assert.match(first.nonce, UUID);
  assert.deepEqual([first.progress, first.sealed], [1, true]);
  const second = await seal.unseal(keys[0]!);
  assert.deepEqual([second.progress, second.nonce], [2, first.nonce]);
  const third = await seal.unseal(keys[2]!);
  assert.deepEqual([third.progress, third.nonce, third.sealed], [0, '', false]);
});

test('every three of five shares unseal, in another process too', async () => {
  const { storage, keys } = await initialized(5, 3);
  for (let a = 0; a < 5; a++)
    for (let b = a + 1; b < 5; b++)
      for (let c = b + 1; c < 5; c++) {
        const { seal } = newSeal(storage);
        await giveAll(seal, [keys[c]!, keys[a]!, keys[b]!]);
        assert.equal((await seal.status()).sealed, false);
      }
});

test('a share given twice does not count twice', async () => {
  const { seal, keys } = await initialized(5, 3);
  await seal.unseal(keys[0]!);
  assert.equal((await seal.unseal(Uint8Array.from(keys[0]!))).progress, 1);
  assert.equal((await seal.unseal(keys[1]!)).progress, 2);
  assert.equal((await seal.unseal(keys[0]!)).progress, 2);
  assert.equal((await seal.unseal(keys[3]!)).sealed, false);
});

test('wrong shares at the threshold: 400 in Vault’s words, and all are forgotten', async () => {
  const { seal, keys } = await initialized(5, 3);
  const wrong = Uint8Array.from(keys[2]!);
  wrong[7]! ^= 1;
  await giveAll(seal, [keys[0]!, keys[1]!]);
  const before = (await seal.status()).nonce;
  await assert.rejects(seal.unseal(wrong), WRONG_KEY);
  const after = await seal.status();
  assert.deepEqual([after.progress, after.nonce, after.sealed], [0, '', true]);
  assert.notEqual((await seal.unseal(keys[0]!)).nonce, before);
  await giveAll(seal, [keys[1]!, keys[2]!]);
  assert.equal((await seal.status()).sealed, false);
});

test('shares that cannot belong together, too short or too long: Vault’s words', async () => {
  const { seal, keys } = await initialized(5, 3);
  const twin = Uint8Array.from(keys[0]!);
  twin[0]! ^= 1;
  await giveAll(seal, [keys[0]!, twin]);
  await assert.rejects(seal.unseal(keys[1]!), {
    status: 400,
    message: 'invalid key: failed to compute combined key: duplicate part detected',
  });
  await giveAll(seal, [keys[0]!, keys[1]!]);
  await assert.rejects(seal.unseal(keys[2]!.subarray(0, 20)), {
    status: 400,
    message: 'invalid key: failed to compute combined key: all parts must be the same length',
  });
  await assert.rejects(seal.unseal(randomBytes(15)), {
    message: 'invalid key: key is shorter than minimum 16 bytes',
  });
  await assert.rejects(seal.unseal(randomBytes(34)), {
    message: 'invalid key: key is longer than maximum 33 bytes',
  });
  await assert.rejects(
    giveAll(
      seal,
      [1, 2, 3].map((x) => Buffer.alloc(21, x)),
    ),
    {
      message: 'invalid key: failed to setup unseal key: crypto/aes: invalid key size 20',
    },
  );
  assert.equal((await seal.status()).progress, 0);
  const single = await initialized(1, 1);
  for (const bytes of [16, 24, 32]) await assert.rejects(single.seal.unseal(randomBytes(bytes)), WRONG_KEY);
  await assert.rejects(single.seal.unseal(randomBytes(33)), { message: /invalid key size 33$/ });
});

test('reset forgets the shares given so far', async () => {
  const { seal, keys } = await initialized(5, 3);
  await giveAll(seal, [keys[0]!, keys[1]!]);
  seal.resetUnseal();
  assert.deepEqual([(await seal.status()).progress, (await seal.status()).nonce], [0, '']);
  assert.equal((await seal.unseal(keys[2]!)).progress, 1);
});

test('a share to an unsealed barrier changes nothing', async () => {
  const { seal, keys } = await initialized(3, 2);
  await giveAll(seal, keys.slice(0, 2));
  assert.deepEqual([(await seal.unseal(randomBytes(33))).sealed, (await seal.status()).progress], [false, 0]);
});

test('shares given at the same time are taken one after another', async () => {
  const { seal, keys } = await initialized(5, 3);
  await Promise.all(keys.map((key) => seal.unseal(key)));
  const { sealed, progress } = await seal.status();
  assert.deepEqual({ sealed, progress }, { sealed: false, progress: 0 });
});

test('the caller may wipe its share once the call is made', async () => {
  const { seal, keys } = await initialized(3, 2);
  for (const key of keys.slice(0, 2)) {
    await seal.unseal(key);
    key.fill(0);
  }
  assert.equal((await seal.status()).sealed, false);
});

test('a store that fails says so and the shares may be given again', async () => {
  const { storage, seal, keys } = await initialized(3, 2);
  storage.beforeGet = (path) => {
    if (path === 'keyring') throw new StorageFailed('no disk', true);
  };
  await seal.unseal(keys[0]!);
  await assert.rejects(seal.unseal(keys[1]!), StorageFailed);
  assert.deepEqual([(await seal.status()).progress, (await seal.status()).sealed], [0, true]);
  storage.beforeGet = undefined;
  await giveAll(seal, keys.slice(0, 2));
  assert.equal((await seal.status()).sealed, false);
});

test('a keyring that was changed, or taken away, does not open', async () => {
  const { storage, seal, keys } = await initialized(1, 1);
  const stored = storage.records.get('keyring')!;
  const changed = Buffer.from(stored.value);
  changed[40]! ^= 1;
  storage.records.set('keyring', { ...stored, value: changed });
  await assert.rejects(seal.unseal(keys[0]!), { code: 'internal' });
  storage.records.delete('keyring');
  await assert.rejects(seal.unseal(keys[0]!), { code: 'internal', message: /the keyring is missing/ });
  assert.equal((await seal.status()).sealed, true);
  storage.records.set('keyring', stored);
  assert.equal((await seal.unseal(keys[0]!)).sealed, false);
});

test('a damaged or newer seal record is refused', async () => {
  for (const text of [
    '',
    'null',
    '{',
    '{}',
    '{"format":2,"type":"shamir"}',
    '{"format":1,"type":"awskms"}',
  ]) {
    const { storage, keys } = await initialized(1, 1);
    storage.records.set('seal', { value: Buffer.from(text), version: 9 });
    const { seal } = newSeal(storage);
    await assert.rejects(seal.status(), StorageFailed, text);
    await assert.rejects(seal.unseal(keys[0]!), StorageFailed);
    await assert.rejects(seal.init({ shares: 1, threshold: 1 }), StorageFailed);
  }
});

test('neither record shows a key', async () => {
  const { storage, keys } = await initialized(1, 1);
  const rest = [...storage.records.values()]
    .map((stored) => Buffer.from(stored.value).toString('latin1'))
    .join('');
  for (const form of ['latin1', 'hex', 'base64'] as const)
    assert(!rest.includes(Buffer.from(keys[0]!).toString(form)));
  assert.deepEqual(Object.keys(JSON.parse(Buffer.from(storage.records.get('seal')!.value).toString())), [
    'format',
    'type',
    'secret_shares',
    'secret_threshold',
    'stored_key',
    'share_checks',
  ]);
});

test('sealed: nothing works', async () => {
  const { seal } = await initialized(1, 1);
  const { barrier } = seal;
  assert(barrier.isSealed());
  assert.throws(() => barrier.seal('a', Buffer.from('x')), SEALED);
  assert.throws(() => barrier.open('a', randomBytes(50)), SEALED);
  assert.throws(() => barrier.sealName('c', 's'), SEALED);
  assert.throws(() => barrier.openName('c', 's'), SEALED);
  assert.throws(() => barrier.derive('x'), SEALED);
  assert.throws(() => seal.keyStatus(), SEALED);
  await assert.rejects(seal.rotation(), SEALED);
  await assert.rejects(seal.rotate(), SEALED);
  await assert.rejects(seal.rotateIfDue(), SEALED);
  await assert.rejects(barrier.reload(), SEALED);
  await assert.rejects(async () => barrier.reserve(1), SEALED);
  await seal.seal();
});
