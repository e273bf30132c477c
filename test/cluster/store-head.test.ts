import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { makePost } from '../../src/cluster/post.ts';
import { type HeadMemory, makeStoreHead } from '../../src/cluster/store-head.ts';
import { headMemoryIn } from '../../src/cluster/store-head-file.ts';
import type { Cluster } from '../../src/model/actor.ts';
import { STORE_HEAD_MS } from '../../src/model/limits.ts';
import { PLAIN_NAMES, startCluster } from '../support/cluster.ts';
import { type MemoryStorage, makeMemoryStorage } from '../support/memory-storage.ts';
import { makePostOffice } from '../support/post-office.ts';

interface Remembered extends HeadMemory {
  n: number;
}

function remembering(n = 0): Remembered {
  const memory: Remembered = {
    n,
    read: () => memory.n,
    write(now) {
      memory.n = now;
    },
  };
  return memory;
}

/** Node `a` owns the head, `b` only hears of it. */
function start(storage: MemoryStorage, memories: readonly Remembered[]) {
  const office = makePostOffice();
  let nowMs = 1_000_000;
  const heads = memories.map((memory, n) =>
    makeStoreHead({
      storage,
      names: PLAIN_NAMES,
      memory,
      post: makePost({ transport: office.connect(`p${n}`) }),
      cluster: (): Cluster => cluster,
    }),
  );
  const cluster = startCluster(storage, [heads[0]!.kind], () => nowMs);
  return {
    heads,
    cluster,
    pass(ms: number) {
      nowMs += ms;
    },
  };
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 5));
async function until(isDone: () => boolean): Promise<void> {
  while (!isDone()) await settled();
}

/** What the store holds now, to be put back later. */
function backup(storage: MemoryStorage): () => void {
  const copy = new Map(storage.records);
  return () => {
    storage.records.clear();
    for (const [path, stored] of copy) storage.records.set(path, stored);
  };
}

test('each raise is remembered by every node; a store put back is noticed by each', async () => {
  const storage = makeMemoryStorage();
  const memories = [remembering(), remembering()];
  const { heads } = start(storage, memories);
  const [a, b] = heads;
  await a!.begin();
  const putBack = backup(storage);
  await a!.begin();
  await until(() => memories[1]!.n === 2);
  assert.equal(memories[0]!.n, 2);
  assert.equal(await a!.check(), undefined);
  assert.equal(await b!.check(), undefined);
  putBack();
  const said = 'the store was put back to an older state: its head is 1, this node remembers 2';
  assert.equal(await a!.check(), said);
  assert.equal(await b!.check(), said);
  await b!.accept();
  assert.equal(await b!.check(), undefined);
  assert.equal(memories[1]!.n, 1);
});

test('a process that was started anew goes by what was remembered', async () => {
  const storage = makeMemoryStorage();
  const { heads } = start(storage, [remembering(5)]);
  await heads[0]!.begin();
  assert.match((await heads[0]!.check())!, /its head is 1, this node remembers 5/);
});

test('once begun it goes on by itself', async (t: TestContext) => {
  const storage = makeMemoryStorage();
  const memory = remembering();
  const { heads, cluster, pass } = start(storage, [memory]);
  t.after(() => cluster.stop());
  await heads[0]!.begin();
  pass(STORE_HEAD_MS + 1);
  await cluster.startTimers();
  await until(() => memory.n >= 2);
});

test('the file: read back, for this store only; what is no memory is none', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'coffer-head-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const faults: string[] = [];
  const memory = (id: string, where = folder) =>
    headMemoryIn(
      where,
      () => id,
      (what) => void faults.push(what),
    );
  assert.equal(memory('one').read(), 0);
  memory('one').write(7);
  assert.equal(memory('one').read(), 7);
  assert.equal(memory('other').read(), 0);
  assert.deepEqual(JSON.parse(readFileSync(join(folder, 'store-head.json'), 'utf8')), {
    storage_id: 'one',
    head: 7,
  });
  assert.deepEqual(faults, []);
  writeFileSync(join(folder, 'store-head.json'), 'torn');
  assert.equal(memory('one').read(), 0);
  memory('one', join(folder, 'nowhere')).write(1);
  assert.equal(faults.length, 2);
});
