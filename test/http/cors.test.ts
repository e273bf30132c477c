/**
 * What browsers are told about pages of other origins (contract §1.10).
 *
 * @module
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { asking, succeed } from '../support/asking.ts';
import { startReadyDev } from '../support/dev-ready.ts';
import { call } from '../support/http.ts';
import type { RunningServer } from '../support/server.ts';

let server: RunningServer;
before(async () => {
  server = await startReadyDev();
});
after(() => server.stop());

const ours = 'https://ours.example';
const from = (origin: string, method = 'GET', headers: Record<string, string> = {}) =>
  call(server.address, method, '/v1/sys/health', { headers: { origin, ...headers } });

test('as long as nothing is allowed, an origin says nothing', async () => {
  const reply = await from('https://any.example');
  assert.equal(reply.status, 200);
  assert.equal(reply.headers['access-control-allow-origin'], undefined);
  assert.equal((await from(ours, 'OPTIONS', { 'access-control-request-method': 'GET' })).status, 405);
});

test('allowed origins are answered and named, others are refused, who has none is no browser', async () => {
  const ask = asking(server.address);
  await succeed(ask, 'POST', 'sys/config/cors', { allowed_origins: [ours], allowed_headers: 'X-Mine' });
  const reply = await from(ours);
  assert.equal(reply.status, 200);
  assert.equal(reply.headers['access-control-allow-origin'], ours);
  assert.equal(reply.headers.vary, 'Origin');
  const refused = await from('https://ours.example.evil');
  assert.equal(refused.status, 403);
  assert.deepEqual(refused.body, { errors: ['origin not allowed'] });
  assert.equal(refused.headers['access-control-allow-origin'], undefined);
  assert.equal((await call(server.address, 'GET', '/v1/sys/health')).status, 200);
  // A refusal is readable by the page as well.
  const denied = await call(server.address, 'GET', '/v1/secret/data/a', { headers: { origin: ours } });
  assert.equal(denied.status, 403);
  assert.equal(denied.headers['access-control-allow-origin'], ours);
});

test('a browser that asks first is told methods and headers', async () => {
  const asked = await from(ours, 'OPTIONS', { 'access-control-request-method': 'PUT' });
  assert.equal(asked.status, 200);
  assert.equal(asked.text, '');
  assert.equal(asked.headers['access-control-allow-origin'], ours);
  assert.equal(asked.headers['access-control-allow-methods'], 'DELETE,GET,OPTIONS,POST,PUT,LIST');
  assert.match(
    String(asked.headers['access-control-allow-headers']),
    /^Content-Type,.*X-Vault-Token.*,X-Mine$/,
  );
  assert.equal(asked.headers['access-control-max-age'], '300');
  const odd = await from(ours, 'OPTIONS', { 'access-control-request-method': 'BREW' });
  assert.equal(odd.status, 405);
  const others = await from('https://x', 'OPTIONS', { 'access-control-request-method': 'GET' });
  assert.equal(others.status, 403);
});

test('any origin; then none any more', async () => {
  const ask = asking(server.address);
  await succeed(ask, 'POST', 'sys/config/cors', { allowed_origins: '*' });
  assert.equal((await from('https://any')).headers['access-control-allow-origin'], 'https://any');
  await succeed(ask, 'DELETE', 'sys/config/cors');
  assert.equal((await from('https://any')).headers['access-control-allow-origin'], undefined);
});

test('headers of the web interface are sent with its pages, and with nothing else', async () => {
  const ask = asking(server.address);
  await succeed(ask, 'POST', 'sys/config/ui/headers/X-Ours', { values: ['a', 'b'] });
  const page = await call(server.address, 'GET', '/ui/');
  assert.equal(page.headers['x-ours'], 'a, b');
  assert.equal((await call(server.address, 'GET', '/v1/sys/health')).headers['x-ours'], undefined);
});
