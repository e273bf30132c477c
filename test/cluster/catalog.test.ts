import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { makeCatalog, type SectionChange } from '../../src/cluster/catalog.ts';
import type { CodedError } from '../../src/model/errors.ts';
import { CATALOG_SECTION_BYTES_MAX, CATALOG_SNAPSHOT_EVERY } from '../../src/model/limits.ts';
import { PLAIN_NAMES, startCluster } from '../support/cluster.ts';
import { type Fate, makeFaultyStorage } from '../support/faulty-storage.ts';
import { type MemoryStorage, makeMemoryStorage } from '../support/memory-storage.ts';

const put: SectionChange<{ key: string; value: unknown }, number> = {
  id: 'test/put',
  section: 'policies',
  run: (entries, { key, value }) => ({ patch: { [key]: value }, reply: entries.size }),
};
const remove: SectionChange<{ key: string }, void> = {
  id: 'test/remove',
  section: 'policies',
  run: (entries, { key }) =>
    entries.has(key) ? { patch: { [key]: null }, reply: undefined } : { reply: undefined },
};

async function open(storage: MemoryStorage, fateOf?: () => Fate) {
  const catalog = makeCatalog({ cluster: () => cluster, storage, names: PLAIN_NAMES });
  const cluster = startCluster(fateOf ? makeFaultyStorage(storage, fateOf) : storage, [catalog.kind]);
  await catalog.load();
  return { cluster, catalog };
}

/** Names of the records of the section, such as `c/7`. */
const records = (storage: MemoryStorage) =>
  storage.recordPaths().map((path) => path.slice(path.indexOf('!') + 1));

const keys = fc.constantFrom('a', 'b', '10', '2', '__proto__', 'constructor', 'toString', 'ä', '');
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ what: fc.constant('put' as const), key: keys, value: fc.jsonValue() }),
  },
  { weight: 3, arbitrary: fc.record({ what: fc.constant('remove' as const), key: keys }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('reload' as const) }) },
);

describe('the catalog', () => {
  test('equals a plain map, whenever it is loaded anew', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 120, size: 'max' }), async (steps) => {
        const storage = makeMemoryStorage();
        const model = new Map<string, unknown>();
        let { cluster, catalog } = await open(storage);
        for (const each of steps) {
          if (each.what === 'put') {
            // null deletes; that is the engine rooms' to know.
            const value = each.value === null ? 0 : JSON.parse(JSON.stringify(each.value));
            await catalog.change(put, { key: each.key, value });
            model.set(each.key, value);
          } else if (each.what === 'remove') {
            await catalog.change(remove, { key: each.key });
            model.delete(each.key);
          } else {
            await cluster.stop();
            ({ cluster, catalog } = await open(storage));
          }
          assert.deepEqual(new Map(catalog.entries('policies')), model);
        }
        await cluster.stop();
        ({ cluster, catalog } = await open(storage));
        assert.deepEqual(new Map(catalog.entries('policies')), model);
        await cluster.stop();
      }),
      { numRuns: 40 },
    );
  });

  test('a snapshot every so often; the records before it go', async () => {
    const storage = makeMemoryStorage();
    const { cluster, catalog } = await open(storage);
    for (let n = 1; n <= 10 * CATALOG_SNAPSHOT_EVERY; n++) {
      await catalog.change(put, { key: `k${n}`, value: n });
      const there = records(storage);
      assert(there.length <= CATALOG_SNAPSHOT_EVERY + 1, `${there.length} records after ${n} changes`);
      assert.equal(there.filter((name) => name.startsWith('s/')).length, n < CATALOG_SNAPSHOT_EVERY ? 0 : 1);
    }
    await cluster.stop();
    const again = await open(storage);
    assert.equal(again.catalog.entries('policies').size, 10 * CATALOG_SNAPSHOT_EVERY);
    await again.cluster.stop();
  });

  test('hundreds at once are all there', async () => {
    const storage = makeMemoryStorage();
    const { cluster, catalog } = await open(storage);
    await Promise.all(
      Array.from({ length: 700 }, (_, n) => catalog.change(put, { key: `k${n % 300}`, value: n })),
    );
    const now = new Map(catalog.entries('policies'));
    assert.equal(now.size, 300);
    await cluster.stop();
    const again = await open(storage);
    assert.deepEqual(new Map(again.catalog.entries('policies')), now);
    await again.cluster.stop();
  });

  test('watchers are told in the turn of the change, before it is answered; what changes nothing tells nobody', async () => {
    const { cluster, catalog } = await open(makeMemoryStorage());
    const told: number[] = [];
    catalog.watch('policies', (entries) => told.push(entries.size));
    await catalog.change(put, { key: 'a', value: 1 });
    assert.deepEqual(told, [0, 1]);
    const { version } = catalog;
    await catalog.change(remove, { key: 'unknown' });
    assert.deepEqual(told, [0, 1]);
    assert.equal(catalog.version, version);
    catalog.clear();
    assert.deepEqual(told, [0, 1, 0]);
    assert(catalog.version > version);
    await cluster.stop();
  });

  test('a change of which nobody knows whether it was written is enforced if it was', async () => {
    for (const kind of ['fails before', 'fails after'] as const) {
      const storage = makeMemoryStorage();
      let now: Fate['kind'] = 'well';
      const { cluster, catalog } = await open(storage, () => ({ kind: now, turns: 0 }));
      await catalog.change(put, { key: 'a', value: 1 });
      now = kind;
      await assert.rejects(
        catalog.change(put, { key: 'a', value: 2 }),
        (error: CodedError) => error.code === 'storage_failed',
      );
      const stored = await open(storage);
      assert.deepEqual(new Map(catalog.entries('policies')), new Map(stored.catalog.entries('policies')));
      assert.equal(catalog.entries('policies').get('a'), kind === 'fails after' ? 2 : 1);
      await cluster.stop();
      await stored.cluster.stop();
    }
  });

  test('a section is bounded; what makes it smaller is always taken', async () => {
    const storage = makeMemoryStorage();
    const { cluster, catalog } = await open(storage);
    const value = 'x'.repeat(1024 * 1024);
    const most = Math.floor(CATALOG_SECTION_BYTES_MAX / value.length) - 1;
    for (let n = 0; n < most; n++) await catalog.change(put, { key: `k${n}`, value });
    const tooMuch = () => catalog.change(put, { key: 'more', value: value + value });
    await assert.rejects(tooMuch, (error: CodedError) => error.code === 'too_large');
    await catalog.change(put, { key: 'k0', value: 'small' });
    await catalog.change(remove, { key: 'k1' });
    await cluster.stop();
    // What was given back may be taken again, also after a load.
    const again = await open(storage);
    await again.catalog.change(put, { key: 'more', value: value + value });
    await again.cluster.stop();
  });
});
