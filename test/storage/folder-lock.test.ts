import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { StorageFailed } from '../../src/model/storage.ts';
import { isFolderHeld, lockFolder } from '../../src/storage/folder-lock.ts';
import { openLmdb } from '../../src/storage/lmdb.ts';
import { atOnce } from '../support/at-once.ts';
import { testFolder } from '../support/test-folder.ts';

const base = testFolder();
let folders = 0;
const newFolder = () => join(base, `${++folders}`);
const MODULE = new URL('../../src/storage/folder-lock.ts', import.meta.url).href;

/** A process that holds the folder until it is killed. */
async function startHolder(folder: string): Promise<ChildProcess> {
  const script = `const { lockFolder } = await import(${JSON.stringify(MODULE)});
    globalThis.held = lockFolder(${JSON.stringify(folder)}); process.stdout.write('held'); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout!, 'data');
  return child;
}

test('a second server is refused in one sentence that names folder and process', async () => {
  const folder = newFolder();
  const holder = await startHolder(folder);
  const sentence = `another server (process ${holder.pid}) uses the data folder ${folder}`;
  await assert.rejects(openLmdb({ type: 'file', folder }), new StorageFailed(sentence, true));
  assert(isFolderHeld(folder));
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  const storage = await openLmdb({ type: 'file', folder });
  await storage.close();
});

test('the same process cannot take a folder twice either, and can again after release', () => {
  const folder = newFolder();
  const held = lockFolder(folder);
  assert.throws(() => lockFolder(folder), /another server \(process \d+\) uses the data folder/);
  assert(isFolderHeld(folder));
  held.release();
  assert(!isFolderHeld(folder));
  lockFolder(folder).release();
});

test('a missing folder is made private, an existing one keeps its mode', () => {
  const folder = join(newFolder(), 'deeper');
  lockFolder(folder).release();
  assert.equal(statSync(folder).mode & 0o777, 0o700);
  assert(!existsSync(join(folder, 'server.pid')));
});

test('where no folder can be, the sentence names it', () => {
  const file = newFolder();
  writeFileSync(file, '');
  assert.throws(() => lockFolder(file), {
    name: 'StorageFailed',
    message: /^the data folder .* cannot be made/,
  });
  assert.throws(() => lockFolder(''), { name: 'StorageFailed' });
});

test('a failed start leaves the folder free', async () => {
  const folder = newFolder();
  lockFolder(folder).release();
  writeFileSync(join(folder, 'coffer.mdb'), 'not a store');
  await assert.rejects(openLmdb({ type: 'file', folder }), /is damaged/);
  assert(!isFolderHeld(folder));
});

test('of several that come to share a folder in the same moment, somebody looks at it alone', async () => {
  const folder = newFolder();
  const said = await atOnce(
    3,
    60,
    `const { shareFolder } = await import(${JSON.stringify(MODULE)});`,
    `const held = shareFolder(${JSON.stringify(folder)} + '/' + n, () => say('looked'));
    say('shared');
    while (!over());
    held.release();`,
  );
  for (const [round, words] of said.entries()) {
    assert.equal(words.filter((word) => word === 'shared').length, 3, `round ${round}`);
    assert(words.includes('looked'), `round ${round}: nobody looked`);
  }
});
