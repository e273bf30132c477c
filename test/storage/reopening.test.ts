/** A data file that stops to answer: it is opened again once, whoever has met the failure. */
import assert from 'node:assert/strict';
import { registerHooks } from 'node:module';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { StorageFailed } from '../../src/model/storage.ts';
import { testFolder } from '../support/test-folder.ts';
import { fault } from './faulty-lmdb.ts';

const hooks = registerHooks({
  resolve(specifier, context, next) {
    const isOurs = specifier === 'lmdb' && context.parentURL?.endsWith('/src/storage/lmdb-database.ts');
    return next(isOurs ? new URL('./faulty-lmdb.ts', import.meta.url).href : specifier, context);
  },
});
const { openLmdb } = await import('../../src/storage/lmdb.ts');
hooks.deregister();

const base = testFolder('reopening');

test('a move and a commit that meet the same failure open the file once, and writes go on', async () => {
  const storage = await openLmdb({ type: 'file', folder: base });
  const put = (path: string) => storage.commit([{ path, value: Buffer.from(path) }], [{ path, version: 0 }]);
  await put('a');
  const opened = fault.opened;
  const closing = Promise.withResolvers<void>();
  // The move of what the log holds begins within a second, by itself, and fails while the commit has the file closed.
  const met = new Promise<void>((resolve) => {
    fault.before = async () => {
      resolve();
      await closing.promise;
    };
  });
  fault.closing = async () => {
    closing.resolve();
    await setImmediate();
  };
  fault.isDue = true;
  await met;
  // It is not in the log: its version is asked of the file, which answers nothing any more.
  await assert.rejects(put('b'), (error) => error instanceof StorageFailed);
  await put('c');
  assert.deepEqual([fault.opened - opened, fault.closed], [1, 1]);
  for (const path of ['a', 'c']) assert.equal(Buffer.from((await storage.get(path))!.value).toString(), path);
  await storage.close();
  const again = await openLmdb({ type: 'file', folder: base });
  assert.deepEqual(await again.list('', '', 10), ['a', 'c', 'format']);
  await again.close();
});
