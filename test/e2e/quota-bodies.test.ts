/**
 * Rate limits and bodies (CVE-2025-12044): who is over the limit is told so before a body is read, and what cannot be parsed counts as well.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { type Ask, asking, succeed } from '../support/asking.ts';
import { type RunningServer, startDev } from '../support/server.ts';

const RATE = 3;

let server: RunningServer;
let root: Ask;
before(async () => {
  server = await startDev();
  root = asking(server.address);
  await succeed(root, 'POST', 'sys/mounts/whole', { type: 'kv-v1' });
  for (const scope of ['node', 'cluster']) {
    const body = { path: `secret/data/${scope}*`, rate: RATE, interval: '1h', scope };
    await succeed(root, 'POST', `sys/quotas/rate-limit/${scope}`, body);
  }
});
after(() => server.stop());

for (const scope of ['node', 'cluster']) {
  test(`${scope}: a body that cannot be parsed counts as any other`, async () => {
    const path = `secret/data/${scope}`;
    for (let n = 0; n < RATE; n++) assert.equal((await root('PUT', path, '{"a":')).status, 400);
    const over = await root('PUT', path, '{"a":');
    assert.equal(over.status, 429, over.text);
    assert.match(over.text, /rate limit quota exceeded/);
    assert(Number(over.headers['retry-after']) > 1);
    // Whatever asks for it, and where it is no body that follows.
    assert.equal((await root('GET', path)).status, 429);
    assert.equal((await root('PUT', path, { data: {} })).status, 429);
  });

  test(`${scope}: over the limit, nobody waits for a body`, async () => {
    const { hostname, port } = new URL(server.address);
    const socket = connect(Number(port), hostname);
    const size = 30_000_000;
    socket.write(`PUT /v1/secret/data/${scope} HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\n\r\n{"a":"`);
    const [answer] = await once(socket, 'data');
    assert.match(String(answer), /^HTTP\/1\.1 429 /);
    socket.destroy();
  });
}

test('what is counted before its body is not counted once more after it', async () => {
  const quota = { path: 'whole/*', rate: 10, interval: '1h' };
  await succeed(root, 'POST', 'sys/quotas/rate-limit/whole', quota);
  for (let n = 0; n < 10; n++) await succeed(root, 'PUT', 'whole/a', { n });
  assert.equal((await root('PUT', 'whole/a', { n: 10 })).status, 429);
});

test('a quota of one role is counted when the body has told which', async () => {
  await succeed(root, 'POST', 'sys/auth/approle', { type: 'approle' });
  for (const name of ['held', 'free']) {
    await succeed(root, 'POST', `auth/approle/role/${name}`, {
      role_id: name,
      bind_secret_id: false,
      secret_id_bound_cidrs: '127.0.0.0/8',
    });
  }
  await succeed(root, 'POST', 'sys/quotas/rate-limit/role', {
    path: 'auth/approle',
    role: 'held',
    rate: 2,
    interval: '1h',
  });
  const login = async (role_id: string) => (await root('POST', 'auth/approle/login', { role_id })).status;
  const statuses = async (role: string) => [await login(role), await login(role), await login(role)];
  assert.deepEqual(await statuses('held'), [200, 200, 429]);
  assert.deepEqual(await statuses('free'), [200, 200, 200]);
});
