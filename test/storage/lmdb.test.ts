import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Storage, StorageFailed } from '../../src/model/storage.ts';
import { openLmdb } from '../../src/storage/lmdb.ts';
import { TEMPORARY_PREFIX } from '../../src/storage/temporary-folder.ts';
import { testFolder } from '../support/test-folder.ts';
import { storageContract } from './contract.ts';

const base = testFolder();
let folders = 0;
const newFolder = () => join(base, `${++folders}`);
const put = (storage: Storage, path: string, value = 'x') =>
  storage.commit([{ path, value: Buffer.from(value) }], []);

storageContract('lmdb, file', { open: () => openLmdb({ type: 'file', folder: newFolder() }) });
storageContract('lmdb, inmem', { open: () => openLmdb({ type: 'inmem' }) });

test('records and the version counter outlive the process that wrote them', async () => {
  const folder = newFolder();
  const first = await openLmdb({ type: 'file', folder });
  const version = await put(first, 'a', 'kept');
  await first.close();
  const second = await openLmdb({ type: 'file', folder });
  assert.equal((await second.get('a'))?.version, version);
  assert((await put(second, 'b')) > version);
  await second.close();
});

test('the folder is made private, and so are its files', async () => {
  const folder = newFolder();
  const storage = await openLmdb({ type: 'file', folder });
  await put(storage, 'a');
  assert.equal(statSync(folder).mode & 0o777, 0o700);
  for (const name of readdirSync(folder)) {
    assert.equal(statSync(join(folder, name)).mode & 0o077, 0, name);
  }
  await storage.close();
});

test('close finishes what was accepted; afterwards every call is refused', async () => {
  const folder = newFolder();
  const storage = await openLmdb({ type: 'file', folder });
  const running = Array.from({ length: 20 }, (_, i) => put(storage, `a/${i}`));
  const closing = storage.close();
  await assert.rejects(put(storage, 'late'), new StorageFailed('the store is closed', true));
  await assert.rejects(storage.get('a/1'), StorageFailed);
  await assert.rejects(storage.list('', '', 1), StorageFailed);
  assert.equal((await Promise.all(running)).length, 20);
  await closing;
  await storage.close();
  const again = await openLmdb({ type: 'file', folder });
  assert.equal((await again.list('a/', '', 100)).length, 20);
  assert.equal(await again.get('late'), undefined);
  await again.close();
});

/** The number of LMDB transactions so far: the newer of the two meta pages (layout: src/storage/lmdb-file.ts). */
function transactions(folder: string): number {
  const file = readFileSync(join(folder, 'coffer.mdb'));
  const page = file.readUInt32LE(48);
  return Math.max(Number(file.readBigUInt64LE(152)), Number(file.readBigUInt64LE(page + 152)));
}

test('concurrent commits share a transaction, each with its own version, acknowledged in the order of the calls', async () => {
  const folder = newFolder();
  const storage = await openLmdb({ type: 'file', folder });
  const before = transactions(folder);
  const order: number[] = [];
  const versions = await Promise.all(
    Array.from({ length: 500 }, (_, i) => put(storage, `g/${i}`).finally(() => order.push(i))),
  );
  assert.equal(new Set(versions).size, 500);
  assert.deepEqual(
    order,
    [...order].sort((a, b) => a - b),
  );
  assert(transactions(folder) - before <= 3, `${transactions(folder) - before} transactions`);
  await storage.close();
});

test('a listing of the whole store shows the format record and no counter', async () => {
  const storage = await openLmdb({ type: 'inmem' });
  await put(storage, '\u{10FFFF}');
  assert.deepEqual(await storage.list('', '', 10), ['format', '\u{10FFFF}']);
  await storage.close();
});

test('inmem: a private folder with a known name, gone at close', async () => {
  const seen = () => readdirSync(tmpdir()).filter((name) => name.startsWith(TEMPORARY_PREFIX));
  const before = new Set(seen());
  const storage = await openLmdb({ type: 'inmem' });
  const mine = seen().filter((name) => !before.has(name) && existsSync(join(tmpdir(), name, 'server.lock')));
  assert(mine.length >= 1);
  for (const name of mine) assert.equal(statSync(join(tmpdir(), name)).mode & 0o777, 0o700);
  await storage.close();
  assert(mine.some((name) => !existsSync(join(tmpdir(), name))));
});

test('inmem: what a killed server left behind is removed, what a living one holds is not', async () => {
  const living = await openLmdb({ type: 'inmem' });
  const left = join(tmpdir(), `${TEMPORARY_PREFIX}left${process.pid}`);
  mkdirSync(left, { mode: 0o700 });
  const foreign = `${left}-foreign`;
  mkdirSync(foreign);
  writeFileSync(join(foreign, 'thesis.tex'), '');
  const other = await openLmdb({ type: 'inmem' });
  assert(!existsSync(left));
  assert(existsSync(join(foreign, 'thesis.tex')), 'what is no store of ours stays');
  rmSync(foreign, { recursive: true });
  await put(living, 'a', 'still here');
  assert.equal(Buffer.from((await living.get('a'))!.value).toString(), 'still here');
  await living.close();
  await other.close();
});
