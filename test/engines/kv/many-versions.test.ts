/** More versions than one commit can erase: every step leaves a whole secret. The store refuses commits that are too large. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { kv2, kvKinds } from '../../../src/engines/kv/kv.ts';
import { KV_HELD_CHARS_MAX, KV_VERSIONS_MAX } from '../../../src/model/limits.ts';
import { type EngineBench, makeEngineBench } from '../../support/engine-bench.ts';

/** Too long for a head, so that each version has a record. */
const LONG = 'l'.repeat(KV_HELD_CHARS_MAX);

let bench: EngineBench;
beforeEach(async () => {
  bench = makeEngineBench(kv2, kvKinds);
  await bench.call('update', 'config', { max_versions: 1_000 });
  for (let i = 1; i <= 100; i++) await bench.call('update', 'data/x', { data: { i, LONG } });
});
afterEach(() => bench.stop());

const payloads = () =>
  bench.storage.recordPaths().map((path) => Number(path.slice(path.lastIndexOf('/') + 1)));
const versions = async () => {
  const { body } = await bench.call('read', 'metadata/x');
  return body.data as { current_version: number; oldest_version: number; versions: Record<string, object> };
};

test('a write that lowers the number of versions erases all that are above it', async () => {
  await bench.call('update', 'config', { max_versions: 2 });
  const written = await bench.call('update', 'data/x', { data: { i: 101, LONG } });
  assert.equal(written.body.warnings, null);
  assert.deepEqual(
    payloads().sort((a, b) => a - b),
    [100, 101],
  );
  const { oldest_version, versions: kept } = await versions();
  assert.deepEqual([oldest_version, Object.keys(kept)], [100, ['100', '101']]);
});

test('what a failed clean-up leaves, the next write erases', async () => {
  await bench.call('update', 'config', { max_versions: 2 });
  let commits = 0;
  bench.storage.beforeCommit = () => {
    if (++commits > 1) throw new Error('the disk is away');
  };
  const written = await bench.call('update', 'data/x', { data: { i: 101, LONG } });
  assert.equal(written.status, 200);
  assert.deepEqual(written.body.warnings, [
    'error occurred when cleaning up old versions, these will be cleaned up on next write',
  ]);
  bench.storage.beforeCommit = undefined;
  const { oldest_version, versions: kept } = await versions();
  assert.equal(payloads().length, Object.keys(kept).length);
  assert.equal(String(oldest_version), Object.keys(kept)[0]);
  assert.deepEqual((await bench.call('read', 'data/x')).body.data.data, { i: 101, LONG });
  await bench.call('update', 'data/x', { data: { i: 102, LONG } });
  assert.equal(payloads().length, 2);
  assert.notEqual(bench.takeFaults().length, 0);
});

test('many are destroyed by one request', async () => {
  const all = Array.from({ length: 120 }, (_, i) => i);
  assert.equal((await bench.call('update', 'destroy/x', { versions: all })).status, 204);
  assert.deepEqual(payloads(), []);
  assert.equal((await bench.call('read', 'data/x')).body.data.metadata.destroyed, true);
  assert.equal(Object.keys((await versions()).versions).length, 100);
});

test('metadata and all versions go by one request', async () => {
  await bench.call('update', 'destroy/x', { versions: [1, 50, 100] });
  assert.equal((await bench.call('delete', 'metadata/x')).status, 204);
  assert.deepEqual(bench.storage.paths(''), []);
});

test('a delete that is cut short leaves a whole secret with fewer versions', async () => {
  let commits = 0;
  bench.storage.beforeCommit = () => {
    if (++commits > 2) throw new Error('the disk is away');
  };
  assert.equal((await bench.call('delete', 'metadata/x')).status, 500);
  bench.storage.beforeCommit = undefined;
  const { oldest_version, current_version, versions: kept } = await versions();
  assert.deepEqual(
    payloads().sort((a, b) => a - b),
    Object.keys(kept).map(Number),
  );
  assert.deepEqual([oldest_version, current_version], [49, 100]);
  const oldest = await bench.call('read', 'data/x', undefined, { query: { version: '49' } });
  assert.deepEqual(oldest.body.data.data, { i: 49, LONG });
  assert.equal((await bench.call('delete', 'metadata/x')).status, 204);
  assert.deepEqual(payloads(), []);
  assert.notEqual(bench.takeFaults().length, 0);
});

test('there is an end to versions, and it is said before anything is lost', async () => {
  const v = Array.from({ length: KV_VERSIONS_MAX }, () => [1_700_000_000_000, 0, 0]);
  const head = { at: 1_700_000_000_000, to: 1_700_000_000_000, n: v.length, v, max: 1_000_000, size: 2 };
  const at = 'root/mount-uuid/kv/~full';
  const put = (path: string, text: string) =>
    bench.storage.records.set(path, { value: Buffer.from(text), version: 1 });
  put(`data/${at}`, `\x02${JSON.stringify(head)}`);
  put(`data/${at}!v/${v.length}`, '{}');
  const refused = await bench.call('update', 'data/full', { data: {} });
  assert.equal(refused.status, 400);
  assert.match(refused.body.errors[0], /^a secret keeps at most 30000 versions/);
  assert.equal((await bench.call('read', 'data/full')).body.data.metadata.version, v.length);
  await bench.call('update', 'destroy/full', { versions: [v.length] });
  assert.equal((await bench.call('read', 'data/full')).body.data.metadata.destroyed, true);
});
