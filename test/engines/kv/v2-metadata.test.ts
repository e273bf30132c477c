/** Metadata and settings of KV v2 (contract §8; metadata_cas as OpenBao has it). */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { kv2, kvKinds } from '../../../src/engines/kv/kv.ts';
import { type EngineBench, makeEngineBench } from '../../support/engine-bench.ts';

let bench: EngineBench;
beforeEach(() => {
  bench = makeEngineBench(kv2, kvKinds);
});
afterEach(() => bench.stop());

const metadata = async (path = 'x') => (await bench.call('read', `metadata/${path}`)).body.data;

const NEW = {
  cas_required: false,
  created_time: '2023-11-14T22:13:20Z',
  current_metadata_version: 1,
  current_version: 0,
  custom_metadata: null,
  delete_version_after: '0s',
  max_versions: 0,
  metadata_cas_required: false,
  oldest_version: 0,
  updated_time: '2023-11-14T22:13:20Z',
  versions: {},
};

test('a write makes a secret without versions; later ones set what they name', async () => {
  assert.equal((await bench.call('update', 'metadata/x', { max_versions: 3 })).status, 204);
  assert.deepEqual(await metadata(), { ...NEW, max_versions: 3 });
  bench.nowMs += 1_000;
  const sent = { cas_required: true, delete_version_after: '3h25m19s', custom_metadata: { a: 'b' } };
  assert.equal((await bench.call('update', 'metadata/x', sent)).status, 204);
  const expected = { ...NEW, ...sent, max_versions: 3, current_metadata_version: 2 };
  assert.deepEqual(await metadata(), expected);
  await bench.restart();
  assert.deepEqual(await metadata(), expected);
  assert.equal((await bench.call('read', 'data/x')).status, 404);
  bench.nowMs += 1_000;
  const written = await bench.call('update', 'data/x', { data: {}, options: { cas: 0 } });
  assert.deepEqual(written.body.data.custom_metadata, { a: 'b' });
  const { created_time, updated_time } = await metadata();
  assert.deepEqual([created_time, updated_time], ['2023-11-14T22:13:20Z', '2023-11-14T22:13:22Z']);
});

test('a write of nothing does nothing', async () => {
  for (const body of [{}, undefined, { unknown: 1 }, { metadata_cas: 7 }, { delete_version_after: null }]) {
    assert.equal((await bench.call('update', 'metadata/x', body)).status, 204);
  }
  assert.deepEqual(bench.storage.paths(''), []);
  await bench.call('update', 'metadata/x', { max_versions: 1 });
  for (const body of [{}, { unknown: 1 }]) {
    assert.equal((await bench.call('patch', 'metadata/x', body)).status, 204);
  }
  assert.equal((await metadata()).current_metadata_version, 1);
});

test('null in a write is zero, and nothing for a duration', async () => {
  const sent = {
    max_versions: 5,
    cas_required: true,
    delete_version_after: '30m0s',
    custom_metadata: { a: 'b' },
  };
  await bench.call('update', 'metadata/x', sent);
  const nothing = {
    max_versions: null,
    cas_required: null,
    delete_version_after: null,
    custom_metadata: null,
  };
  await bench.call('update', 'metadata/x', nothing);
  assert.deepEqual(await metadata(), {
    ...NEW,
    delete_version_after: '30m0s',
    current_metadata_version: 2,
  });
});

test('a patch changes what it names; null resets', async () => {
  await bench.call('update', 'metadata/x', {
    max_versions: 7,
    cas_required: true,
    delete_version_after: '30m',
    custom_metadata: { a: '1', b: '2' },
  });
  await bench.call('patch', 'metadata/x', { custom_metadata: { a: null, c: '3', d: null } });
  assert.deepEqual((await metadata()).custom_metadata, { b: '2', c: '3' });
  await bench.call('patch', 'metadata/x', { max_versions: '4', custom_metadata: { c: 7, d: true } });
  assert.deepEqual((await metadata()).custom_metadata, { b: '2', c: '7', d: '1' });
  assert.equal((await metadata()).max_versions, 4);
  assert.equal((await metadata()).delete_version_after, '30m0s');
  await bench.call('patch', 'metadata/x', { delete_version_after: '0s' });
  assert.equal((await metadata()).delete_version_after, '0s');
  await bench.call('patch', 'metadata/x', { delete_version_after: '10s' });
  await bench.call('patch', 'metadata/x', { delete_version_after: null });
  assert.equal((await metadata()).delete_version_after, '0s');
  await bench.call('patch', 'metadata/x', { max_versions: null, cas_required: null, custom_metadata: null });
  assert.deepEqual(await metadata(), { ...NEW, current_metadata_version: 7 });
  assert.equal((await bench.call('update', 'metadata/x', { delete_version_after: '-1s' })).status, 400);
  assert.equal((await bench.call('patch', 'metadata/x', { max_versions: 'x' })).status, 400);
});

test('an emptied custom_metadata reads as null', async () => {
  await bench.call('update', 'metadata/x', { custom_metadata: {} });
  assert.equal((await metadata()).custom_metadata, null);
  await bench.call('update', 'metadata/x', { custom_metadata: { a: 'b' } });
  await bench.call('patch', 'metadata/x', { custom_metadata: { a: null } });
  assert.equal((await metadata()).custom_metadata, null);
});

test('custom_metadata becomes text', async () => {
  const sent = '{"custom_metadata":{"b":"x","a":5,"t":true,"u":false,"f":1.50,"emoji":"😀 ü"}}';
  await bench.call('update', 'metadata/x', sent);
  const expected = { a: '5', b: 'x', emoji: '😀 ü', f: '1.50', t: '1', u: '0' };
  assert.deepEqual((await metadata()).custom_metadata, expected);
  await bench.call('update', 'data/x', { data: {} });
  assert.deepEqual((await bench.call('read', 'data/x')).body.data.metadata.custom_metadata, expected);
});

const FAILED = '\t* custom_metadata validation failed: ';

async function custom(sent: unknown, verb: 'update' | 'patch' = 'update'): Promise<string> {
  const { status, body } = await bench.call(verb, 'metadata/x', { custom_metadata: sent });
  assert.equal(status, 400);
  return body.errors[0];
}

test('custom_metadata out of bounds: every fault is named', async () => {
  const k129 = 'k'.repeat(129);
  const faults = [
    'length of key "" is 0 but must be 0 < len(key) <= 128',
    'key "b\\x01c" (b\u0001c) contains unprintable characters',
    'length of value for key "big" is 513 but must be 0 < len(value) <= 512',
    'length of value for key "empty" is 0 but must be 0 < len(value) <= 512',
    // One that is too long is not named: nobody knows what it is.
    'length of key is 129 but must be 0 < len(key) <= 128',
    'value for key "nb\\"" contains unprintable characters',
    'value for key "zw" contains unprintable characters',
  ];
  assert.equal(
    await custom({
      '': 'x',
      'b\u0001c': 'ü',
      big: 'x'.repeat(513),
      empty: null,
      [k129]: 'v',
      'nb"': '\u00a0',
      zw: '\u200b',
      ok: '日本 😀',
    }),
    `7 errors occurred:\n${faults.map((fault) => `${FAILED}${fault}\n`).join('')}\n`,
  );
  assert((await custom({ ['ü'.repeat(65)]: 'x' })).includes('length of key is 130 but must be'));
  assert((await custom({ [k129]: {} })).includes('value for key of 129 bytes is not a string'));
  assert(
    (await custom({ [`${k129}\u0001`]: 'v' })).includes('key of 130 bytes contains unprintable characters'),
  );
});

test('custom_metadata: too many keys, also where patches add up', async () => {
  const keys = (count: number, prefix: string) =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`${prefix}${i}`, 'v']));
  const text = (count: number) =>
    `1 error occurred:\n${FAILED}payload must contain at most 64 keys, provided ${count}\n\n`;
  assert.equal(await custom(keys(65, 'k')), text(65));
  assert.equal((await bench.call('update', 'metadata/x', { custom_metadata: keys(64, 'k') })).status, 204);
  assert.equal(await custom(keys(65, 'k'), 'patch'), text(65));
  assert.equal(await custom(keys(1, 'm'), 'patch'), text(65));
  const swap = { custom_metadata: { k0: null, m: 'v' } };
  assert.equal((await bench.call('patch', 'metadata/x', swap)).status, 204);
});

test('custom_metadata of other types', async () => {
  assert.match(
    await custom({ n: [1] }),
    /^custom_metadata validation failed: value for key "n" is not a string$/,
  );
  assert.match(await custom({ n: { x: 1 } }), /^custom_metadata validation failed: /);
  assert.match(await custom('x'), /^Field validation failed: .*"custom_metadata"/);
  await bench.call('update', 'metadata/x', { max_versions: 1 });
  assert.match(await custom({ n: { x: 1 } }, 'patch'), /^custom_metadata validation failed: /);
});

test('metadata_cas, as OpenBao checks it', async () => {
  const write = (verb: 'update' | 'patch', path: string, body: object) =>
    bench.call(verb, `metadata/${path}`, body);
  const errorOf = async (...args: Parameters<typeof write>) => (await write(...args)).body.errors[0];
  const required = 'metadata check-and-set parameter required for this call';
  const mismatch = 'metadata check-and-set parameter does not match the current version';
  await bench.call('update', 'config', { metadata_cas_required: true });
  assert.equal(await errorOf('update', 'x', { max_versions: 1 }), required);
  assert.equal(
    await errorOf('update', 'x', { max_versions: 1, metadata_cas: 1 }),
    'metadata_cas must be 0 when creating new metadata',
  );
  assert.equal((await write('update', 'x', { max_versions: 1, metadata_cas: 0 })).status, 204);
  assert.equal(await errorOf('update', 'x', { max_versions: 1, metadata_cas: 0 }), mismatch);
  assert.equal(await errorOf('patch', 'x', { max_versions: 1 }), required);
  assert.equal(await errorOf('patch', 'x', { max_versions: 1, metadata_cas: 2 }), mismatch);
  assert.equal((await write('patch', 'x', { max_versions: 2, metadata_cas: 1 })).status, 204);
  const warned = await write('update', 'x', { metadata_cas_required: false, metadata_cas: 2 });
  assert.deepEqual(warned.body.warnings, [
    '"metadata_cas_required" set to false, but is mandated by backend config. This value will be ignored.',
  ]);
  await bench.call('update', 'config', { metadata_cas_required: false });
  assert.equal((await write('update', 'x', { metadata_cas_required: true })).status, 204);
  assert.equal(await errorOf('update', 'x', { max_versions: 1 }), required);
  await bench.call('update', 'data/y', { data: {} });
  assert.equal((await write('update', 'y', { max_versions: 1, metadata_cas: 0 })).status, 204);
});

test('the settings of a mount', async () => {
  const config = async () => (await bench.call('read', 'config')).body.data;
  const DEFAULT = {
    cas_required: false,
    delete_version_after: '0s',
    max_versions: 0,
    metadata_cas_required: false,
  };
  assert.deepEqual(await config(), DEFAULT);
  assert.equal((await bench.call('update', 'config', {})).status, 204);
  assert.deepEqual(bench.storage.paths(''), []);
  const sent = { max_versions: 5, cas_required: true, delete_version_after: '3h25m19s' };
  assert.equal((await bench.call('update', 'config', sent)).status, 204);
  assert.deepEqual(await config(), { ...DEFAULT, ...sent });
  await bench.restart();
  assert.deepEqual(await config(), { ...DEFAULT, ...sent });
  const steps: [object, object][] = [
    [{ delete_version_after: '-3s' }, { delete_version_after: '-1s' }],
    [{ delete_version_after: null }, { delete_version_after: '-1s' }],
    [{ delete_version_after: 0 }, { delete_version_after: '0s' }],
    [{ delete_version_after: '1500ms' }, { delete_version_after: '1s' }],
    [{ max_versions: -1 }, { max_versions: 4_294_967_295 }],
    [{ max_versions: 4_294_967_303 }, { max_versions: 7 }],
    [{ max_versions: null }, { max_versions: 0 }],
    [{ cas_required: 'false' }, { cas_required: false }],
  ];
  for (const [body, shown] of steps) {
    assert.equal((await bench.call('update', 'config', body)).status, 204);
    const after = await config();
    assert.deepEqual({ ...after, ...shown }, after, JSON.stringify(body));
  }
  assert.equal((await bench.call('update', 'config', { max_versions: 'abc' })).status, 400);
});

test('lists, plain and with metadata', async () => {
  for (const path of ['a/b', 'a', 'z']) await bench.call('update', `data/${path}`, { data: {} });
  await bench.call('update', 'metadata/only', { max_versions: 1 });
  await bench.call('delete', 'data/z');
  assert.deepEqual((await bench.call('list', 'metadata')).body.data, { keys: ['a', 'a/', 'only', 'z'] });
  assert.deepEqual((await bench.call('list', 'metadata/a')).body.data, { keys: ['b'] });
  const page = { query: { after: 'a', limit: '2' } };
  assert.deepEqual((await bench.call('list', 'metadata', undefined, page)).body.data, {
    keys: ['a/', 'only'],
  });
  assert.equal((await bench.call('list', 'metadata', undefined, { query: { limit: 'x' } })).status, 400);
  const { keys, key_info } = (await bench.call('list', 'detailed-metadata')).body.data;
  assert.deepEqual(keys, ['a', 'a/', 'only', 'z']);
  assert.deepEqual(key_info['a/'], {});
  assert.deepEqual(key_info.only, { ...NEW, max_versions: 1 });
  assert.deepEqual(key_info.z, await metadata('z'));
  for (const path of ['metadata/none', 'detailed-metadata/none', 'metadata/z']) {
    assert.deepEqual((await bench.call('list', path)).body, { errors: [] }, path);
  }
});

test('deleting metadata deletes all, and what comes after is new', async () => {
  assert.equal((await bench.call('delete', 'metadata/x')).status, 204);
  await bench.call('update', 'data/x', { data: { i: 1 } });
  await bench.call('update', 'data/x', { data: { i: 2 } });
  await bench.call('update', 'metadata/x', { custom_metadata: { a: 'b' } });
  assert.equal((await bench.call('delete', 'metadata/x')).status, 204);
  assert.deepEqual(bench.storage.paths(''), []);
  for (const path of ['data/x', 'metadata/x', 'subkeys/x']) {
    assert.equal((await bench.call('read', path)).status, 404, path);
  }
  const again = await bench.call('update', 'data/x', { data: { i: 3 }, options: { cas: 0 } });
  assert.equal(again.body.data.version, 1);
  assert.equal(again.body.data.custom_metadata, null);
});
