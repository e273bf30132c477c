/** The cubbyhole: one per token, gone with it (contract §6). */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { cubbyhole, wipeCubbyhole } from '../../../src/engines/cubbyhole/cubbyhole.ts';
import { kvKinds } from '../../../src/engines/kv/kv.ts';
import { type EngineBench, makeEngineBench } from '../../support/engine-bench.ts';

let bench: EngineBench;
beforeEach(() => {
  bench = makeEngineBench(cubbyhole, kvKinds);
});
afterEach(() => bench.stop());

const mine = { accessor: 'mine' };
const other = { accessor: 'other' };

test('a value goes out as it came in', async () => {
  assert.equal((await bench.call('read', 'x', undefined, mine)).status, 404);
  const sent = '{"b":1.50,"a":12345678901234567890,"ttl":"5s"}';
  assert.equal((await bench.call('update', 'x', sent, mine)).status, 204);
  const { text } = await bench.call('read', 'x', undefined, mine);
  const data = '"lease_duration":0,"data":{"a":12345678901234567890,"b":1.50,"ttl":"5s"}';
  assert(text.includes(data), text);
  await bench.restart();
  assert.equal((await bench.call('read', 'x', undefined, mine)).text, text);
  assert.equal((await bench.call('delete', 'x', undefined, mine)).status, 204);
  assert.equal((await bench.call('delete', 'x', undefined, mine)).status, 204);
  assert.equal((await bench.call('read', 'x', undefined, mine)).status, 404);
  assert.deepEqual(bench.storage.paths(''), []);
});

test('nobody reaches what another token keeps', async () => {
  await bench.call('update', 'x', { a: 1 }, mine);
  await bench.call('update', 'mine/x', { a: 2 }, other);
  for (const path of ['x', 'mine', 'mine/mine/x', 'other/x']) {
    assert.equal((await bench.call('read', path, undefined, other)).status, 404, path);
  }
  await bench.call('delete', 'x', undefined, other);
  assert.deepEqual((await bench.call('list', '', undefined, other)).body.data, { keys: ['mine/'] });
  assert.deepEqual((await bench.call('list', '', undefined, mine)).body.data, { keys: ['x'] });
  assert.deepEqual((await bench.call('read', 'x', undefined, mine)).body.data, { a: 1 });
});

test('refuses nothing as a value, nothing as a path, and tokens without an accessor', async () => {
  const refused = async (...args: Parameters<EngineBench['call']>) => {
    const { status, body } = await bench.call(...args);
    assert.equal(status, 400);
    return body.errors[0];
  };
  assert.equal(await refused('update', 'x', {}, mine), 'missing data fields');
  assert.equal(await refused('update', 'x', undefined, mine), 'missing data fields');
  assert.equal(await refused('read', '', undefined, mine), 'missing path');
  const batch = "cubbyhole operations are only supported by 'service' type tokens";
  for (const verb of ['read', 'update', 'list', 'delete'] as const) {
    assert.equal(
      await refused(verb, 'x', verb === 'update' ? { a: 1 } : undefined, { accessor: '' }),
      batch,
      verb,
    );
  }
  assert.equal((await bench.call('patch', 'x', { a: 1 }, mine)).status, 405);
});

test('create and update are told apart', async () => {
  const creator = { ...mine, mayUpdate: false };
  assert.equal((await bench.call('update', 'x', { a: 1 }, { ...mine, mayCreate: false })).status, 403);
  assert.equal((await bench.call('update', 'x', { a: 1 }, creator)).status, 204);
  assert.equal((await bench.call('update', 'x', { a: 1 }, creator)).status, 403);
});

test('lists', async () => {
  for (const path of ['a', 'a/b/c', 'd']) await bench.call('update', path, { v: 1 }, mine);
  assert.deepEqual((await bench.call('list', '', undefined, mine)).body.data, { keys: ['a', 'a/', 'd'] });
  assert.deepEqual((await bench.call('list', 'a', undefined, mine)).body.data, { keys: ['b/'] });
  const page = { ...mine, query: { after: 'a', limit: '1' } };
  assert.deepEqual((await bench.call('list', '', undefined, page)).body.data, { keys: ['a/'] });
  assert.equal((await bench.call('list', 'none', undefined, mine)).status, 404);
});

test('is wiped with its token, all of it and nothing else', async () => {
  for (let i = 0; i < 150; i++) await bench.call('update', `many/${i}`, { i }, mine);
  for (const path of ['a', 'a/b/c', 'a/b/d', 'long']) {
    await bench.call('update', path, { text: 'x'.repeat(path === 'long' ? 100_000 : 1) }, mine);
  }
  await bench.call('update', 'x', { a: 1 }, other);
  await bench.call('update', 'x', { a: 1 }, { accessor: 'mine2' });
  const before = bench.storage.paths('').length;
  await wipeCubbyhole(bench.cluster, () => bench.mount, 'mine', false);
  assert.equal(before - bench.storage.paths('').length, 155);
  assert.equal(bench.storage.paths('').length, 2);
  assert.equal((await bench.call('read', 'a', undefined, mine)).status, 404);
  assert.equal((await bench.call('read', 'x', undefined, other)).status, 200);
  await wipeCubbyhole(bench.cluster, () => bench.mount, 'mine', false);
});
