/** Versions of KV v2: numbers, limits, times, values (contract §8). */
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

const read = (version = 0, path = 'x') =>
  bench.call('read', `data/${path}`, undefined, { query: { version: String(version) } });
const metadata = async (path = 'x') => (await bench.call('read', `metadata/${path}`)).body.data;

test('a write replies what it made', async () => {
  const { status, body } = await bench.call('update', 'data/x', { data: { a: 1 } });
  assert.equal(status, 200);
  assert.deepEqual(body.data, {
    created_time: '2023-11-14T22:13:20Z',
    custom_metadata: null,
    deletion_time: '',
    destroyed: false,
    version: 1,
  });
});

test('numbers print as Go prints doubles, the sign of zero included', async () => {
  const sent =
    '{"data":{"a":1.0,"b":1e3,"c":12345678901234567890,"d":-0,"e":1e21,"f":1e-7,"g":0.000001,"h":-0.0,"i":123456789012345678901,' +
    '"j":1e20,"k":1.5E300,"l":5e-324,"m":[1.10,{"x":2.50}],"n":1e-400,"o":0,"p":-12,"q":999999999999999,"r":9007199254740993}}';
  await bench.call('update', 'data/x', sent);
  const { text } = await read();
  const expected =
    '{"a":1,"b":1000,"c":12345678901234567000,"d":-0,"e":1e+21,"f":1e-7,"g":0.000001,"h":-0,"i":123456789012345680000,' +
    '"j":100000000000000000000,"k":1.5e+300,"l":5e-324,"m":[1.1,{"x":2.5}],"n":0,"o":0,"p":-12,"q":999999999999999,' +
    '"r":9007199254740992}';
  assert(text.includes(`"data":{"data":${expected},"metadata"`), text);
  assert.equal((await bench.call('update', 'data/x', '{"data":{"a":1e400}}')).status, 400);
});

test('names are names', async () => {
  await bench.call('update', 'data/x', '{"data":{"b":1,"10":2,"9":3,"__proto__":{"constructor":4}}}');
  assert((await read()).text.includes('{"10":2,"9":3,"__proto__":{"constructor":4},"b":1}'));
  await bench.call('patch', 'data/x', '{"data":{"__proto__":{"x":5},"b":null}}');
  assert((await read()).text.includes('{"10":2,"9":3,"__proto__":{"constructor":4,"x":5}}'));
});

test('null is stored as null, an empty list as an empty object', async () => {
  await bench.call('update', 'data/x', { data: null });
  assert.equal((await read()).status, 200);
  assert.equal((await read()).body.data.data, null);
  assert.equal((await bench.call('read', 'subkeys/x')).body.data.subkeys, null);
  await bench.call('patch', 'data/x', { data: { a: 1 } });
  assert.deepEqual((await read()).body.data.data, { a: 1 });
  await bench.call('update', 'data/x', { data: [] });
  assert.deepEqual((await read()).body.data.data, {});
});

test('ten versions are kept where nobody says otherwise', async () => {
  const long = 'l'.repeat(KV_HELD_CHARS_MAX);
  const write = (i: number) => bench.call('update', 'data/x', { data: { i, long } });
  for (let i = 1; i <= 9; i++) await write(i);
  assert.equal((await metadata()).oldest_version, 0);
  await write(10);
  assert.equal((await metadata()).oldest_version, 1);
  await write(11);
  await write(12);
  const { oldest_version, current_version, versions } = await metadata();
  assert.deepEqual([oldest_version, current_version], [3, 12]);
  assert.deepEqual(
    Object.keys(versions).sort(),
    ['3', '4', '5', '6', '7', '8', '9', '10', '11', '12'].sort(),
  );
  assert.equal((await read(2)).status, 404);
  assert.deepEqual((await read(3)).body.data.data, { i: 3, long });
  assert.equal(bench.storage.recordPaths().length, 10);
});

test('the larger of the limits of secret and mount counts, from the next write on', async () => {
  for (let i = 1; i <= 5; i++) await bench.call('update', 'data/x', { data: { i } });
  await bench.call('update', 'config', { max_versions: 2 });
  await bench.call('update', 'metadata/x', { max_versions: 3 });
  assert.equal(Object.keys((await metadata()).versions).length, 5);
  await bench.call('update', 'data/x', { data: { i: 6 } });
  assert.deepEqual(Object.keys((await metadata()).versions), ['4', '5', '6']);
  await bench.call('update', 'metadata/x', { max_versions: 5 });
  await bench.call('update', 'data/x', { data: { i: 7 } });
  assert.deepEqual(Object.keys((await metadata()).versions), ['4', '5', '6', '7']);
  await bench.call('update', 'metadata/x', { max_versions: 0 });
  await bench.call('patch', 'data/x', { data: { j: 1 } });
  assert.deepEqual(Object.keys((await metadata()).versions), ['7', '8']);
  assert.equal((await metadata()).oldest_version, 7);
});

test('delete_version_after: the shorter of secret and mount, counted from the write, seen at the read', async () => {
  await bench.call('update', 'config', { delete_version_after: '2m' });
  const first = await bench.call('update', 'data/x', { data: { i: 1 } });
  assert.equal(first.body.data.deletion_time, '2023-11-14T22:15:20Z');
  await bench.call('update', 'metadata/x', { delete_version_after: '1m' });
  const second = await bench.call('update', 'data/x', { data: { i: 2 } });
  assert.equal(second.body.data.deletion_time, '2023-11-14T22:14:20Z');
  await bench.call('update', 'metadata/x', { delete_version_after: '1h' });
  const third = await bench.call('patch', 'data/x', { data: { i: 3 } });
  assert.equal(third.body.data.deletion_time, '2023-11-14T22:15:20Z');
  bench.nowMs += 59_999;
  assert.equal((await read(2)).status, 200);
  bench.nowMs += 1;
  assert.equal((await read(2)).status, 404);
  assert.equal((await read(1)).status, 200);
  bench.nowMs += 60_000;
  assert.equal((await read(1)).status, 404);
  assert.equal((await read(3)).status, 404);
  // Undeleting gives the time anew, from now.
  await bench.call('update', 'undelete/x', { versions: [1] });
  assert.equal((await read(1)).body.data.metadata.deletion_time, '2023-11-14T22:17:20Z');
  await bench.call('update', 'config', { delete_version_after: -5 });
  await bench.call('update', 'undelete/x', { versions: [1, 2] });
  assert.equal((await read(1)).body.data.metadata.deletion_time, '');
  assert.equal((await read(2)).body.data.metadata.deletion_time, '');
  assert.equal((await bench.call('update', 'data/x', { data: {} })).body.data.deletion_time, '');
});

test('a delete is a delete whatever the clock says later', async () => {
  await bench.call('update', 'data/x', { data: { i: 1 } });
  await bench.call('delete', 'data/x');
  bench.nowMs -= 3_600_000;
  assert.equal((await read()).status, 404);
  await bench.restart();
  assert.equal((await read()).status, 404);
});

test('destroyed is destroyed: the value is gone from the store and from memory', async () => {
  await bench.call('update', 'data/x', { data: { secret: 'abc' } });
  await bench.call('update', 'data/x', { data: { secret: 'def' } });
  await bench.call('update', 'destroy/x', { versions: '1, 2' });
  assert.deepEqual(bench.storage.recordPaths(), []);
  for (const version of [1, 2]) {
    const { status, body } = await read(version);
    assert.equal(status, 404);
    assert.deepEqual([body.data.data, body.data.metadata.destroyed], [null, true]);
  }
  await bench.call('update', 'undelete/x', { versions: [1, 2] });
  assert.equal((await read(2)).status, 404);
  await bench.call('update', 'data/x', { data: { secret: 'ghi' } });
  assert.deepEqual((await read()).body.data.data, { secret: 'ghi' });
});

test('a write after a delete does not bring back what was deleted', async () => {
  await bench.call('update', 'data/x', { data: { i: 1 } });
  await bench.call('delete', 'data/x');
  await bench.call('update', 'data/x', { data: { i: 2 } });
  assert.equal((await read(1)).status, 404);
  assert.deepEqual((await read()).body.data.data, { i: 2 });
});

test('subkeys to every depth', async () => {
  await bench.call('update', 'data/x', {
    data: { a: { b: 1, c: { d: { e: 2 } } }, l: [{ x: 1 }], n: null, em: {} },
  });
  const shape = async (depth: string) =>
    (await bench.call('read', 'subkeys/x', undefined, { query: { depth } })).body.data.subkeys;
  const leaves = { em: null, l: null, n: null };
  const all = { a: { b: null, c: { d: { e: null } } }, ...leaves };
  assert.deepEqual(await shape('0'), all);
  assert.deepEqual(await shape(''), all);
  assert.deepEqual(await shape('4'), all);
  assert.deepEqual(await shape('1'), { a: null, ...leaves });
  assert.deepEqual(await shape('-1'), { a: null, ...leaves });
  assert.deepEqual(await shape('2'), { a: { b: null, c: null }, ...leaves });
  assert.deepEqual(await shape('3'), { a: { b: null, c: { d: null } }, ...leaves });
  const { body } = await bench.call('read', 'subkeys/x', undefined, { query: { version: '1' } });
  assert.deepEqual(body.data.metadata.version, 1);
});

test('create and update are told apart where the secret is', async () => {
  const creator = { mayCreate: true, mayUpdate: false };
  const updater = { mayCreate: false, mayUpdate: true };
  for (const [path, body] of [
    ['data/x', { data: {} }],
    ['metadata/y', { max_versions: 1 }],
  ] as const) {
    assert.equal((await bench.call('update', path, body, updater)).status, 403, path);
    assert((await bench.call('update', path, body, creator)).status < 300, path);
    assert.equal((await bench.call('update', path, body, creator)).status, 403, path);
    assert((await bench.call('update', path, body, updater)).status < 300, path);
  }
  // A secret without versions exists too.
  assert.equal((await bench.call('update', 'data/y', { data: {} }, creator)).status, 403);
  // Nothing to set is nothing to do, but only for who may.
  assert.equal((await bench.call('update', 'metadata/z', {}, updater)).status, 403);
  assert.equal((await bench.call('update', 'metadata/z', {}, creator)).status, 204);
  assert.equal((await bench.call('read', 'metadata/z')).status, 404);
});
