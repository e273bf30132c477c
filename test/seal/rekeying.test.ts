import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { StorageFailed } from '../../src/model/storage.ts';
import { KEYRING_PATH } from '../../src/seal/keyring.ts';
import { RekeyUnknown } from '../../src/seal/rekey-unknown.ts';
import { makeSeal, type Seal } from '../../src/seal/seal.ts';
import { decodeSealConfig, encodeSealConfig, SEAL_PATH } from '../../src/seal/seal-config.ts';
import { makeSealedStorage } from '../../src/seal/sealed-storage.ts';
import { type MemoryStorage, makeMemoryStorage } from '../support/memory-storage.ts';

const CONFIG = { shares: 3, threshold: 2 };

function nodeOn(storage: MemoryStorage): Seal {
  return makeSeal({ storage, randomBytes, now: Date.now });
}

async function founded(config = CONFIG) {
  const storage = makeMemoryStorage();
  const seal = nodeOn(storage);
  const shares = await seal.init(config);
  return { storage, seal, shares, sealed: makeSealedStorage(storage, seal.barrier) };
}

const put = (seal: Seal, storage: MemoryStorage, path: string) =>
  makeSealedStorage(storage, seal.barrier).commit([{ path, value: Buffer.from(path) }], []);

async function opens(storage: MemoryStorage, shares: readonly Uint8Array[]): Promise<boolean> {
  const seal = nodeOn(storage);
  try {
    for (const share of shares) await seal.unseal(share);
  } catch {
    return false;
  }
  if (seal.barrier.isSealed()) return false;
  const found = await makeSealedStorage(storage, seal.barrier).get('data/a');
  return found !== undefined;
}

async function rekey(seal: Seal, config = CONFIG) {
  const before = await seal.rekeying.inForce();
  const draft = seal.rekeying.draw(config);
  await seal.rekeying.install(draft, before.id);
  return draft;
}

test('the new shares open the store, the old ones do not; the node that did it goes on', async () => {
  const { storage, seal, shares } = await founded();
  await put(seal, storage, 'data/a');
  const { shares: fresh } = await rekey(seal, { shares: 5, threshold: 3 });
  await put(seal, storage, 'data/b');
  assert.equal(await opens(storage, fresh.slice(0, 3)), true);
  assert.equal(await opens(storage, fresh.slice(2)), true);
  assert.equal(await opens(storage, shares), false);
  assert.deepEqual(
    [(await seal.status()).shares, (await seal.status()).threshold, await seal.rekeying.inForce()].slice(
      0,
      2,
    ),
    [5, 3],
  );
});

test('one share: it is the unseal key itself', async () => {
  const { storage, seal, shares } = await founded({ shares: 1, threshold: 1 });
  await put(seal, storage, 'data/a');
  assert.equal(await seal.rekeying.proves(shares), true);
  const { shares: fresh } = await rekey(seal, { shares: 1, threshold: 1 });
  assert.equal(await opens(storage, fresh), true);
  assert.equal(await opens(storage, shares), false);
});

test('old shares with the old seal record beside the new keyring open nothing: the root key is another', async () => {
  const { storage, seal, shares } = await founded();
  await put(seal, storage, 'data/a');
  const old = storage.records.get(SEAL_PATH)!.value;
  await rekey(seal);
  await storage.commit([{ path: SEAL_PATH, value: old }], []);
  assert.equal(await opens(storage, shares), false);
});

test('a share is known as one, of the seal in force or of a draft', async () => {
  const { seal, shares } = await founded();
  const { rekeying } = seal;
  for (const share of shares) assert.equal(await rekeying.isShare(share), true);
  const wrong = Buffer.from(shares[0]!);
  wrong[0]! ^= 1;
  assert.equal(await rekeying.isShare(wrong), false);
  const draft = rekeying.draw(CONFIG);
  assert.equal(await rekeying.isShare(draft.shares[2]!), false);
  assert.equal(await rekeying.isShare(draft.shares[2]!, draft.record), true);
  assert.equal(await rekeying.isShare(shares[2]!, draft.record), false);
});

test('of a store of an older build one share alone tells nothing, and enough of them prove it', async () => {
  const { storage, seal, shares } = await founded();
  const { checks: _, ...old } = decodeSealConfig(storage.records.get(SEAL_PATH)!.value);
  await storage.commit([{ path: SEAL_PATH, value: encodeSealConfig(old) }], []);
  assert.equal(await seal.rekeying.isShare(shares[0]!), undefined);
  assert.equal(await seal.rekeying.proves(shares.slice(1)), true);
});

test('shares prove the seal in force only together, and only its own', async () => {
  const { seal, shares } = await founded();
  const { rekeying } = seal;
  const [a, b, c] = shares as [Uint8Array, Uint8Array, Uint8Array];
  for (const right of [
    [a, b],
    [b, c],
    [c, a],
  ])
    assert.equal(await rekeying.proves(right), true);
  for (const wrong of [[a], [a, a], [a, randomBytes(33)], [a, b.subarray(0, 32)]])
    assert.equal(await rekeying.proves(wrong), false);
  await rekey(seal);
  assert.equal(await rekeying.proves([a, b]), false);
});

test('what lies in the record of a draft says nothing of its keys', async () => {
  const { seal } = await founded();
  const { record, rootKey, shares } = seal.rekeying.draw(CONFIG);
  for (const secret of [rootKey, ...shares]) {
    assert.equal(Buffer.from(record).includes(secret.subarray(0, 16)), false);
    assert.equal(Buffer.from(record).includes(Buffer.from(secret).toString('base64').slice(0, 20)), false);
  }
  const opened = seal.rekeying.open(record, shares.slice(0, 2));
  assert.deepEqual(Buffer.from(opened!), Buffer.from(rootKey));
  assert.equal(seal.rekeying.open(record, [shares[0]!, randomBytes(33)]), undefined);
});

test('a seal that another one has replaced meanwhile is not replaced once more', async () => {
  const { storage, seal } = await founded();
  await put(seal, storage, 'data/a');
  const before = await seal.rekeying.inForce();
  const [first, second] = [seal.rekeying.draw(CONFIG), seal.rekeying.draw(CONFIG)];
  await seal.rekeying.install(first, before.id);
  await assert.rejects(seal.rekeying.install(second, before.id), { status: 400 });
  await seal.rekeying.install(first, before.id);
  assert.equal(await opens(storage, first.shares.slice(0, 2)), true);
});

test('two rekeys at once from two nodes: one is done, and the shares of that one open', async () => {
  const { storage, seal, shares } = await founded();
  await put(seal, storage, 'data/a');
  const other = nodeOn(storage);
  for (const share of shares) await other.unseal(share);
  const { id } = await seal.rekeying.inForce();
  const drafts = [seal, other].map(({ rekeying }) => rekeying.draw(CONFIG));
  const done = await Promise.allSettled([
    seal.rekeying.install(drafts[0]!, id),
    other.rekeying.install(drafts[1]!, id),
  ]);
  assert.equal(done.filter(({ status }) => status === 'fulfilled').length, 1);
  for (const [i, draft] of drafts.entries())
    assert.equal(await opens(storage, draft.shares.slice(0, 2)), done[i]!.status === 'fulfilled');
});

test('another node goes on: it knows the new root key from before, and takes it where it reads the keyring', async () => {
  const { storage, seal, shares } = await founded();
  await put(seal, storage, 'data/a');
  const other = nodeOn(storage);
  for (const share of shares) await other.unseal(share);
  const { id } = await seal.rekeying.inForce();
  const draft = seal.rekeying.draw(CONFIG);
  other.rekeying.expect(draft.rootKey);
  // Not there yet: the keyring still opens with the old one.
  await other.barrier.reload();
  await seal.rekeying.install(draft, id);
  await other.rotate();
  assert.deepEqual(Buffer.from(other.rootKey()), Buffer.from(draft.rootKey));
  await put(other, storage, 'data/b');
  await seal.barrier.reload();
  assert.equal(seal.keyStatus().term, 2);
  assert.equal(await opens(storage, draft.shares.slice(1)), true);
});

test('a node that was not told cannot read the keyring any more, and harms nothing', async () => {
  const { storage, seal, shares } = await founded();
  await put(seal, storage, 'data/a');
  const other = nodeOn(storage);
  for (const share of shares) await other.unseal(share);
  const { shares: fresh } = await rekey(seal);
  await assert.rejects(other.rotate(), { status: 500 });
  assert.equal(await opens(storage, fresh.slice(1)), true);
});

/** The next commit of a seal: `done` or not, its caller is told that nobody knows. */
function losesAnswers(storage: MemoryStorage, times: number, done: boolean): void {
  const { commit } = storage;
  storage.commit = async (changes, conditions) => {
    if (!changes.some(({ path }) => path === SEAL_PATH) || times-- <= 0) return commit(changes, conditions);
    if (done) await commit(changes, conditions);
    throw new StorageFailed('no answer', false);
  };
}

for (const done of [true, false]) {
  test(`an answer that was lost, the commit ${done ? 'done' : 'not done'}: it is found out, and the new shares open`, async () => {
    const { storage, seal } = await founded();
    await put(seal, storage, 'data/a');
    losesAnswers(storage, 1, done);
    const { shares: fresh } = await rekey(seal);
    await put(seal, storage, 'data/b');
    assert.equal(await opens(storage, fresh.slice(1)), true);
  });
}

test('where the storage never says, it is told so; the shares in force are the old ones', async () => {
  const { storage, seal, shares } = await founded();
  await put(seal, storage, 'data/a');
  losesAnswers(storage, 1_000, false);
  await assert.rejects(rekey(seal), RekeyUnknown);
  assert.equal(await opens(storage, shares), true);
  await put(seal, storage, 'data/b');
});

test('a crash at the commit leaves both records as they were, or both new', async () => {
  const { storage, seal, shares } = await founded();
  await put(seal, storage, 'data/a');
  const before = [SEAL_PATH, KEYRING_PATH].map((path) => storage.records.get(path)!.version);
  const commits: string[][] = [];
  const { commit } = storage;
  storage.commit = (changes, conditions) => {
    commits.push(changes.map(({ path }) => path));
    return commit(changes, conditions);
  };
  await rekey(seal);
  assert.deepEqual(commits, [[SEAL_PATH, KEYRING_PATH]]);
  const after = [SEAL_PATH, KEYRING_PATH].map((path) => storage.records.get(path)!.version);
  assert.equal(new Set(after).size, 1);
  assert.ok(after[0]! > Math.max(...before));
  assert.equal(await opens(storage, shares), false);
});
