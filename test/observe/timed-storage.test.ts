import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Storage } from '../../src/model/storage.ts';
import { makeMetrics } from '../../src/observe/metrics.ts';
import { timedStorage } from '../../src/observe/timed-storage.ts';

test('each call is passed on with all its arguments and counted under its name, failures too', async () => {
  const metrics = makeMetrics();
  const calls: unknown[][] = [];
  const inner: Storage = {
    type: 'file',
    get: async (...args) => void calls.push(['get', ...args]),
    commit: async (...args) => calls.push(['commit', ...args]),
    list: () => Promise.reject(new Error('no')),
    close: async () => void calls.push(['close']),
  };
  const storage = timedStorage(inner, metrics);
  const signal = new AbortController().signal;
  const [put, del] = [
    { path: 'a', value: Buffer.alloc(1) },
    { path: 'a', value: undefined },
  ];
  await storage.get('a', signal);
  await storage.commit([del, put], [], signal);
  await storage.commit([del], [{ path: 'a', version: 1 }], signal);
  await assert.rejects(storage.list('a/', '', 10, signal), /no/);
  await storage.close();
  assert.equal(storage.type, 'file');
  assert.deepEqual(calls, [
    ['get', 'a', signal],
    ['commit', [del, put], [], signal],
    ['commit', [del], [{ path: 'a', version: 1 }], signal],
    ['close'],
  ]);
  const counts = ['get', 'put', 'delete', 'list'].map(
    (name) => metrics.samples(`barrier.${name}`, '').total.count,
  );
  assert.deepEqual(counts, [1, 1, 1, 1]);
});

test('commits that run are counted until they are answered, well or not', async () => {
  const answers = [Promise.withResolvers<number>(), Promise.withResolvers<number>()];
  const waiting = [...answers];
  const inner = { type: 'file', commit: () => waiting.shift()!.promise } as unknown as Storage;
  const storage = timedStorage(inner, makeMetrics());
  const running = [storage.commit([], []), storage.commit([], [])];
  assert.equal(storage.commitsRunning(), 2);
  answers[0]!.resolve(1);
  await running[0];
  assert.equal(storage.commitsRunning(), 1);
  answers[1]!.reject(new Error('no'));
  await assert.rejects(running[1]!, /no/);
  assert.equal(storage.commitsRunning(), 0);
});
