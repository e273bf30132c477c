import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PROFILE_SECONDS_MAX } from '../../../src/model/limits.ts';
import { ask, fakeCore } from './ask.ts';

const read = async (path: string, query: Record<string, string> = {}) => {
  const { raw } = await ask(fakeCore(), 'read', path, { query });
  return [raw!.contentType, Buffer.from(raw!.body).toString()];
};
const BYTES = 'application/octet-stream';
const TEXT = 'text/plain; charset=utf-8';

test("the profiles have Go's names, and are bounded in time", async () => {
  assert.deepEqual(await read('pprof/profile'), [BYTES, 'time 30']);
  assert.deepEqual(await read('pprof/profile', { seconds: '0' }), [BYTES, 'time 30']);
  assert.deepEqual(await read('pprof/profile', { seconds: '2' }), [BYTES, 'time 2']);
  assert.deepEqual(await read('pprof/heap'), [BYTES, 'in use 5']);
  assert.deepEqual(await read('pprof/heap', { debug: '1' }), [TEXT, 'used 1\n']);
  assert.deepEqual(await read('pprof/allocs', { seconds: '1' }), [BYTES, 'allocated 1']);
  assert.deepEqual(await read('pprof/goroutine'), [BYTES, 'resources']);
  assert.deepEqual(await read('pprof/goroutine', { debug: '1' }), [TEXT, 'Timeout 2\n']);
  assert.deepEqual(await read('pprof/cmdline'), [TEXT, 'node\0coffer.ts']);
  assert.deepEqual(await read('pprof/symbol'), [TEXT, 'num_symbols: 0\n']);
});

test('the index names each, and none that is not there', async () => {
  for (const path of ['pprof', 'pprof/']) {
    const [contentType, body] = await read(path);
    assert.equal(contentType, 'text/html; charset=utf-8');
    const names = [...body!.matchAll(/href="\/v1\/sys\/pprof\/(\w+)"/g)].map(([, name]) => name!);
    assert.deepEqual(names, ['allocs', 'cmdline', 'goroutine', 'heap', 'profile', 'symbol', 'threadcreate']);
  }
});

test('what Node.js does not have is refused in words, and so are times that nobody should wait for', async () => {
  for (const [path, message] of [
    ['pprof/block', 'Node.js has no block profile'],
    ['pprof/mutex', 'Node.js has no mutex profile'],
    ['pprof/trace', 'Node.js has no trace profile'],
    ['pprof/threadcreate', 'this operating system does not say'],
    ['pprof/constructor', 'unsupported path'],
    ['pprof/heap/x', 'unsupported path'],
  ] as const) {
    await assert.rejects(read(path), { code: 'unsupported_path', message }, path);
  }
  for (const path of ['pprof/profile', 'pprof/heap', 'pprof/allocs']) {
    for (const seconds of ['-1', String(PROFILE_SECONDS_MAX + 1), 'canary']) {
      await assert.rejects(read(path, { seconds }), { code: 'bad_request' }, path);
    }
  }
});
