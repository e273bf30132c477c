import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { counterRecord, encodeWrite, planGroup, versionOf } from '../../src/storage/lmdb-records.ts';

test('versions of any size are written and read alike', () => {
  fc.assert(
    fc.property(
      fc.maxSafeNat().filter((version) => version > 0),
      (version) => {
        const { records } = planGroup(
          [encodeWrite([{ path: 'a', value: Buffer.from('x') }], [])],
          version - 1,
          () => 0,
        );
        assert.equal(records[0]!.record!.readBigUInt64BE(0), BigInt(version));
        assert.equal(versionOf(records[0]!.record!), version);
        assert.equal(versionOf(counterRecord(version)), version);
      },
    ),
    { examples: [[1], [2 ** 31], [2 ** 32 - 1], [2 ** 32], [2 ** 40 + 2 ** 31], [Number.MAX_SAFE_INTEGER]] },
  );
});
