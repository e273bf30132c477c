import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import type { Storage } from '../../src/model/storage.ts';
import { ensureFormat, FORMAT_PATH, FORMAT_VERSION } from '../../src/storage/format.ts';
import { openLmdb } from '../../src/storage/lmdb.ts';
import { testFolder } from '../support/test-folder.ts';

let storage: Storage;
beforeEach(async () => {
  storage = await openLmdb({ type: 'inmem' });
});
afterEach(() => storage.close());
const write = (path: string, text: string | undefined) =>
  storage.commit([{ path, value: text === undefined ? undefined : Buffer.from(text) }], []);

test('a new store is given the format record, in plain JSON; a second look leaves it alone', async () => {
  const stored = await storage.get(FORMAT_PATH);
  assert.deepEqual(JSON.parse(Buffer.from(stored!.value).toString()), {
    product: 'coffer',
    format: FORMAT_VERSION,
  });
  await ensureFormat(storage);
  assert.equal((await storage.get(FORMAT_PATH))?.version, stored?.version);
});

test('a newer format is refused with both numbers', async () => {
  await write(FORMAT_PATH, `{"product":"coffer","format":${FORMAT_VERSION + 1}}`);
  const message = `the store has format ${FORMAT_VERSION + 1}, and this version of Coffer reads formats up to ${FORMAT_VERSION}; start a newer one`;
  await assert.rejects(ensureFormat(storage), { name: 'StorageFailed', message });
});

test('a folder of format 1 opens with what it holds and is of the newest then; one of a later format is refused and left alone', async () => {
  const folder = testFolder('format');
  const open = () => openLmdb({ type: 'file', folder });
  const formatIs = async (at: Storage) => Buffer.from((await at.get(FORMAT_PATH))!.value).toString();
  const setFormat = (at: Storage, format: number) =>
    at.commit([{ path: FORMAT_PATH, value: Buffer.from(`{"product":"coffer","format":${format}}`) }], []);
  const first = await open();
  await first.commit([{ path: 'a/b', value: Buffer.from('kept') }], []);
  await setFormat(first, 1);
  await first.close();

  const second = await open();
  assert.equal(await formatIs(second), `{"product":"coffer","format":${FORMAT_VERSION}}`);
  assert.equal(Buffer.from((await second.get('a/b'))!.value).toString(), 'kept');
  await setFormat(second, FORMAT_VERSION + 1);
  await second.close();

  const message = `the store has format ${FORMAT_VERSION + 1}, and this version of Coffer reads formats up to ${FORMAT_VERSION}; start a newer one`;
  await assert.rejects(open(), { name: 'StorageFailed', message });
  await assert.rejects(
    open(),
    { name: 'StorageFailed', message },
    'it let go of the folder, and of the record',
  );
});

test('two nodes that open a store of format 1 at the same time both go on', async () => {
  await write(FORMAT_PATH, '{"product":"coffer","format":1}');
  await Promise.all([ensureFormat(storage), ensureFormat(storage)]);
  const stored = await storage.get(FORMAT_PATH);
  assert.equal(JSON.parse(Buffer.from(stored!.value).toString()).format, FORMAT_VERSION);
});

test('a damaged record and a store without one are refused', async () => {
  for (const text of ['', '{', 'null', '{}', '{"format":"1"}', '{"format":0}', '{"format":1.5}', '[1]']) {
    await write(FORMAT_PATH, text);
    await assert.rejects(
      ensureFormat(storage),
      { name: 'StorageFailed', message: /^the format record/ },
      text,
    );
  }
  await write(FORMAT_PATH, undefined);
  await write('other', 'x');
  await assert.rejects(ensureFormat(storage), { name: 'StorageFailed', message: /not a store of Coffer/ });
});
