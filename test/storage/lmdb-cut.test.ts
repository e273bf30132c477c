import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openLmdb } from '../../src/storage/lmdb.ts';
import { testFolder } from '../support/test-folder.ts';

const folder = testFolder('cut');

/** Opens the store in `at`, reads all of it, and prints how many records there were. */
const READ_ALL = `
  const { openLmdb } = await import(process.argv[1]);
  try {
    const storage = await openLmdb({ type: 'file', folder: process.argv[2] });
    const paths = await storage.list('', '', 1e6);
    for (const path of paths) await storage.get(path);
    console.log(paths.length);
    await storage.close();
  } catch (error) { console.log(error.message); }`;

test('a file that was cut off is refused, or was whole without what is missing; the process never dies of it', async () => {
  const whole = join(folder, 'whole');
  const storage = await openLmdb({ type: 'file', folder: whole });
  // Rewritten again and again, with values in pages of their own: much of the file's end is then in no use.
  for (let round = 0; round < 30; round++) {
    const changes = Array.from({ length: 20 }, (_, n) => ({
      path: `data/${(n * 7 + round) % 40}`,
      value: Buffer.alloc(n % 3 === 0 ? 20_000 : 300, round),
    }));
    await storage.commit(changes, []);
  }
  const count = (await storage.list('', '', 1e6)).length;
  await storage.close();
  const file = join(whole, 'coffer.mdb');
  const { size } = statSync(file);
  const cuts = [0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 40, 80];
  const told: string[] = [];
  for (const cut of cuts) {
    const at = join(folder, `cut-${cut}`);
    mkdirSync(at);
    copyFileSync(file, join(at, 'coffer.mdb'));
    truncateSync(join(at, 'coffer.mdb'), Math.max(0, size - cut * 4_096));
    const module = new URL('../../src/storage/lmdb.ts', import.meta.url).href;
    const printed = execFileSync(process.execPath, ['--input-type=module', '-e', READ_ALL, module, at], {
      encoding: 'utf8',
      timeout: 20_000,
    }).trim();
    if (printed !== String(count))
      assert.match(printed, /^the data file .* is damaged \(.*\); restore it from a backup$/);
    told.push(printed);
  }
  assert.equal(told[0], String(count));
  assert.match(told.at(-1)!, /damaged/);
});
