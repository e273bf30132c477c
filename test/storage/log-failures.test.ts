/**
 * A log and the store behind it that fail in turn: what is acknowledged afterwards is there after a crash, and no version is given out twice.
 *
 * @module
 */
import assert from 'node:assert/strict';
import fs, { mkdtempSync, rmSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { testFolder } from '../support/test-folder.ts';
import { until } from '../support/until.ts';

/** Writes of the log that come to the file, and of which the disk then says that it failed. */
let writesToFail = 0;
const realWrite = fs.write;
type Written = (error: Error | null, bytes: number) => void;
fs.write = ((fd: number, bytes: Buffer, from: number, length: number, at: number, done: Written) => {
  const fails = writesToFail-- > 0;
  realWrite(fd, bytes, from, length, at, (error, written) =>
    done(fails ? new Error('EIO: i/o error, write') : error, written),
  );
}) as typeof fs.write;
syncBuiltinESMExports();
const { WriteAheadLog } = await import('../../src/storage/write-ahead-log.ts');
const { readLog } = await import('../../src/storage/left-log.ts');
const { versionOf } = await import('../../src/storage/lmdb-records.ts');
const { openLmdb } = await import('../../src/storage/lmdb.ts');
const { LOG_FILE_BYTES } = await import('../../src/model/limits.ts');

const base = testFolder();
after(() => {
  fs.write = realWrite;
  syncBuiltinESMExports();
});

/** What the store behind the log does with a write: takes it, refuses it, or takes it and says that it did not. */
type Behaviour = (
  records: readonly { record: Buffer | undefined }[],
  counter: Buffer | undefined,
) => 'take' | 'refuse' | 'lie';

function newStore() {
  return {
    counter: undefined as Buffer | undefined,
    data: new Map<string, Buffer>(),
    does: (() => 'take') as Behaviour,
  };
}

function logged(folder = mkdtempSync(join(base, 'log-')), store = newStore()) {
  const log = new WriteAheadLog(folder, readLog(folder, store.counter), {
    async write(records, counter) {
      await new Promise((resolve) => setImmediate(resolve));
      const does = store.does(records, counter);
      if (does === 'refuse') throw new Error('the store refuses');
      for (const { key, record } of records) {
        if (record) store.data.set(key.toString(), Buffer.from(record));
        else store.data.delete(key.toString());
      }
      if (counter) store.counter = Buffer.from(counter);
      if (does === 'lie') throw new Error('the store does not know');
    },
  });
  const acknowledged = new Map<string, number>();
  const given: number[] = [];
  /** A group of `count` commits. */
  async function put(name: string, count = 1, bytes = 10): Promise<boolean> {
    try {
      await log.ready();
    } catch {
      return false;
    }
    let version = log.version;
    const records = Array.from({ length: count }, (_, n) => {
      const path = `${name}/${n}`;
      const record = Buffer.alloc(8 + bytes);
      record.writeBigUInt64BE(BigInt(++version));
      return { path, key: Buffer.from(path), record };
    });
    try {
      await log.append(records, version);
    } catch {
      return false;
    }
    for (const { path, record } of records) {
      acknowledged.set(path, versionOf(record));
      given.push(versionOf(record));
    }
    return true;
  }
  return {
    folder,
    store,
    log,
    put,
    /** What a crash right now leaves holds all that was acknowledged. */
    check() {
      const left = readLog(folder, store.counter);
      for (const [path, version] of acknowledged) {
        const record = left.records.get(path) ?? store.data.get(path);
        assert(record, `${path} is lost`);
        assert.equal(versionOf(record), version, path);
        assert(left.version >= version, `${path}: the store goes on from ${left.version}`);
      }
      assert.equal(new Set(given).size, given.length, 'a version is given out once');
    },
    close: () => log.close(),
  };
}

for (const count of [1, 3]) {
  test(`a group of ${count} that fails while nothing can be moved: later ones are kept`, async () => {
    const { store, put, check, close } = logged();
    assert(await put('a'));
    writesToFail = 1;
    store.does = () => 'refuse';
    assert.equal(await put('bad', count), false);
    assert.equal(await put('still bad'), false);
    writesToFail = 0;
    store.does = () => 'take';
    for (const name of ['good', 'better', 'best']) {
      assert(await put(name, name === 'best' ? 2 : 1), name);
      check();
    }
    await close();
  });
}

for (const does of ['refuse', 'lie'] as const) {
  test(`the end of a log that the store ${does === 'refuse' ? 'refuses' : 'may have taken'}: later groups are kept`, async () => {
    const { store, put, check, close } = logged();
    assert(await put('a'));
    writesToFail = 1;
    store.does = (_records, counter) => (counter?.length === 8 ? does : 'take');
    assert.equal(await put('bad'), false);
    writesToFail = 0;
    store.does = () => 'take';
    assert(await put('good'));
    check();
    await close();
  });
}

test('a record too large for the log whose outcome is unknown: later groups are kept', async () => {
  const { store, put, check, close } = logged();
  assert(await put('a'));
  store.does = (records) => (records.some(({ record }) => record!.length > LOG_FILE_BYTES) ? 'lie' : 'take');
  assert.equal(await put('large', 1, LOG_FILE_BYTES + 1), false);
  store.does = () => 'take';
  assert(await put('good'));
  check();
  await close();
});

test('a store whose log is lost is refused to processes that share it, too', async () => {
  const folder = join(base, 'shared');
  const storage = await openLmdb({ type: 'file', folder });
  await storage.commit([{ path: 'a', value: Buffer.from('acknowledged') }], []);
  const copy = join(base, 'copy');
  fs.cpSync(folder, copy, { recursive: true, filter: (name) => !/server\.|\.log$/.test(name) });
  await storage.close();
  for (const shared of [false, true]) {
    await assert.rejects(
      openLmdb({ type: 'file', folder: copy, shared }),
      /write-ahead log .* cannot be used/,
    );
  }
});

test('the format is in the data file before a log is', async () => {
  const folder = join(base, 'format');
  const storage = await openLmdb({ type: 'file', folder });
  assert(fs.readFileSync(join(folder, 'coffer.mdb')).includes('"product":"coffer"'));
  await storage.close();
});

for (const how of ['removed', 'replaced'] as const) {
  test(`a log that is ${how} under the server: that group is refused, and what was acknowledged is kept`, async () => {
    const { folder, put, check, close } = logged();
    assert(await put('a'));
    for (const name of fs.readdirSync(folder)) {
      const path = join(folder, name);
      const bytes = fs.readFileSync(path);
      rmSync(path);
      if (how === 'replaced') fs.writeFileSync(path, bytes);
    }
    assert.equal(await put('nobody would find it'), false);
    check();
    assert(await put('good'));
    check();
    await close();
  });
}

test('what a log of before holds is moved as soon as the store takes it, though nobody writes', async () => {
  const crashed = logged();
  crashed.store.does = (records) => (records.length > 0 ? 'refuse' : 'take');
  assert(await crashed.put('a'));
  // As a new process finds it; the old one lives on, and may move nothing.
  const { log, store, folder } = logged(crashed.folder, { ...newStore(), counter: crashed.store.counter });
  assert(fs.readdirSync(folder).length > 0);
  let tries = 0;
  store.does = () => {
    tries++;
    return 'refuse';
  };
  await until('a second try', () => tries > 1);
  store.does = () => 'take';
  await until('the move', () => fs.readdirSync(folder).length === 0);
  assert.equal(store.data.has('a/0'), true);
  assert.equal(log.isEmpty, true);
  await log.close();
});
