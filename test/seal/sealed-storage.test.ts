import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { beforeEach, test } from 'node:test';
import { Conflict, type Storage } from '../../src/model/storage.ts';
import { makeSeal, type Seal } from '../../src/seal/seal.ts';
import { makeSealedStorage } from '../../src/seal/sealed-storage.ts';
import { type MemoryStorage, makeMemoryStorage } from '../support/memory-storage.ts';

let storage: MemoryStorage;
let seal: Seal;
let sealed: Storage;
let key: Uint8Array;
beforeEach(async () => {
  storage = makeMemoryStorage();
  seal = makeSeal({ storage, randomBytes, now: Date.now });
  sealed = makeSealedStorage(storage, seal.barrier);
  [key] = (await seal.init({ shares: 1, threshold: 1 })) as [Uint8Array];
});
const put = (path: string, value = 'secret text') => sealed.commit([{ path, value: Buffer.from(value) }], []);
const broken = { code: 'internal', status: 500, message: /^decryption failed/ };

test('values rest sealed and come back open, with the store’s versions', async () => {
  const version = await put('data/a');
  const { value, version: readVersion } = (await sealed.get('data/a'))!;
  assert.equal(Buffer.from(value).toString(), 'secret text');
  assert.equal(readVersion, version);
  assert(!Buffer.from(storage.records.get('data/a')!.value).includes('secret'));
  assert.equal(storage.records.get('data/a')!.value.length, 'secret text'.length + 33);
  assert.equal(await sealed.get('data/none'), undefined);
  assert.deepEqual(await sealed.list('data/', '', 10), ['data/a']);
});

test('equal values do not look equal', async () => {
  await put('data/a');
  await put('data/b');
  await put('data/a');
  const tail = (path: string) => Buffer.from(storage.records.get(path)!.value).subarray(17).toString('hex');
  assert.notEqual(tail('data/a'), tail('data/b'));
  const nonces = new Set<string>();
  for (let i = 0; i < 600; i++) {
    await put('data/a');
    nonces.add(Buffer.from(storage.records.get('data/a')!.value).subarray(5, 17).toString('hex'));
  }
  assert.equal(nonces.size, 600);
});

test('of timers and index entries the name says all; nothing else rests as it is', async () => {
  for (const path of ['timer/0001/a', 'by/parent/a/b']) {
    await put(path, '');
    assert.equal(storage.records.get(path)!.value.length, 0);
    assert.equal((await sealed.get(path))!.value.length, 0);
    await put(path, 'told');
    assert.equal(storage.records.get(path)!.value.length, 'told'.length + 33);
    assert.equal(Buffer.from((await sealed.get(path))!.value).toString(), 'told');
  }
  await put('data/a', '');
  assert.equal(storage.records.get('data/a')!.value.length, 33);
  storage.records.set('data/a', { ...storage.records.get('data/a')!, value: new Uint8Array(0) });
  await assert.rejects(sealed.get('data/a'), broken);
});

test('conditions and deletes pass through', async () => {
  const version = await put('data/a');
  const change = [{ path: 'data/a', value: undefined }];
  await assert.rejects(sealed.commit(change, [{ path: 'data/a', version: version + 1 }]), Conflict);
  await sealed.commit(change, [{ path: 'data/a', version }]);
  assert.equal(storage.records.has('data/a'), false);
});

test('records that the store swaps, moves or changes do not open', async () => {
  await put('data/a', 'one');
  await put('data/b', 'two');
  const a = storage.records.get('data/a')!;
  const b = storage.records.get('data/b')!;
  storage.records.set('data/a', b);
  storage.records.set('data/b', a);
  storage.records.set('data/c', a);
  for (const path of ['data/a', 'data/b', 'data/c']) await assert.rejects(sealed.get(path), broken);
  for (const value of [Buffer.alloc(0), Buffer.alloc(4), Buffer.alloc(32), randomBytes(100)]) {
    storage.records.set('data/a', { value, version: 9 });
    await assert.rejects(sealed.get('data/a'), { code: 'internal' });
  }
  storage.records.set('data/a', a);
  assert.equal(Buffer.from((await sealed.get('data/a'))!.value).toString(), 'one');
});

test('sealed: nothing is read, written or listed', async () => {
  await put('data/a');
  await seal.seal();
  const refused = { code: 'sealed', status: 503, message: 'Vault is sealed' };
  await assert.rejects(sealed.get('data/a'), refused);
  await assert.rejects(sealed.get('data/none'), refused);
  await assert.rejects(put('data/b'), refused);
  await assert.rejects(sealed.commit([{ path: 'data/a', value: undefined }], []), refused);
  await assert.rejects(sealed.commit([], [{ path: 'data/a', version: 0 }]), refused);
  await assert.rejects(sealed.list('data/', '', 10), refused);
  assert.equal(storage.records.has('data/b'), false);
  await seal.unseal(key);
  assert.equal(Buffer.from((await sealed.get('data/a'))!.value).toString(), 'secret text');
});

test('sealed while a read or a write was under way: sealed, and nothing is written', async () => {
  await put('data/a');
  storage.beforeGet = () => seal.seal();
  await assert.rejects(sealed.get('data/a'), { code: 'sealed' });
  storage.beforeGet = undefined;
  // A further node: its first write debits a slice, and this is when the seal closes.
  const further = makeSeal({ storage, randomBytes, now: Date.now });
  await further.unseal(key);
  storage.beforeCommit = () => further.seal();
  const late = makeSealedStorage(storage, further.barrier);
  await assert.rejects(late.commit([{ path: 'data/b', value: new Uint8Array(1) }], []), { code: 'sealed' });
  assert.equal(storage.records.has('data/b'), false);
});

test('the records beside the barrier are not reached through it', async () => {
  for (const path of ['seal', 'keyring', 'format']) {
    await assert.rejects(put(path), /not reached through the barrier/);
    await assert.rejects(sealed.get(path), /not reached through the barrier/);
  }
  assert.equal((await seal.status()).sealed, false);
});
