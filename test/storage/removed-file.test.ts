/**
 * LMDB's file removed while a write goes into it: what is acknowledged was in it.
 *
 * @module
 */
import assert from 'node:assert/strict';
import fs, { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { testFolder } from '../support/test-folder.ts';

const FILES = ['coffer.mdb', 'coffer-a.log', 'coffer-b.log'];
const base = testFolder();
const newFolder = () => mkdtempSync(join(base, 'store-'));
let folder = '';
/** What was there when the file was removed. */
let left = '';
/** The file is removed once it has been looked at that often. */
let looksLeft = 0;
const realStat = fs.statSync;
fs.statSync = ((...given: Parameters<typeof fs.statSync>) => {
  const found = realStat(...given);
  if (given[0] === join(folder, FILES[0]!) && --looksLeft === 0) {
    for (const name of FILES) copyFileSync(join(folder, name), join(left, name));
    rmSync(join(folder, FILES[0]!));
  }
  return found;
}) as typeof fs.statSync;
syncBuiltinESMExports();
const { openLmdb } = await import('../../src/storage/lmdb.ts');
const { LOG_FILE_BYTES } = await import('../../src/model/limits.ts');
after(() => {
  fs.statSync = realStat;
  syncBuiltinESMExports();
});

const value = Buffer.alloc(1_000_000, 1);
const large = Array.from({ length: Math.ceil(LOG_FILE_BYTES / value.length) + 1 }, (_, n) => ({
  path: `large/${n}`,
  value,
}));

/** Of a commit too large for the log. @returns whether it was acknowledged, and how many looks it had left. */
async function commitLarge(looks: number) {
  [folder, left] = [newFolder(), newFolder()];
  looksLeft = 0;
  const storage = await openLmdb({ type: 'file', folder });
  await storage.commit([{ path: 'before', value: Buffer.from('x') }], []);
  looksLeft = looks;
  const acknowledged = await storage.commit(large, []).then(
    () => true,
    (error: Error) => {
      assert.equal(error.name, 'StorageFailed');
      return false;
    },
  );
  const isRemoved = looksLeft <= 0;
  looksLeft = 0;
  await storage.close().catch(() => {});
  return { acknowledged, isRemoved };
}

test('whenever it happens, a commit too large for the log is acknowledged only if it is in the file', async () => {
  let refused = 0;
  for (let looks = 1; ; looks++) {
    const { acknowledged, isRemoved } = await commitLarge(looks);
    if (!isRemoved) break;
    if (!acknowledged) {
      refused++;
      continue;
    }
    const storage = await openLmdb({ type: 'file', folder: left });
    for (const { path } of large) assert.ok(await storage.get(path), `${path}, removed at look ${looks}`);
    await storage.close();
  }
  assert.ok(refused >= 3);
});
