/** KV v1 as a client sees it (contract §7; doubtful points asked of OpenBao 2.7.2). */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { kv1, kvKinds } from '../../../src/engines/kv/kv.ts';
import { BENCH_DEFAULT_TTL, type EngineBench, makeEngineBench } from '../../support/engine-bench.ts';

let bench: EngineBench;
beforeEach(() => {
  bench = makeEngineBench(kv1, kvKinds);
});
afterEach(() => bench.stop());

test('returns the value as it was sent: text of numbers, any names, order as Go sorts', async () => {
  const sent = '{"b":1.0,"a":1e3,"10":12345678901234567890,"2":-0,"__proto__":{"x":null},"c":"<&>"}';
  assert.equal((await bench.call('update', 'a/b', sent)).status, 204);
  const { status, text } = await bench.call('read', 'a/b');
  assert.equal(status, 200);
  const data =
    '"data":{"10":12345678901234567890,"2":-0,"__proto__":{"x":null},"a":1e3,"b":1.0,"c":"\\u003c\\u0026\\u003e"}';
  assert(text.includes(`"lease_duration":${BENCH_DEFAULT_TTL},${data}`), text);
  await bench.restart();
  assert.equal((await bench.call('read', 'a/b')).text, text);
});

test('a write replaces the whole value', async () => {
  await bench.call('update', 'x', { a: 1, b: 2 });
  await bench.call('update', 'x', { b: 3 });
  assert.deepEqual((await bench.call('read', 'x')).body.data, { b: 3 });
});

const leases: [string, number][] = [
  ['{"ttl":"1h"}', 3_600],
  ['{"ttl":""}', 0],
  ['{"ttl":null}', 0],
  ['{"ttl":5}', 5],
  ['{"ttl":-5}', -5],
  ['{"ttl":"-10s"}', -10],
  ['{"ttl":"1500ms"}', 1],
  ['{"ttl":"7d"}', 604_800],
  ['{"ttl":"999999h"}', 3_599_996_400],
  ['{"lease":"30"}', 30],
  ['{"ttl":"2m","lease":"30"}', 120],
  // What is not whole seconds or a duration counts as not given; `lease` is not looked at where there is a `ttl`.
  ['{"ttl":"abc","lease":"30"}', BENCH_DEFAULT_TTL],
  ['{"ttl":1.5}', BENCH_DEFAULT_TTL],
  ['{"ttl":"0.5"}', BENCH_DEFAULT_TTL],
  ['{"ttl":1e3}', BENCH_DEFAULT_TTL],
  ['{"ttl":true}', BENCH_DEFAULT_TTL],
  ['{"ttl":["1h"]}', BENCH_DEFAULT_TTL],
  ['{"ttl":"1d12h"}', BENCH_DEFAULT_TTL],
  ['{"ttl":" 5s "}', BENCH_DEFAULT_TTL],
  ['{"ttl":99999999999}', BENCH_DEFAULT_TTL],
];
for (const [sent, lease] of leases) {
  test(`shows lease_duration ${lease} for ${sent}`, async () => {
    await bench.call('update', 'x', sent);
    assert.equal((await bench.call('read', 'x')).body.lease_duration, lease);
    await bench.restart();
    assert.equal((await bench.call('read', 'x')).body.lease_duration, lease);
  });
}

test('refuses nothing as a value', async () => {
  for (const body of ['{}', undefined]) {
    const { status, body: reply } = await bench.call('update', 'x', body);
    assert.equal(status, 400);
    assert.deepEqual(reply.errors, ['missing data fields']);
  }
  const query = { query: { a: '1' } };
  assert.equal((await bench.call('update', 'x', undefined, query)).status, 400, 'a query is no body');
  assert.deepEqual(bench.storage.paths(''), []);
});

test('refuses a write to the mount itself', async () => {
  const { status, body } = await bench.call('update', '', { a: 1 });
  assert.equal(status, 400);
  // The bench spells the mount with a slash; without one it is "missing path".
  assert.deepEqual(body.errors, ["cannot write to a path ending in '/'"]);
});

test('what is not there is 404 to read and 204 to delete', async () => {
  assert.deepEqual((await bench.call('read', 'x')).body, { errors: [] });
  assert.equal((await bench.call('delete', 'x')).status, 204);
  await bench.call('update', 'x', { a: 1 });
  assert.equal((await bench.call('delete', 'x')).status, 204);
  assert.equal((await bench.call('read', 'x')).status, 404);
  assert.equal((await bench.call('delete', 'x')).status, 204);
  assert.deepEqual(bench.storage.paths(''), []);
});

test('has no PATCH', async () => {
  assert.equal((await bench.call('patch', 'x', { a: 1 })).status, 405);
});

test('a path with a slash at its end is another path, where nothing is', async () => {
  await bench.call('update', 'x', { a: 1 });
  assert.equal((await bench.call('read', 'x/')).status, 404);
  assert.equal((await bench.call('delete', 'x/')).status, 400);
  assert.equal((await bench.call('read', 'x')).status, 200);
});

test('lists names and folders, one level', async () => {
  for (const path of ['a', 'a/b/c', 'a/d', 'z', 'é/x']) await bench.call('update', path, { v: 1 });
  assert.deepEqual((await bench.call('list', '')).body.data, { keys: ['a', 'a/', 'z', 'é/'] });
  assert.deepEqual((await bench.call('list', 'a')).body.data, { keys: ['b/', 'd'] });
  assert.deepEqual((await bench.call('list', 'a/b/')).body.data, { keys: ['c'] });
  const page = await bench.call('list', '', undefined, { query: { after: 'a', limit: '2' } });
  assert.deepEqual(page.body.data, { keys: ['a/', 'z'] });
  assert.deepEqual(page.body.warnings, null);
  const none = await bench.call('list', 'a/d');
  assert.equal(none.status, 404);
  assert.deepEqual(none.body, { errors: [] });
});

test('the actor decides between create and update', async () => {
  const creator = { mayCreate: true, mayUpdate: false };
  const updater = { mayCreate: false, mayUpdate: true };
  assert.equal((await bench.call('update', 'x', { a: 1 }, updater)).status, 403);
  assert.equal((await bench.call('update', 'x', { a: 1 }, creator)).status, 204);
  const refused = await bench.call('update', 'x', { a: 2 }, creator);
  assert.equal(refused.status, 403);
  assert.deepEqual(refused.body.errors, ['1 error occurred:\n\t* permission denied\n\n']);
  assert.equal((await bench.call('update', 'x', { a: 3 }, updater)).status, 204);
  assert.deepEqual((await bench.call('read', 'x')).body.data, { a: 3 });
});

test('a long value lies in a record of its own, which goes with it', async () => {
  const long = { text: 'x'.repeat(100_000), ttl: '1m' };
  await bench.call('update', 'x', { a: 1 });
  await bench.call('update', 'x', long);
  assert.equal(bench.storage.recordPaths().length, 1);
  assert.deepEqual((await bench.call('read', 'x')).body.data, long);
  await bench.restart();
  const { body } = await bench.call('read', 'x');
  assert.deepEqual(body.data, long);
  assert.equal(body.lease_duration, 60);
  await bench.call('update', 'x', { a: 1 });
  assert.deepEqual(bench.storage.recordPaths(), []);
  await bench.call('update', 'x', long);
  await bench.call('delete', 'x');
  assert.deepEqual(bench.storage.paths(''), []);
});

test('a read of a long value that is replaced meanwhile shows the new one', async () => {
  await bench.call('update', 'x', { text: 'x'.repeat(100_000) });
  let goOn = () => {};
  const held = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  bench.storage.beforeGet = (path) => (path.includes('!') ? held : undefined);
  const read = bench.call('read', 'x');
  await bench.call('update', 'x', { short: true });
  goOn();
  assert.deepEqual((await read).body.data, { short: true });
});
