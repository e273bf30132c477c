/** The file of a write-ahead log by itself: which groups are read back, and when its own name is gone. */
import assert from 'node:assert/strict';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import { LOG_ID_BYTES, LogFile, type LoggedGroup, readGroups } from '../../src/storage/log-file.ts';
import { testFolder } from '../support/test-folder.ts';

const folder = testFolder('log-file');
let files = 0;
const newPath = () => join(folder, `${++files}.log`);

const OWN = Buffer.alloc(LOG_ID_BYTES, 1);
const FOREIGN = Buffer.alloc(LOG_ID_BYTES, 2);
/** Groups begin at multiples of it. */
const ALIGN = 512;
const KEY = Buffer.from('key');
/** Before the value of a group's first record: the head of the group, the head of the record, the key. */
const BEFORE_VALUE = 48 + 6 + KEY.length;

const group = (id: Buffer, from: number, record: Buffer): LoggedGroup => ({
  id,
  from,
  to: from + 1,
  records: [{ key: KEY, record }],
});

/** What a file holds after these. */
async function written(groups: readonly LoggedGroup[]): Promise<Buffer> {
  const path = newPath();
  const file = new LogFile(path);
  for (const one of groups) await file.append(one);
  file.close();
  return readFileSync(path);
}

const froms = (path: string, id: Buffer | undefined) => readGroups(path, id).map(({ from }) => from);

/** A value in which, wherever groups may begin in the file, there is a whole group of another log. */
async function valueLikeGroups(): Promise<Buffer> {
  const one = (await written([group(FOREIGN, 7, Buffer.from('planted'))])).subarray(0, ALIGN);
  const filling = Buffer.alloc(ALIGN - (BEFORE_VALUE % ALIGN));
  return Buffer.concat([filling, one, one, one]);
}

test('bytes of a value that look like a group are none, in a group that was cut off', async () => {
  const bytes = await written([group(OWN, 1, Buffer.from('a')), group(OWN, 2, await valueLikeGroups())]);
  const path = newPath();
  writeFileSync(path, bytes);
  assert.deepEqual(froms(path, OWN), [1, 2]);
  // The last byte of its value did not reach the disk: what lies inside of it is not to be looked at as the log's own.
  const end = bytes.findLastIndex((byte) => byte !== 0);
  bytes[end]! ^= 1;
  writeFileSync(path, bytes);
  assert(bytes.includes('planted'));
  assert.deepEqual(froms(path, OWN), [1]);
});

test('nor are they where a newer group was written over a part of theirs', async () => {
  const path = newPath();
  const file = new LogFile(path);
  await file.append(group(OWN, 1, await valueLikeGroups()));
  file.empty();
  await file.append(group(OWN, 9, Buffer.from('newer')));
  file.close();
  assert(readFileSync(path).includes('planted'), 'they are still there');
  assert.deepEqual(froms(path, OWN), [9]);
});

test('nor in a file whose first group is damaged: the store says which log is its own', async () => {
  const bytes = await written([group(OWN, 1, await valueLikeGroups())]);
  bytes[BEFORE_VALUE]! ^= 1;
  const path = newPath();
  writeFileSync(path, bytes);
  assert.deepEqual(froms(path, OWN), []);
  assert.deepEqual(froms(path, FOREIGN), [7, 7, 7], 'they are whole groups');
});

test('a group ends where its head says: records that lead beyond it are damage', async () => {
  const bytes = await written([group(OWN, 1, Buffer.from('a')), group(OWN, 2, Buffer.from('b'))]);
  const end = BEFORE_VALUE + 1;
  const path = newPath();
  const claiming = (records: number) => {
    bytes.writeUInt32LE(records, 12);
    bytes.writeUInt32LE(crc32(bytes.subarray(12, end)), 8);
    writeFileSync(path, bytes);
    return froms(path, OWN);
  };
  assert.deepEqual(claiming(1), [1, 2]);
  assert.deepEqual(claiming(2), [2]);
  assert.deepEqual(claiming(0xffff_ffff), [2]);
});

for (const [how, change] of [
  ['removed', (path: string) => rmSync(path)],
  ['moved away', (path: string) => renameSync(path, `${path}.old`)],
  [
    'replaced',
    (path: string) => {
      renameSync(path, `${path}.old`);
      writeFileSync(path, readFileSync(`${path}.old`));
    },
  ],
] as const) {
  test(`a file that was ${how} takes no group: no start would find it`, async () => {
    const path = newPath();
    const file = new LogFile(path);
    await file.append(group(OWN, 1, Buffer.from('a')));
    change(path);
    await assert.rejects(file.append(group(OWN, 2, Buffer.from('b'))), /was removed or replaced/);
    file.close();
  });
}
