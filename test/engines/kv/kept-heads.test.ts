/** Records as they rested at the first release: every later one must read them. Never change these bytes; add beside them. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { kv1, kv2, kvKinds } from '../../../src/engines/kv/kv.ts';
import { BENCH_MOUNT, type EngineBench, makeEngineBench } from '../../support/engine-bench.ts';

const RECORDS = {
  'data/root/mount-uuid/kv/~short': '\x01{"at":1700000000000,"lease":60,"long":false}\n{"a":1.0,"ttl":"1m"}',
  'data/root/mount-uuid/kv/~long': '\x01{"at":1700000000000,"long":true}\n',
  'data/root/mount-uuid/kv/~long!v/1': '{"text":"long"}',
  'data/root/mount-uuid/kv/~plain':
    '\x02{"at":1700000000000,"to":1700000000000,"n":1,"v":[[1700000000000,0,0]],"size":7}',
  'data/root/mount-uuid/kv/~plain!v/1': '{"a":1}',
  'data/root/mount-uuid/kv/~full':
    '\x02{"at":1700000000000,"to":1700000001000,"n":5,"first":2,' +
    '"v":[[1700000000000,0,0],[1700000000000,1700000060000,1],[1700000000000,0,2],[1700000001000,1900000000000,0]],' +
    '"max":4,"cas":1,"after":90,"custom":"{\\"k\\":\\"v\\"}","mn":3,"mcas":1,"size":9}',
  'data/root/mount-uuid/kv/~full!v/2': '{"v":"two"}',
  'data/root/mount-uuid/kv/~full!v/3': '{"v":"three"}',
  'data/root/mount-uuid/kv/~full!v/5': '{"v":"five"}',
  'data/root/mount-uuid/kv/~young':
    '\x03{"at":1700000000000,"to":1700000000000,"n":1,"v":[1700000000000,0,0,7]}\n{"a":1}',
  'data/root/mount-uuid/kv/~mixed':
    '\x03{"at":1700000000000,"to":1700000000000,"n":4,' +
    '"v":[1700000000000,0,0,-1,1700000000000,0,2,-1,1700000000000,0,1,10,1700000000000,0,0,15]}\n{"v":"é"}{"v":"number4"}',
  'data/root/mount-uuid/kv/~mixed!v/1': '{"v":"one"}',
  'data/root/mount-uuid/kv/~bare': '\x02{"at":1700000000000,"to":1700000000000,"v":[],"max":2,"mn":1}',
  'data/root/mount-uuid/kv-config/~config':
    '\x01{"max_versions":7,"cas_required":true,"delete_version_after":-1,"metadata_cas_required":false}',
};

let bench: EngineBench;
beforeEach(() => {
  bench = makeEngineBench(kv2, kvKinds, { ...BENCH_MOUNT, settings: undefined });
  for (const [path, text] of Object.entries(RECORDS)) {
    bench.storage.records.set(path, { value: Buffer.from(text), version: 1 });
  }
});
afterEach(() => bench.stop());

const read = async (path: string) => (await bench.call('read', path)).body;

test('values of v1', async () => {
  bench.serve(kv1);
  const short = await bench.call('read', 'short');
  assert(short.text.includes('"lease_duration":60,"data":{"a":1.0,"ttl":"1m"}'));
  assert.deepEqual((await read('long')).data, { text: 'long' });
  bench.serve(kv2);
  assert.deepEqual((await read('data/short')).data.data, { a: 1, ttl: '1m' });
  assert.deepEqual((await read('data/long')).data.data, { text: 'long' });
});

test('secrets of v2', async () => {
  assert.deepEqual((await read('data/plain')).data.data, { a: 1 });
  assert.equal((await read('metadata/bare')).data.max_versions, 2);
  assert.deepEqual((await read('data/full')).data.data, { v: 'five' });
  assert.deepEqual((await read('metadata/full')).data, {
    cas_required: true,
    created_time: '2023-11-14T22:13:20Z',
    current_metadata_version: 3,
    current_version: 5,
    custom_metadata: { k: 'v' },
    delete_version_after: '1m30s',
    max_versions: 4,
    metadata_cas_required: true,
    oldest_version: 2,
    updated_time: '2023-11-14T22:13:21Z',
    versions: {
      2: { created_time: '2023-11-14T22:13:20Z', deletion_time: '', destroyed: false },
      3: {
        created_time: '2023-11-14T22:13:20Z',
        deletion_time: '2023-11-14T22:14:20Z',
        destroyed: false,
      },
      4: { created_time: '2023-11-14T22:13:20Z', deletion_time: '', destroyed: true },
      5: {
        created_time: '2023-11-14T22:13:21Z',
        deletion_time: '2030-03-17T17:46:40Z',
        destroyed: false,
      },
    },
  });
  await bench.call('update', 'undelete/full', { versions: [3] });
  const third = await bench.call('read', 'data/full', undefined, { query: { version: '3' } });
  assert.deepEqual(third.body.data.data, { v: 'three' });
});

test('secrets of v2 with payloads in their heads', async () => {
  const version = async (number: number) => {
    const { body } = await bench.call('read', 'data/mixed', undefined, {
      query: { version: String(number) },
    });
    return [body.data.data, body.data.metadata.destroyed];
  };
  assert.deepEqual((await read('data/young')).data.data, { a: 1 });
  assert.deepEqual(await version(1), [{ v: 'one' }, false]);
  assert.deepEqual(await version(2), [null, true]);
  await bench.call('update', 'undelete/mixed', { versions: [3] });
  assert.deepEqual(await version(3), [{ v: 'é' }, false]);
  assert.deepEqual(await version(4), [{ v: 'number4' }, false]);
});

const SETTINGS = {
  cas_required: true,
  delete_version_after: -1,
  max_versions: 7,
  metadata_cas_required: false,
};

test('settings', async () => {
  const shown = { ...SETTINGS, delete_version_after: '-1s' };
  assert.deepEqual((await read('config')).data, shown);
  assert.equal(bench.mount.settings, undefined);
  assert.equal((await bench.call('update', 'data/new', { data: {} })).status, 400, 'cas_required holds');
  assert.deepEqual(bench.mount.settings, SETTINGS, 'and has moved into the mount table');
  assert.deepEqual((await read('config')).data, shown);
});

test('settings that change before they have moved', async () => {
  await bench.call('update', 'config', { max_versions: 3 });
  assert.deepEqual(bench.mount.settings, { ...SETTINGS, max_versions: 3 });
  await bench.call('update', 'config', { cas_required: false });
  assert.deepEqual(bench.mount.settings, { ...SETTINGS, max_versions: 3, cas_required: false });
});

test('what is written today rests in the same form', async () => {
  await bench.call('update', 'config', { cas_required: false });
  await bench.call('update', 'data/new', { data: { a: 1 } });
  const head = bench.storage.records.get('data/root/mount-uuid/kv/~new');
  assert.equal(Buffer.from(head!.value).toString(), RECORDS['data/root/mount-uuid/kv/~young']);
});
