import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import type { Storage } from '../../src/model/storage.ts';
import { ensureFormat, FORMAT_PATH, FORMAT_VERSION } from '../../src/storage/format.ts';
import { openLmdb } from '../../src/storage/lmdb.ts';

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
