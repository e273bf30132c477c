import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { DriverWrite } from '../../src/storage/driver.ts';
import { planWaves } from '../../src/storage/waves.ts';

const ROOM = 3;
const newBatch = () => {
  let left = ROOM;
  return { take: () => left-- > 0 };
};
const keys = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { maxLength: 3 });
const write = fc.tuple(keys, keys).map(([changed, compared]): DriverWrite => {
  const value = Buffer.from('x');
  const changes = changed.map((key) => ({ key, value }));
  return { changes, conditions: compared.map((key) => ({ key, version: 1 })), count: 1, bytes: 1 };
});

/** Whether one of them changes what the other changes or compares. */
function meet(a: DriverWrite, b: DriverWrite): boolean {
  const touched = (each: DriverWrite) => [...each.changes, ...each.conditions].map(({ key }) => key);
  const changes = (x: DriverWrite, y: DriverWrite) => x.changes.some(({ key }) => touched(y).includes(key));
  return changes(a, b) || changes(b, a);
}

test('every write comes once; those that meet come in different waves, in their order; batches have room', () => {
  fc.assert(
    fc.property(fc.array(write, { maxLength: 12 }), (writes) => {
      const waves = planWaves(writes, newBatch);
      const place = new Map(waves.flatMap((wave, at) => wave.flat().map((each) => [each, at])));
      assert.deepEqual([...place.keys()].length, writes.length);
      assert.equal(waves.flat(2).length, writes.length);
      for (const [at, later] of writes.entries()) {
        for (const earlier of writes.slice(0, at)) {
          if (meet(earlier, later)) assert(place.get(earlier)! < place.get(later)!);
        }
      }
      for (const wave of waves) {
        assert(wave.length > 0);
        for (const batch of wave) assert(batch.length > 0 && batch.length <= ROOM);
      }
    }),
  );
});

test('commits that only compare the same record are not parted', () => {
  const fence = [{ key: 'fence', version: 1 }];
  const writes = ['a', 'b', 'c'].map((key) => ({
    changes: [{ key, value: undefined }],
    conditions: fence,
    count: 1,
    bytes: 1,
  }));
  assert.deepEqual(planWaves(writes, newBatch), [[writes]]);
});
