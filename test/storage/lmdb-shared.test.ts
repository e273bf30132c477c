import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Conflict, type Storage, StorageFailed } from '../../src/model/storage.ts';
import { openLmdb } from '../../src/storage/lmdb.ts';
import { inTransaction } from '../../src/storage/lmdb-shared.ts';
import { testFolder } from '../support/test-folder.ts';
import { storageContract } from './contract.ts';

const CHILD = fileURLToPath(new URL('./shared-child.ts', import.meta.url));
const base = testFolder();
let folders = 0;
const newFolder = () => join(base, `${++folders}`);
const openShared = (folder: string) => openLmdb({ type: 'file', folder, shared: true });

interface Child {
  readonly process: ChildProcess;
  /** Resolves when it has ended and all it said is there. */
  readonly gone: Promise<unknown>;
  /** Does one thing there; resolves with its one line. */
  ask(command: string): Promise<string>;
  readonly lines: string[];
}

/** Another process on the same folder. What it is asked is in `shared-child.ts`. */
async function startChild(folder: string): Promise<Child> {
  const child = spawn(process.execPath, [CHILD, folder], { stdio: ['pipe', 'pipe', 'inherit'] });
  after(() => child.kill('SIGKILL'));
  const gone = once(child, 'close');
  const reader = createInterface({ input: child.stdout });
  const lines: string[] = [];
  reader.on('line', (line) => lines.push(line));
  const next = async () => String((await once(reader, 'line'))[0]);
  assert.equal(await next(), 'open');
  return {
    process: child,
    gone,
    lines,
    ask(command) {
      const answer = next();
      child.stdin.write(`${command}\n`);
      return answer;
    },
  };
}

async function end(child: Child): Promise<void> {
  child.process.kill('SIGKILL');
  await child.gone;
}

const text = (value: Uint8Array | undefined) => value && Buffer.from(value).toString();
const numberAt = async (storage: Storage, path: string) => Number(text((await storage.get(path))?.value));
const write = (storage: Storage, path: string, value: string) =>
  storage.commit([{ path, value: Buffer.from(value) }], []);

storageContract('lmdb, shared', { open: () => openShared(newFolder()) });

// Another process writes under its own paths for as long as the contract runs.
const busyFolder = newFolder();
storageContract('lmdb, shared with a process that writes', {
  async open() {
    const child = await startChild(busyFolder);
    child.process.stdin!.write('write other 1 200\n');
    const storage = await openShared(busyFolder);
    const close = async () => {
      await end(child);
      await storage.close();
    };
    return { ...storage, close };
  },
});

test('increments by compare-and-set of three processes lose none; each sees the others’ at once', async () => {
  const folder = newFolder();
  const storage = await openShared(folder);
  const children = await Promise.all([startChild(folder), startChild(folder)]);
  const answers = children.map((child) => child.ask('increment n 200'));
  let done = 0;
  while (done < 100) {
    const stored = await storage.get('n');
    const next = stored ? Number(text(stored.value)) + 1 : 1;
    const change = [{ path: 'n', value: Buffer.from(`${next}`) }];
    await storage.commit(change, [{ path: 'n', version: stored?.version ?? 0 }]).then(
      () => done++,
      (error) => assert(error instanceof Conflict),
    );
  }
  assert.deepEqual(await Promise.all(answers), ['done', 'done']);
  assert.equal(await numberAt(storage, 'n'), 500);
  for (const child of children) assert.equal(await child.ask('get n'), '500');
  const version = await write(storage, 'a', 'mine');
  assert.equal(await children[0]!.ask('get a'), 'mine', 'what was acknowledged here is seen there');
  assert.equal(await children[0]!.ask('put a theirs'), `version ${version + 1}`, 'one counter for all');
  assert.equal(text((await storage.get('a'))?.value), 'theirs', 'and the other way round');
  assert.deepEqual(await storage.list('', '', 9), ['a', 'format', 'n']);
  for (const child of children) await end(child);
  await storage.close();
});

test('what another process commits between two reads of one turn is seen by the second', async () => {
  const folder = newFolder();
  const storage = await openShared(folder);
  await write(storage, 'a', 'old');
  assert.equal(text((await storage.get('a'))?.value), 'old');
  // Nothing below lets the event loop go on before the second read.
  const { stdout } = spawnSync(process.execPath, [CHILD, folder], { input: 'put a new\nput b new\n' });
  assert.match(String(stdout), /^open\nversion \d+\nversion \d+\n$/);
  assert.equal(text((await storage.get('a'))?.value), 'new');
  assert.deepEqual(await storage.list('', '', 9), ['a', 'b', 'format']);
  await storage.close();
});

test('processes killed while they write: all they were acknowledged is there, whole, and the others go on', async () => {
  const folder = newFolder();
  const storage = await openShared(folder);
  for (let round = 0; round < 4; round++) {
    const [victim, other] = await Promise.all([startChild(folder), startChild(folder)]);
    victim.process.stdin!.write(`write v${round} 8 600\n`);
    other.process.stdin!.write(`write o${round} 8 600\n`);
    const until = 60 + 37 * round;
    while (victim.lines.length < until) await once(victim.process.stdout!, 'data');
    await end(victim);
    const before = other.lines.length;
    // Refused after LMDB_LOCK_MS, were the lock of the dead not free.
    await write(storage, `after${round}`, 'x');
    while (other.lines.length < before + 20) await once(other.process.stdout!, 'data');
    await end(other);
    const all = [...victim.lines, ...other.lines].filter((line) => line !== 'open');
    assert(all.length > until);
    for (const line of all) {
      const [writer, number] = line.split(' ') as [string, string];
      const head = await numberAt(storage, `w/${writer}/head`);
      assert(head >= Number(number), `${writer}: ${number} acknowledged, ${head} stored`);
    }
    for (const path of await storage.list('w/', '', 1_000_000)) {
      if (!path.endsWith('/head')) continue;
      const head = await numberAt(storage, path);
      const payload = path.replace('head', `v/${head}`);
      assert((await storage.get(payload)) !== undefined, `${payload} belongs to the head`);
      assert.equal(await storage.get(path.replace('head', `v/${head + 1}`)), undefined);
    }
  }
  await storage.close();
});

test('the file may grow under a process that is idle, and be read and written there afterwards', async () => {
  const folder = newFolder();
  const storage = await openShared(folder);
  const child = await startChild(folder);
  for (let i = 0; i < 8; i++) {
    await storage.commit([{ path: `big/${i}`, value: Buffer.alloc(4_000_000, `${i}`) }], []);
  }
  assert.equal(await child.ask('bytes big/7'), '4000000');
  assert.match(await child.ask('put small x'), /^version/);
  assert.equal(text((await storage.get('small'))?.value), 'x');
  await end(child);
  await storage.close();
});

test('a process stopped inside its transaction: others read, their writes fail as not written, and go on afterwards', async () => {
  const folder = newFolder();
  const storage = await openShared(folder);
  await write(storage, 'a', 'before');
  const child = await startChild(folder);
  child.process.stdin!.write('hold\n');
  await once(child.process.stdout!, 'data');
  child.process.kill('SIGSTOP');
  let isOver = false;
  const late = write(storage, 'a', 'never').finally(() => {
    isOver = true;
  });
  late.catch(() => {});
  assert.equal(text((await storage.get('a'))?.value), 'before');
  assert(!isOver, 'reads wait for nobody');
  await assert.rejects(late, (error: StorageFailed) => {
    assert(error instanceof StorageFailed);
    assert.match(error.message, /nothing was written/);
    assert.equal(error.outcomeKnown, true);
    return true;
  });
  await end(child);
  await write(storage, 'b', 'after');
  assert.equal(text((await storage.get('a'))?.value), 'before', 'what was given up is never written');
  await storage.close();
});

test('an error inside a transaction reaches the caller, and the next one runs', async () => {
  const db = {
    transaction: async (act: () => unknown) => act(),
    readerCheck: () => 0,
  } as unknown as Parameters<typeof inTransaction>[0];
  await assert.rejects(
    inTransaction(db, () => assert.fail('within')),
    /within/,
  );
  assert.equal(await inTransaction(db, () => 5), 5);
});

test('a folder is shared by those who say so, and by nobody else', async () => {
  const folder = newFolder();
  const child = await startChild(folder);
  const taken = { name: 'StorageFailed', message: `another server uses the data folder ${folder}` };
  await assert.rejects(openLmdb({ type: 'file', folder }), taken);
  const shared = await openShared(folder);
  await end(child);
  await assert.rejects(openLmdb({ type: 'file', folder }), taken);
  await shared.close();
  const alone = await openLmdb({ type: 'file', folder });
  await assert.rejects(openShared(folder), /another server \(process \d+\) uses the data folder/);
  await alone.close();
  for (const name of readdirSync(folder)) assert.equal(statSync(join(folder, name)).mode & 0o077, 0, name);
});

test('many that start at once on a new folder all find one store', async () => {
  const folder = newFolder();
  const children = await Promise.all([1, 2, 3, 4].map(() => startChild(folder)));
  for (const [at, child] of children.entries()) assert.match(await child.ask(`put c${at} x`), /^version/);
  const storage = await openShared(folder);
  assert.deepEqual(await storage.list('', '', 9), ['c0', 'c1', 'c2', 'c3', 'format']);
  for (const child of children) await end(child);
  await storage.close();
});

test('the first to share looks at the file; what is damaged is refused, and the folder is free again', async () => {
  const folder = newFolder();
  await (await openShared(folder)).close();
  writeFileSync(join(folder, 'coffer.mdb'), 'not a store');
  await assert.rejects(openShared(folder), /is damaged/);
  rmSync(join(folder, 'coffer.mdb'));
  await (await openLmdb({ type: 'file', folder })).close();
});
