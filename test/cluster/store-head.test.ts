import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { makePost } from '../../src/cluster/post.ts';
import { type HeadMemory, type Marks, makeStoreHead, parted, thinned } from '../../src/cluster/store-head.ts';
import { headMemoryIn } from '../../src/cluster/store-head-file.ts';
import type { Cluster } from '../../src/model/actor.ts';
import { STORE_HEAD_MS } from '../../src/model/limits.ts';
import { PLAIN_NAMES, startCluster } from '../support/cluster.ts';
import { type MemoryStorage, makeMemoryStorage } from '../support/memory-storage.ts';
import { makePostOffice } from '../support/post-office.ts';
import { testFolder } from '../support/test-folder.ts';
import { until } from '../support/until.ts';

interface Remembered extends HeadMemory {
  marks: Marks;
  last(): number | undefined;
}

function remembering(marks: Marks = []): Remembered {
  const memory: Remembered = {
    marks,
    last: () => memory.marks.at(-1)?.[0],
    read: () => memory.marks,
    write(now) {
      memory.marks = now;
    },
  };
  return memory;
}

/** Node 0 owns the head, the others only hear of it. */
function start(storage: MemoryStorage, memories: readonly Remembered[]) {
  const office = makePostOffice();
  const alarms: string[] = [];
  let nowMs = 1_000_000;
  const heads = memories.map((memory, n) =>
    makeStoreHead({
      storage,
      names: PLAIN_NAMES,
      memory,
      post: makePost({ transport: office.connect(`p${n}`) }),
      cluster: (): Cluster => cluster,
      alarm: (text) => void alarms.push(`${n}: ${text}`),
    }),
  );
  const cluster = startCluster(storage, [heads[0]!.kind], () => nowMs);
  return {
    heads,
    cluster,
    alarms,
    pass(ms: number) {
      nowMs += ms;
    },
  };
}

/** What the store holds now, to be put back later. */
function backup(storage: MemoryStorage): () => void {
  const copy = new Map(storage.records);
  return () => {
    storage.records.clear();
    for (const [path, stored] of copy) storage.records.set(path, stored);
  };
}

test('each mark is remembered by every node; a store put back is noticed by each', async () => {
  const storage = makeMemoryStorage();
  const memories = [remembering(), remembering()];
  const { heads, alarms } = start(storage, memories);
  const [a, b] = heads;
  await a!.begin();
  const putBack = backup(storage);
  await a!.begin();
  await until('the other node remembers', () => memories[1]!.last() === 2);
  assert.equal(memories[0]!.last(), 2);
  assert.equal(await a!.check(), undefined);
  assert.equal(await b!.check(), undefined);
  putBack();
  const said = 'the store was put back to an older state: it ends with mark 1, 2 is remembered';
  assert.equal(await a!.check(), said);
  assert.equal(await b!.check(), said);
  await b!.check();
  assert.deepEqual(alarms, [`0: ${said}`, `1: ${said}`], 'each once');
  assert.deepEqual([a!.isPutBack(), b!.isPutBack()], [true, true]);
  await b!.accept();
  assert.equal(b!.isPutBack(), false);
  assert.equal(await b!.check(), undefined);
  assert.equal(memories[1]!.last(), 1);
});

test('what another node sends that are no marks is not remembered: it would be missed in the store ever after', async () => {
  const memory = remembering();
  const office = makePostOffice();
  const storage = makeMemoryStorage();
  const post = makePost({ transport: office.connect('p0') });
  const alarms: string[] = [];
  const cluster = (): never => assert.fail('nothing is sent');
  makeStoreHead({
    storage,
    names: PLAIN_NAMES,
    memory,
    post,
    cluster,
    alarm: (text) => void alarms.push(text),
  });
  const other = makePost({ transport: office.connect('p1') });
  const bad = [{ at: 1 }, 'x', [[1.5, 'x']], [[1, 2]], [[Number.POSITIVE_INFINITY, 'x']], [['9', 'x']]];
  for (const marks of [
    ...bad,
    [
      [2, 'b'],
      [1, 'a'],
    ],
  ])
    other.send('p0', 'store-head', marks);
  other.send('p0', 'store-head', [[3, 'c']]);
  await until('it is remembered', () => memory.last() !== undefined);
  assert.deepEqual([memory.marks, alarms], [[[3, 'c']], []]);
});

test('a store that was put back and went on for longer is noticed, and the evidence stays', async () => {
  const storage = makeMemoryStorage();
  const memory = remembering();
  const before = start(storage, [memory]);
  await before.heads[0]!.begin();
  const putBack = backup(storage);
  await before.heads[0]!.begin();
  await before.heads[0]!.begin();
  putBack();
  const now = start(storage, [memory]);
  for (let n = 0; n < 5; n++) await now.heads[0]!.begin();
  assert.match((await now.heads[0]!.check())!, /has gone on from there: mark 2 is not the one/);
  assert.equal(memory.last(), 3);
  assert.equal(now.alarms.length, 1);
  await now.heads[0]!.accept();
  assert.equal(memory.last(), 6);
  await now.heads[0]!.begin();
  assert.equal(memory.last(), 7);
  assert.equal(await now.heads[0]!.check(), undefined);
});

test('a node that was away goes on from an old mark; a message that was overtaken is no alarm', async () => {
  const storage = makeMemoryStorage();
  const [here, away] = [remembering(), remembering()];
  const { heads } = start(storage, [here]);
  await heads[0]!.begin();
  away.marks = here.marks;
  for (let n = 0; n < 300; n++) await heads[0]!.begin();
  const back = start(storage, [remembering(here.marks), away]);
  assert.equal(await back.heads[1]!.check(), undefined);
  await back.heads[0]!.begin();
  await until('it is remembered', () => away.last() === 302);
  assert.deepEqual(back.alarms, []);
});

test('marks: the newest are all kept, of older ones some, never too many', () => {
  let marks: Marks = [];
  for (let n = 1; n <= 20_000; n++) marks = thinned([...marks, [n, 'x']]);
  const numbers = marks.map(([n]) => n);
  assert.equal(numbers.at(-1), 20_000);
  assert.equal(numbers.length <= 256, true);
  assert(numbers.includes(19_900));
  assert(numbers.includes(64 * 200));
  assert.deepEqual(
    numbers,
    numbers.toSorted((a, b) => a - b),
  );
});

test('parted: what is not in both says nothing', () => {
  const old: Marks = [
    [1, 'a'],
    [2, 'b'],
  ];
  assert.equal(parted([], old), undefined);
  assert.equal(parted(old, [...old, [3, 'c']]), undefined);
  assert.equal(parted(old, [[900, 'z']]), undefined);
  assert.match(parted(old, [[1, 'a']])!, /ends with mark 1/);
  assert.match(parted(old, [])!, /ends with mark 0/);
  assert.match(
    parted(old, [
      [2, 'other'],
      [3, 'c'],
    ])!,
    /mark 2 is not/,
  );
});

test('once begun it goes on by itself', async (t: TestContext) => {
  const storage = makeMemoryStorage();
  const memory = remembering();
  const { heads, cluster, pass } = start(storage, [memory]);
  t.after(() => cluster.stop());
  await heads[0]!.begin();
  pass(STORE_HEAD_MS + 1);
  await cluster.startTimers();
  await until('it is remembered', () => (memory.last() ?? 0) >= 2);
});

test('the file: read back, for this store only; what is no memory is none', () => {
  const folder = testFolder('head');
  const faults: string[] = [];
  const memory = (id: string, where = folder) =>
    headMemoryIn(
      where,
      () => id,
      (what) => void faults.push(what),
    );
  const marks: Marks = [[7, 'abc']];
  assert.deepEqual(memory('one').read(), []);
  memory('one').write(marks);
  assert.deepEqual(memory('one').read(), marks);
  assert.deepEqual(memory('other').read(), []);
  const file = join(folder, 'store-head.json');
  assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')), { storage_id: 'one', marks: [[7, 'abc']] });
  assert.deepEqual(faults, []);
  for (const text of ['torn', '{"storage_id":"one","marks":[[1]]}', '{"storage_id":"one"}']) {
    writeFileSync(file, text);
    assert.deepEqual(memory('one').read(), [], text);
  }
  memory('one', join(folder, 'nowhere')).write(marks);
  assert.equal(faults.length, 4);
});
