import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeLog } from '../../src/observe/log.ts';
import { makeRequestLog, type RequestsLevel } from '../../src/observe/request-log.ts';

test('a finished request is one line with the names Vault gives, at the level that is set now', () => {
  const lines: string[] = [];
  const log = makeLog({
    level: 'info',
    format: 'standard',
    write: (line) => lines.push(line),
    now: () => 0,
  });
  let level: RequestsLevel = 'off';
  const completed = makeRequestLog(
    log.named('core'),
    () => level,
    () => 1_500,
  );
  const request = {
    id: 'c0ffee00-0000-4000-8000-000000000000',
    method: 'PUT',
    path: { text: 'secret/hvs.CAESIAAAAAAAAAAAAAAAAAAAAAAAA' },
    remoteAddress: '2001:db8::1',
    remotePort: 5,
    receivedAtMs: 1_000,
  };
  completed(request, 204);
  level = 'debug';
  completed(request, 204);
  assert.deepEqual(lines, []);
  level = 'warn';
  completed(request, 204);
  assert.deepEqual(lines, [
    '1970-01-01T00:00:00.000Z [WARN]  core: completed_request: start_time=1970-01-01T00:00:01.000Z duration=500ms client_address=[2001:db8::1]:5 request_id=c0ffee00-0000-4000-8000-000000000000 status_code=204 request_path=/v1/secret/hvs.[redacted] request_method=PUT\n',
  ]);
});
