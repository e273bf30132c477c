/** A mount that went from v1 to v2: what v1 wrote is a secret with one version, without any of it being rewritten. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { kv1, kv2, kvKinds } from '../../../src/engines/kv/kv.ts';
import type { Verb } from '../../../src/model/request.ts';
import { type EngineBench, makeEngineBench } from '../../support/engine-bench.ts';

let bench: EngineBench;
beforeEach(async () => {
  bench = makeEngineBench(kv1, kvKinds);
  await bench.call('update', 'x', '{"a":1.0,"n":12345678901234567890,"ttl":"1h","o":{"i":1}}');
  await bench.call('update', 'long', `{"n":1.50,"text":"${'x'.repeat(100_000)}"}`);
  bench.serve(kv2);
  bench.nowMs += 1_000;
});
afterEach(() => bench.stop());

const VALUE = '{"a":1,"n":12345678901234567000,"o":{"i":1},"ttl":"1h"}';
const METADATA = {
  created_time: '2023-11-14T22:13:20Z',
  custom_metadata: null,
  deletion_time: '',
  destroyed: false,
  version: 1,
};

test('reads change nothing', async () => {
  const records = new Map(bench.storage.records);
  for (let round = 0; round < 2; round++) {
    const read = await bench.call('read', 'data/x');
    assert(read.text.includes(`"data":{"data":${VALUE},"metadata"`), read.text);
    assert.deepEqual(read.body.data.metadata, METADATA);
    const { body } = await bench.call('read', 'metadata/x');
    assert.deepEqual(
      [body.data.oldest_version, body.data.current_version, body.data.updated_time],
      [1, 1, '2023-11-14T22:13:20Z'],
    );
    assert.deepEqual(Object.keys(body.data.versions), ['1']);
    assert.deepEqual((await bench.call('read', 'subkeys/x')).body.data.subkeys.o, { i: null });
    assert.deepEqual((await bench.call('list', 'metadata')).body.data.keys, ['long', 'x']);
    const long = await bench.call('read', 'data/long');
    assert(long.text.includes('"data":{"data":{"n":1.5,"text":"xxx'));
    await bench.restart();
  }
  assert.deepEqual(bench.storage.records, records);
});

const changes: [Verb, string, object?][] = [
  ['update', 'data/', { data: { new: true } }],
  ['patch', 'data/', { data: { new: true } }],
  ['delete', 'data/'],
  ['update', 'delete/', { versions: [1] }],
  ['update', 'destroy/', { versions: [1] }],
  ['update', 'metadata/', { max_versions: 5 }],
  ['patch', 'metadata/', { max_versions: 5 }],
];
for (const [verb, path, body] of changes) {
  for (const name of ['x', 'long']) {
    test(`the first change adopts it: ${verb} ${path}${name}`, async () => {
      const before = await bench.call('read', `data/${name}`);
      assert((await bench.call(verb, path + name, body)).status < 300);
      await bench.restart();
      await bench.call('update', `undelete/${name}`, { versions: [1] });
      const first = await bench.call('read', `data/${name}`, undefined, { query: { version: '1' } });
      if (path === 'destroy/') {
        assert.deepEqual([first.status, first.body.data.data], [404, null]);
        assert.deepEqual(
          bench.storage.recordPaths().filter((p) => p.includes(`~${name}/`)),
          [],
        );
      } else {
        assert.deepEqual(first.body.data.data, before.body.data.data);
      }
      const latest = (await bench.call('read', `data/${name}`)).body.data.data;
      if (verb === 'patch' && path === 'data/') {
        assert.deepEqual(latest, { ...before.body.data.data, new: true });
      }
      assert.equal((await bench.call('delete', `metadata/${name}`)).status, 204);
      assert.deepEqual(
        bench.storage.paths('').filter((p) => p.includes(`~${name}`)),
        [],
      );
    });
  }
}

test('check-and-set counts it as version 1', async () => {
  const write = (cas: number) => bench.call('update', 'data/x', { data: {}, options: { cas } });
  assert.equal((await write(0)).status, 400);
  assert.equal((await write(1)).body.data.version, 2);
});

test('it exists: writing it is an update', async () => {
  const refused = await bench.call('update', 'data/x', { data: {} }, { mayUpdate: false });
  assert.equal(refused.status, 403);
});

test('deleting metadata deletes it', async () => {
  assert.equal((await bench.call('delete', 'metadata/x')).status, 204);
  assert.equal((await bench.call('delete', 'metadata/long')).status, 204);
  assert.deepEqual(bench.storage.paths(''), []);
});

test('numbers that no double holds stay as v1 stored them', async () => {
  bench.serve(kv1);
  await bench.call('update', 'huge', '{"n":1e400,"m":2.0}');
  bench.serve(kv2);
  assert((await bench.call('read', 'data/huge')).text.includes('"data":{"m":2,"n":1e400}'));
  await bench.call('delete', 'data/huge');
  await bench.call('update', 'undelete/huge', { versions: [1] });
  assert((await bench.call('read', 'data/huge')).text.includes('"data":{"m":2,"n":1e400}'));
});
