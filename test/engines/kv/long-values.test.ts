/** Values that are too long to be held in memory, and reads that meet a change. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { kv2, kvKinds } from '../../../src/engines/kv/kv.ts';
import { KV_HELD_CHARS_MAX } from '../../../src/model/limits.ts';
import { type EngineBench, makeEngineBench } from '../../support/engine-bench.ts';

let bench: EngineBench;
beforeEach(() => {
  bench = makeEngineBench(kv2, kvKinds);
});
afterEach(() => bench.stop());

const long = (mark: string) => ({ mark, text: 'é'.repeat(KV_HELD_CHARS_MAX) });
const read = (version = 0) =>
  bench.call('read', 'data/x', undefined, { query: { version: String(version) } });

/** Holds back every look-up of a payload until told to go on. */
function holdPayloads(): () => void {
  let goOn = () => {};
  const held = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  bench.storage.beforeGet = (path) => (path.includes('!') ? held : undefined);
  return goOn;
}

test('are read, patched, listed and destroyed like others', async () => {
  await bench.call('update', 'data/x', { data: long('a') });
  assert.deepEqual((await read()).body.data.data, long('a'));
  await bench.call('patch', 'data/x', { data: { mark: 'b' } });
  assert.deepEqual((await read()).body.data.data, long('b'));
  await bench.restart();
  assert.deepEqual((await read()).body.data.data, long('b'));
  assert.deepEqual((await read(1)).body.data.data, long('a'));
  assert.deepEqual((await bench.call('read', 'subkeys/x')).body.data.subkeys, { mark: null, text: null });
  await bench.call('patch', 'data/x', { data: { text: null } });
  assert.deepEqual((await read()).body.data.data, { mark: 'b' });
  await bench.call('update', 'destroy/x', { versions: [1, 2, 3] });
  assert.deepEqual(bench.storage.recordPaths(), []);
});

test('a read whose version is erased meanwhile shows the version after it', async () => {
  await bench.call('update', 'metadata/x', { max_versions: 1 });
  await bench.call('update', 'data/x', { data: long('a') });
  const goOn = holdPayloads();
  const reading = read();
  await bench.call('update', 'data/x', { data: long('b') });
  goOn();
  assert.deepEqual((await reading).body.data.data, long('b'));
});

test('a read whose version is destroyed meanwhile says so', async () => {
  await bench.call('update', 'data/x', { data: long('a') });
  await bench.call('update', 'data/x', { data: long('b') });
  const goOn = holdPayloads();
  const reading = read(1);
  await bench.call('update', 'destroy/x', { versions: [1] });
  goOn();
  const { status, body } = await reading;
  assert.deepEqual([status, body.data.metadata.destroyed], [404, true]);
});

test('a payload that the store has lost is an error, not a secret that is not there', async () => {
  await bench.call('update', 'data/x', { data: long('a') });
  await bench.call('update', 'data/x', { data: long('b') });
  for (const path of bench.storage.recordPaths()) bench.storage.records.delete(path);
  assert.equal((await read(1)).status, 500);
  await bench.restart();
  assert.equal((await read()).status, 500);
  assert.notEqual(bench.takeFaults().length, 0);
});

test('a value that is not long is read from memory', async () => {
  await bench.call('update', 'data/x', { data: { i: 1 } });
  await bench.restart();
  await read();
  bench.storage.beforeGet = (path) => assert.fail(`looked up ${path}`);
  assert.deepEqual((await read()).body.data.data, { i: 1 });
  await bench.call('delete', 'data/x');
  assert.equal((await read()).status, 404);
});
