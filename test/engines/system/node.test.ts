import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { COFFER_VERSION } from '../../../src/model/version.ts';
import { answer, ask, fakeCore } from './ask.ts';

test('in-flight-req: by id, bare', async () => {
  assert.deepEqual(await answer(fakeCore(), 'read', 'in-flight-req'), {
    r1: {
      start_time: '2026-01-02T03:04:05.678Z',
      client_remote_address: '127.0.0.1:4',
      request_path: '/v1/x',
      request_method: 'GET',
      client_id: 'c',
    },
  });
});

test("metrics: Vault's summary, Prometheus' text, and nothing else", async () => {
  assert.deepEqual(await ask(fakeCore(), 'read', 'metrics'), { bare: { Gauges: [] } });
  assert.deepEqual(await ask(fakeCore(), 'read', 'metrics', { query: { format: 'prometheus' } }), {
    raw: { contentType: 'text/plain; version=0.0.4; charset=utf-8', body: 'up 1\n' },
  });
  const { status, raw } = await ask(fakeCore(), 'read', 'metrics', { query: { format: 'canary' } });
  assert.equal(status, 400);
  assert.equal(raw!.body, 'metric response format unknown');
});

test('host-info: the parts that Vault has', async () => {
  const info = await answer(fakeCore(), 'read', 'host-info');
  assert.deepEqual(Object.keys(info), ['cpu', 'cpu_times', 'disk', 'host', 'memory', 'timestamp']);
  assert.equal(info.cpu.length, info.cpu_times.length);
  assert(info.memory.total > info.memory.used);
  assert(info.disk[0].total >= info.disk[0].used);
  assert.equal(info.timestamp, '2026-01-02T03:04:05.678Z');
});

test('our version is that of the package', () => {
  const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'));
  assert.equal(COFFER_VERSION, version);
});
