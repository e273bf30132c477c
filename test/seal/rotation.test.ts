import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { TERM_OPERATIONS_MAX, TERM_OPERATIONS_MIN, TERM_SLICE } from '../../src/model/limits.ts';
import { StorageFailed } from '../../src/model/storage.ts';
import { KEYRING_PATH, type Keyring, openKeyring, sealKeyring } from '../../src/seal/keyring.ts';
import { termOf } from '../../src/seal/record.ts';
import { makeSeal, type Seal } from '../../src/seal/seal.ts';
import { decodeSealConfig, SEAL_PATH, unwrapRootKey } from '../../src/seal/seal-config.ts';
import { makeSealedStorage } from '../../src/seal/sealed-storage.ts';
import { type MemoryStorage, makeMemoryStorage } from '../support/memory-storage.ts';

const text = (value: string) => Buffer.from(value);
let clock = Date.UTC(2026, 0, 1);

interface Node {
  readonly storage: MemoryStorage;
  readonly seal: Seal;
  readonly sealed: ReturnType<typeof makeSealedStorage>;
  readonly key: Uint8Array;
}

function nodeOn(storage: MemoryStorage, key: Uint8Array): Node {
  const seal = makeSeal({ storage, randomBytes, now: () => clock });
  return { storage, seal, sealed: makeSealedStorage(storage, seal.barrier), key };
}

async function firstNode(): Promise<Node> {
  const node = nodeOn(makeMemoryStorage(), new Uint8Array(0));
  const [key] = await node.seal.init({ shares: 1, threshold: 1 });
  return { ...node, key: key! };
}

async function furtherNode({ storage, key }: Node): Promise<Node> {
  const node = nodeOn(storage, key);
  await node.seal.unseal(key);
  return node;
}

const put = ({ sealed }: Node, path: string, value = 'x') =>
  sealed.commit([{ path, value: text(value) }], []);
const read = async ({ sealed }: Node, path: string) =>
  Buffer.from((await sealed.get(path))!.value).toString();
const termAt = ({ storage }: Node, path: string) => termOf(storage.records.get(path)!.value);

/** The keyring as it lies in storage. */
function stored({ storage, key }: Node): Keyring {
  const rootKey = unwrapRootKey(key, decodeSealConfig(storage.records.get(SEAL_PATH)!.value))!;
  return openKeyring(rootKey, storage.records.get(KEYRING_PATH)!.value);
}

/** Changes the keyring in storage, as another node would. */
async function changeStored(node: Node, change: (keyring: Keyring) => Keyring): Promise<void> {
  const value = sealKeyring(change(stored(node)), randomBytes(12));
  await node.storage.commit([{ path: KEYRING_PATH, value }], []);
}

const spent = (keyring: Keyring, encryptions: number): Keyring => ({
  ...keyring,
  terms: keyring.terms.map((term) => ({ ...term, encryptions })),
});

test('after a rotation new records are under the new term, and the old ones open', async () => {
  const node = await firstNode();
  await put(node, 'old', 'before');
  clock += 1_000;
  await node.seal.rotate();
  await put(node, 'new', 'after');
  assert.deepEqual([termAt(node, 'old'), termAt(node, 'new')], [1, 2]);
  assert.deepEqual([await read(node, 'old'), await read(node, 'new')], ['before', 'after']);
  assert.deepEqual(node.seal.keyStatus(), { term: 2, installedAtMs: clock, encryptions: 1 });
  const later = await furtherNode(node);
  assert.deepEqual([await read(later, 'old'), await read(later, 'new')], ['before', 'after']);
});

test('a record under a term that another node began: the keyring is read again', async () => {
  const first = await firstNode();
  const second = await furtherNode(first);
  await first.seal.rotate();
  await put(first, 'a', 'under term 2');
  assert.equal(second.seal.keyStatus().term, 1);
  assert.equal(await read(second, 'a'), 'under term 2');
  assert.equal(second.seal.keyStatus().term, 2);
});

test('a record under a term that nobody has is an error, not a wait', async () => {
  const node = await firstNode();
  await put(node, 'a');
  const { value, version } = node.storage.records.get('a')!;
  const foreign = Buffer.from(value);
  foreign.writeUInt32BE(77, 0);
  node.storage.records.set('a', { value: foreign, version });
  const message = 'decryption failed: no decryption key available for term 77';
  await assert.rejects(node.sealed.get('a'), { code: 'internal', message });
});

test('two nodes that rotate at once make two terms, and each knows both', async () => {
  const first = await firstNode();
  const second = await furtherNode(first);
  await Promise.all([first.seal.rotate(), second.seal.rotate(), first.seal.rotate()]);
  assert.deepEqual(
    stored(first).terms.map((term) => term.term),
    [1, 2, 3, 4],
  );
  await put(first, 'a', 'one');
  await put(second, 'b', 'two');
  for (const node of [first, second])
    assert.deepEqual([await read(node, 'a'), await read(node, 'b')], ['one', 'two']);
});

test('encryptions are counted, and what storage says is never below the truth', async () => {
  const node = await firstNode();
  let made = 0;
  const { seal } = node;
  for (let i = 0; i < 30; i++) {
    await put(node, `a/${i}`);
    made++;
    assert.equal(seal.keyStatus().encryptions, made);
    assert(stored(node).terms[0]!.encryptions >= made);
  }
  await node.sealed.commit([{ path: 'a/1', value: undefined }], []);
  assert.equal(seal.keyStatus().encryptions, made, 'a delete encrypts nothing');
  assert.equal(stored(node).terms[0]!.encryptions, TERM_SLICE);
});

test('a node that starts debits a slice of its own before its first encryption, and none to read', async () => {
  const first = await firstNode();
  await put(first, 'a');
  const second = await furtherNode(first);
  await read(second, 'a');
  assert.equal(stored(first).terms[0]!.encryptions, TERM_SLICE);
  await put(second, 'b');
  assert.equal(stored(first).terms[0]!.encryptions, 2 * TERM_SLICE);
  assert.equal(second.seal.keyStatus().encryptions, TERM_SLICE + 1);
  await put(first, 'c');
  assert.equal(first.seal.keyStatus().encryptions, 2, 'the first node goes on with what it has in hand');
});

test('the smallest term that may be configured lasts for what it says, for several nodes and starts', async () => {
  const first = await firstNode();
  await first.seal.changeRotation({ operationsMax: TERM_OPERATIONS_MIN });
  const nodes = [first, await furtherNode(first), await furtherNode(first)];
  await first.seal.rotate();
  for (let i = 0; i < 100; i++) for (const node of nodes) await put(node, `a/${i}`);
  // A slice each, and one more that may have been fetched ahead.
  const { terms } = stored(first);
  assert.deepEqual(
    terms.map(({ term }) => term),
    [1, 2],
  );
  assert(terms[1]!.encryptions <= TERM_OPERATIONS_MIN / 4, `${terms[1]!.encryptions}`);
});

test('sealed and unsealed again, a process goes on with the slice it had in hand; not under an older copy of the keyring', async () => {
  const node = await firstNode();
  await put(node, 'a');
  const older = node.storage.records.get(KEYRING_PATH)!.value;
  await node.seal.seal();
  await node.seal.unseal(node.key);
  assert.equal(node.seal.keyStatus().encryptions, 1);
  await put(node, 'b');
  assert.equal(node.seal.keyStatus().encryptions, 2);
  assert.equal(stored(node).terms[0]!.encryptions, TERM_SLICE);

  await changeStored(node, (keyring) => spent(keyring, 2 * TERM_SLICE));
  await node.seal.seal();
  await node.seal.unseal(node.key);
  assert.equal(node.seal.keyStatus().encryptions, TERM_SLICE + 2, 'what another node debited counts');
  await node.seal.seal();
  await node.storage.commit([{ path: KEYRING_PATH, value: older }], []);
  await node.seal.unseal(node.key);
  await put(node, 'c');
  assert.equal(stored(node).terms[0]!.encryptions, 2 * TERM_SLICE, 'it takes a slice anew');
});

test('many writers that need a slice wait for one debit', async () => {
  const node = await furtherNode(await firstNode());
  const before = node.storage.commits;
  await Promise.all(Array.from({ length: 50 }, (_, i) => put(node, `a/${i}`)));
  assert.equal(node.storage.commits - before, 51);
});

test('nothing is encrypted while the debit cannot be stored; later it can', async () => {
  const node = await furtherNode(await firstNode());
  node.storage.beforeCommit = () => {
    throw new StorageFailed('no disk', true);
  };
  await assert.rejects(put(node, 'a'), StorageFailed);
  assert.throws(() => node.seal.barrier.seal('a', text('x')), /not reserved/);
  node.storage.beforeCommit = undefined;
  await put(node, 'a', 'now');
  assert.equal(await read(node, 'a'), 'now');
});

test('a new term begins before the last slice of the old one would be exceeded', async () => {
  const first = await firstNode();
  await changeStored(first, (keyring) => spent(keyring, TERM_OPERATIONS_MAX - 2));
  const node = await furtherNode(first);
  await put(node, 'a', '1');
  await put(node, 'b', '2');
  assert.deepEqual([termAt(node, 'a'), termAt(node, 'b')], [1, 1]);
  await node.sealed.commit(
    ['c', 'd', 'e'].map((path) => ({ path, value: text(path) })),
    [],
  );
  assert.deepEqual([termAt(node, 'c'), termAt(node, 'e')], [2, 2]);
  for (const term of stored(node).terms) assert(term.encryptions <= TERM_OPERATIONS_MAX);
  assert.deepEqual([await read(node, 'b'), await read(node, 'd')], ['2', 'd']);
});

test('the bound holds also where rotation by count is switched off or set lower', async () => {
  for (const enabled of [true, false]) {
    const first = await firstNode();
    await first.seal.changeRotation({ enabled, operationsMax: 1_000_000, intervalMs: 0 });
    await changeStored(first, (keyring) => spent(keyring, enabled ? 1_000_000 : TERM_OPERATIONS_MAX));
    const node = await furtherNode(first);
    await put(node, 'a');
    assert.equal(termAt(node, 'a'), 2);
    assert.equal(stored(node).terms[1]!.encryptions, enabled ? 62_500 : TERM_SLICE);
  }
});

test('the next slice is fetched while the one in hand lasts', async () => {
  const first = await firstNode();
  const almost = Math.floor(TERM_SLICE / 8);
  await changeStored(first, (keyring) => spent(keyring, TERM_OPERATIONS_MAX - almost));
  const node = await furtherNode(first);
  await put(node, 'a');
  await put(node, 'b');
  // Behind the write that asked for it, nothing waits for the term.
  await node.seal.barrier.reload();
  assert.equal(stored(node).terms.length, 2);
});

test('rotation by age: when it is due, and only then', async () => {
  const node = await firstNode();
  await node.seal.rotateIfDue();
  await node.seal.changeRotation({ enabled: true, operationsMax: 2_000_000, intervalMs: 86_400_000 });
  assert.deepEqual(await node.seal.rotation(), {
    enabled: true,
    operationsMax: 2_000_000,
    intervalMs: 86_400_000,
  });
  clock += 86_399_999;
  await node.seal.rotateIfDue();
  assert.equal(node.seal.keyStatus().term, 1);
  clock += 1;
  await node.seal.rotateIfDue();
  assert.equal(node.seal.keyStatus().term, 2);
  await node.seal.changeRotation({ enabled: false, operationsMax: 2_000_000, intervalMs: 86_400_000 });
  clock += 90_000_000;
  await node.seal.rotateIfDue();
  assert.equal(node.seal.keyStatus().term, 2);
  for (const operationsMax of [0, 999_999, TERM_OPERATIONS_MAX + 1, Number.NaN]) {
    await assert.rejects(node.seal.changeRotation({ enabled: true, operationsMax, intervalMs: 0 }), {
      status: 400,
    });
  }
});

test('sealed in the middle of a rotation: the new term is stored or not, and nothing stays open', async () => {
  const node = await firstNode();
  await put(node, 'a', 'kept');
  node.storage.beforeCommit = () => node.seal.seal();
  await assert.rejects(node.seal.rotate(), { code: 'sealed' });
  node.storage.beforeCommit = undefined;
  assert(node.seal.barrier.isSealed());
  await node.seal.unseal(node.key);
  assert.equal(await read(node, 'a'), 'kept');
  assert.equal(node.seal.keyStatus().term, 2);
});

test('two nodes find the term due at once: one new term, which the other takes over', async () => {
  const first = await firstNode();
  await first.seal.changeRotation({ intervalMs: 86_400_000 });
  const second = await furtherNode(first);
  clock += 86_400_000;
  assert.deepEqual(await Promise.all([first.seal.rotateIfDue(), second.seal.rotateIfDue()]), [true, false]);
  assert.deepEqual([first.seal.keyStatus().term, second.seal.keyStatus().term], [2, 2]);
  assert.equal(stored(first).terms.length, 2);
});

test('what one node configures the other shows, and changes in part', async () => {
  const first = await firstNode();
  const second = await furtherNode(first);
  await first.seal.changeRotation({ operationsMax: 2_000_000 });
  await second.seal.changeRotation({ intervalMs: 86_400_000 });
  const both = { enabled: true, operationsMax: 2_000_000, intervalMs: 86_400_000 };
  assert.deepEqual(await first.seal.rotation(), both);
  await assert.rejects(second.seal.changeRotation({ enabled: false, intervalMs: 3_600_000 }), {
    messages: ['interval must be greater or equal to 24h0m0s'],
  });
  assert.deepEqual(await second.seal.rotation(), both);
});
