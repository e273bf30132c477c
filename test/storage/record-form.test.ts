import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chunkedRecord, makeStamps, readRecord, wholeRecord } from '../../src/storage/record-form.ts';

const stamp = Buffer.from('12345678');

test('a value, and a place of chunks, come back as they went in', () => {
  for (const value of [Buffer.alloc(0), Buffer.from([2]), Buffer.alloc(5_000, 'x')]) {
    assert.deepEqual(readRecord(wholeRecord(stamp, value)), value);
  }
  const place = { id: 'ab'.repeat(16), first: 70_000, bytes: 67_108_864 };
  assert.deepEqual(readRecord(chunkedRecord(stamp, place)), place);
});

test('other bytes are refused', () => {
  const chunked = chunkedRecord(stamp, { id: 'ab'.repeat(16), first: 0, bytes: 1 });
  for (const bytes of [
    Buffer.alloc(0),
    Buffer.from([1, 2, 3]),
    Buffer.alloc(40),
    chunked.subarray(1),
    chunked.subarray(0, 20),
  ]) {
    assert.throws(() => readRecord(bytes), { name: 'StorageFailed', outcomeKnown: true });
  }
});

test('stamps count on over every byte, and begin anywhere', () => {
  const next = makeStamps(() => Buffer.from('00000000ffffffff', 'hex'));
  assert.equal(Buffer.from(next()).toString('hex'), '0000000100000000');
  assert.equal(Buffer.from(next()).toString('hex'), '0000000100000001');
  const last = makeStamps(() => Buffer.alloc(8, 0xff));
  assert.equal(Buffer.from(last()).toString('hex'), '0'.repeat(16));
});
