import assert from 'node:assert/strict';
import { cpSync, existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { LOG_FILE_BYTES, STORAGE_LIST_PAGE } from '../../src/model/limits.ts';
import { type Storage, StorageFailed } from '../../src/model/storage.ts';
import { openLmdb } from '../../src/storage/lmdb.ts';
import { testFolder } from '../support/test-folder.ts';
import { until } from '../support/until.ts';

const base = testFolder();
let folders = 0;
const newFolder = () => join(base, `${++folders}`);
const open = (folder: string, shared = false) => openLmdb({ type: 'file', folder, shared });
const put = (storage: Storage, path: string, value: string | Buffer) =>
  storage.commit([{ path, value: Buffer.from(value) }], []);
const text = async (storage: Storage, path: string) => {
  const stored = await storage.get(path);
  return stored && Buffer.from(stored.value).toString();
};

/** What a power cut right now would leave: what has been acknowledged lies in the files. */
function crashed(folder: string): string {
  const copy = newFolder();
  cpSync(folder, copy, { recursive: true, filter: (name) => !name.includes('server.') });
  return copy;
}

const LOGS = ['coffer-a.log', 'coffer-b.log'] as const;

test('a store that crashes anywhere is what it was, read, listed and compared alike', async () => {
  const paths = fc.constantFrom('a', 'a/b', 'a/é', 'b', 'b/\u{10FFFF}', 'b/\uFFFD', 'c/d/e');
  const write = fc.record({
    path: paths,
    value: fc.option(fc.uint8Array({ maxLength: 700 }), { nil: undefined }),
  });
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.array(write, { minLength: 1, maxLength: 4 }) },
    { weight: 2, arbitrary: fc.constant('crash' as const) },
    { weight: 1, arbitrary: fc.constant('stop' as const) },
    { weight: 1, arbitrary: fc.constant('share' as const) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      let folder = newFolder();
      let storage = await open(folder);
      const model = new Map<string, { value: Uint8Array; version: number }>();
      const check = async () => {
        const sorted = ['format', ...model.keys()].sort((one, other) =>
          Buffer.compare(Buffer.from(one), Buffer.from(other)),
        );
        assert.deepEqual(await storage.list('', '', 100), sorted);
        const paged: string[] = [];
        for (let page = ['']; page.length > 0; paged.push(...page)) {
          page = await storage.list('', paged.at(-1) ?? '', 2);
        }
        assert.deepEqual(paged, sorted);
        assert.deepEqual(
          await storage.list('b', 'b', 2),
          sorted.filter((path) => path.startsWith('b/')).slice(0, 2),
        );
        for (const [path, { value, version }] of model) {
          const stored = await storage.get(path);
          assert.deepEqual([stored?.version, Buffer.from(stored!.value)], [version, Buffer.from(value)]);
        }
      };
      for (const does of steps) {
        if (Array.isArray(does)) {
          const changes = [...new Map(does.map((change) => [change.path, change])).values()];
          const conditions = changes.map(({ path }) => ({ path, version: model.get(path)?.version ?? 0 }));
          const version = await storage.commit(changes, conditions);
          for (const { version: old } of model.values()) assert(old < version, 'a version is used once');
          for (const { path, value } of changes) {
            if (value === undefined) model.delete(path);
            else model.set(path, { value, version });
          }
          const { path } = changes[0]!;
          const wrong = { path, version: (model.get(path)?.version ?? 0) + 1 };
          await assert.rejects(storage.commit(changes, [wrong]), { name: 'Conflict', path });
        } else {
          const copy = does === 'crash' ? crashed(folder) : folder;
          await storage.close();
          folder = copy;
          storage = await open(folder, does === 'share');
        }
        await check();
      }
      await storage.close();
      assert(
        LOGS.every((name) => !existsSync(join(folder, name))),
        'a clean stop leaves no log',
      );
    }),
    { numRuns: 40 },
  );
});

test('the last group may be cut off anywhere; what was acknowledged before it is there', async () => {
  const folder = newFolder();
  const storage = await open(folder);
  await put(storage, 'a', 'first');
  const [before] = LOGS.map((name) => readFileSync(join(folder, name))).filter(({ length }) => length > 0);
  await put(storage, 'a', 'second'.repeat(200));
  await put(storage, 'b', 'third');
  const image = crashed(folder);
  await storage.close();
  const name = LOGS.find((log) => readFileSync(join(image, log)).length > 0)!;
  const bytes = readFileSync(join(image, name));
  const end = bytes.findLastIndex((byte) => byte !== 0) + 1;
  const last = bytes.lastIndexOf('Log1', end);
  assert(before !== undefined && last > bytes.indexOf('second'));
  for (let cut = last; cut < end; cut += 5) {
    const torn = crashed(image);
    writeFileSync(
      join(torn, name),
      Buffer.concat([bytes.subarray(0, cut), Buffer.alloc(bytes.length - cut)]),
    );
    const again = await open(torn);
    assert.equal(await text(again, 'a'), 'second'.repeat(200), `cut at ${cut}`);
    assert.equal(await text(again, 'b'), undefined, `cut at ${cut}`);
    await put(again, 'b', 'anew');
    await again.close();
    const third = await open(torn);
    assert.equal(await text(third, 'b'), 'anew');
    await third.close();
  }
});

test('a log that is damaged before its end, missing, or of another store is refused with a sentence', async () => {
  const folder = newFolder();
  const storage = await open(folder);
  for (const path of ['a', 'b', 'c']) await put(storage, path, path.repeat(20));
  const image = crashed(folder);
  await storage.close();
  const name = LOGS.find((log) => readFileSync(join(image, log)).length > 0)!;
  const refused = async (at: string, why: RegExp) => {
    const before = readFileSync(join(at, 'coffer.mdb'));
    await assert.rejects(open(at), (error: Error) => {
      assert(error instanceof StorageFailed);
      assert.match(
        error.message,
        /^the write-ahead log in .* cannot be used \(.*\); restore it from a backup$/,
      );
      assert.match(error.message, why);
      return true;
    });
    assert(before.equals(readFileSync(join(at, 'coffer.mdb'))), 'and left as it is');
  };

  const spoilt = crashed(image);
  const bytes = readFileSync(join(spoilt, name));
  bytes[bytes.indexOf('bbbb')]! ^= 1;
  writeFileSync(join(spoilt, name), bytes);
  await refused(spoilt, /what follows version \d+ is damaged/);

  for (const log of LOGS) {
    const without = crashed(image);
    rmSync(join(without, log));
    await refused(without, /ENOENT/);
  }

  const foreign = crashed(image);
  rmSync(join(foreign, 'coffer.mdb'));
  const other = newFolder();
  await (await open(other)).close();
  cpSync(join(other, 'coffer.mdb'), join(foreign, 'coffer.mdb'));
  await refused(foreign, /it belongs to another data file/);

  const garbage = crashed(image);
  writeFileSync(join(garbage, name), fc.sample(fc.uint8Array({ minLength: 4096, maxLength: 4096 }), 1)[0]!);
  truncateSync(join(garbage, LOGS.find((log) => log !== name)!), 0);
  const lost = await open(garbage);
  // Its newest groups may have been cut off all together, as far as it can be told: they are the last ones.
  assert.equal(await text(lost, 'c'), undefined);
  await lost.close();
});

test('more than a log file holds, and single records that are larger, in any order', async () => {
  const folder = newFolder();
  const storage = await open(folder);
  const large = Buffer.alloc(LOG_FILE_BYTES, 'large');
  const count = Math.ceil((3 * LOG_FILE_BYTES) / 100_000);
  for (let round = 0; round < 2; round++) {
    await Promise.all(
      Array.from({ length: count }, (_, n) =>
        put(storage, `many/${n}`, Buffer.alloc(100_000, `${round}.${n} `)),
      ),
    );
    await storage.commit([{ path: 'large', value: Buffer.concat([Buffer.from(`${round}`), large]) }], []);
    await put(storage, `after/${round}`, 'x');
  }
  const image = crashed(folder);
  await storage.close();
  for (const at of [image, folder]) {
    const again = await open(at);
    assert.equal((await again.list('many/', '', STORAGE_LIST_PAGE)).length, count);
    for (let n = 0; n < count; n += 7) {
      assert((await text(again, `many/${n}`))!.startsWith(`1.${n} `));
    }
    assert((await text(again, 'large'))!.startsWith('1large'));
    assert.deepEqual(await again.list('after/', '', 10), ['after/0', 'after/1']);
    await again.close();
  }
});

test('what was written is moved into the data file within a moment, and stays readable while it is', async () => {
  const folder = newFolder();
  const storage = await open(folder);
  await put(storage, 'marker', 'moved-at-last');
  const isMoved = () => readFileSync(join(folder, 'coffer.mdb')).includes('moved-at-last');
  assert(!isMoved(), 'first it lies in the log alone');
  await until('the move', async () => {
    assert.equal(await text(storage, 'marker'), 'moved-at-last');
    return isMoved();
  });
  assert.equal(await text(storage, 'marker'), 'moved-at-last');
  await storage.close();
});

test('several processes that share a store take what one left that had it for itself', async () => {
  const folder = newFolder();
  const storage = await open(folder);
  await put(storage, 'a', 'kept');
  const image = crashed(folder);
  await storage.close();
  const shared = await Promise.all([open(image, true), open(image, true), open(image, true)]);
  for (const each of shared) assert.equal(await text(each, 'a'), 'kept');
  await Promise.all(shared.map((each) => each.close()));
});
