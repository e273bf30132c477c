import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ROOM_LOOK_MS, ROOM_SPARE_BYTES, STORAGE_ROOM_BYTES_MIN } from '../../src/model/limits.ts';
import { StorageFailed } from '../../src/model/storage.ts';
import { makeRoom } from '../../src/storage/room.ts';

function onDisk(free: number) {
  const disk = { free, looks: 0, nowMs: 5 };
  const room = makeRoom({
    folder: '/data',
    now: () => disk.nowMs,
    freeBytes() {
      disk.looks++;
      return disk.free;
    },
  });
  return { disk, room };
}

const write = [{ count: 2, bytes: 500 }];
/** What such a write wants at most: four pages for each change. */
const WANTED = STORAGE_ROOM_BYTES_MIN + 500 + 2 * 4 * 4096;
const full = (error: unknown) => {
  assert(error instanceof StorageFailed && error.outcomeKnown);
  assert.equal(error.message, 'the disk that holds /data is full; nothing was written');
  return true;
};

test('before LMDB each transaction looks, whatever the last one found', () => {
  const { disk, room } = onDisk(2 ** 40);
  for (let n = 1; n <= 3; n++) {
    room.refuseFull(write);
    assert.equal(disk.looks, n);
  }
  disk.free = WANTED;
  room.refuseFull(write);
  disk.free = WANTED - 1;
  assert.throws(() => room.refuseFull(write), full);
});

test('before a log a look counts for a while, where there is much room', () => {
  const { disk, room } = onDisk(2 ** 40);
  for (let n = 0; n < 100; n++) room.refuseFullLog(write, 1_000);
  assert.equal(disk.looks, 1);
  disk.nowMs += ROOM_LOOK_MS - 1;
  room.refuseFullLog(write, 0);
  assert.equal(disk.looks, 1);
  disk.nowMs += 1;
  disk.free = WANTED - 1;
  assert.throws(() => room.refuseFullLog(write, 0), full);
  assert.equal(disk.looks, 2);
  assert.throws(() => room.refuseFullLog(write, 0), full, 'and is refused each time');
  assert.equal(disk.looks, 3);
  disk.free = WANTED;
  room.refuseFullLog(write, 0);
});

test('no more is written on one look than it has found, but for what is spared', () => {
  const { disk, room } = onDisk(ROOM_SPARE_BYTES + 10 * WANTED);
  for (let n = 0; n < 10; n++) room.refuseFullLog(write, 0);
  assert.equal(disk.looks, 1);
  room.refuseFullLog(write, 0);
  assert.equal(disk.looks, 2);
});

test('where there is little room each write looks', () => {
  const { disk, room } = onDisk(ROOM_SPARE_BYTES);
  for (let n = 1; n <= 3; n++) {
    room.refuseFullLog(write, 7);
    assert.equal(disk.looks, n);
  }
  disk.free = WANTED + 6;
  assert.throws(() => room.refuseFullLog(write, 7), full);
});
