/**
 * Profiles of a server while it serves: who may take one, and that nothing of what it holds is in them.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { get } from 'node:http';
import { after, before, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { type Ask, asking, makeToken, succeed } from '../support/asking.ts';
import { call } from '../support/http.ts';
import { type RunningServer, startDev } from '../support/server.ts';
import { until } from '../support/until.ts';

const SECRET = 'CANARY-4f1b';

let server: RunningServer;
let root: Ask;
before(async () => {
  server = await startDev({ rootToken: SECRET });
  root = asking(server.address, SECRET);
  const policy = 'path "sys/pprof/*" { capabilities = ["read"] }';
  await succeed(root, 'PUT', 'sys/policies/acl/profiles', { policy });
});
after(() => server.stop());

/** As bytes. */
async function profile(path: string, token = SECRET): Promise<{ status: number; body: Buffer }> {
  const { hostname, port } = new URL(server.address);
  const headers = { 'x-vault-token': token };
  return new Promise((resolve, reject) => {
    const sent = get(
      { hostname, port, path: `/v1/sys/pprof/${path}`, agent: false, headers },
      async (response) => {
        const chunks: Buffer[] = [];
        for await (const chunk of response) chunks.push(chunk);
        resolve({ status: response.statusCode!, body: Buffer.concat(chunks) });
      },
    );
    sent.on('error', reject);
  });
}

test('who may read them takes profiles, while requests are served; no secret is in them', async () => {
  const { token } = await makeToken(root, { policies: ['profiles'] });
  for (const path of ['profile?seconds=1', 'heap?seconds=1', 'allocs?seconds=1', 'goroutine']) {
    const taking = profile(path, token);
    for (let n = 0; n < 20; n++) await succeed(root, 'POST', `secret/data/${n}`, { data: { a: SECRET } });
    const { status, body } = await taking;
    assert.equal(status, 200, path);
    assert.doesNotMatch(gunzipSync(body).toString('latin1'), /CANARY/, path);
  }
  for (const path of ['cmdline', 'heap?debug=1', 'goroutine?debug=1', '']) {
    const { status, body } = await profile(path, token);
    assert.equal(status, 200, path);
    assert.doesNotMatch(body.toString(), /CANARY/, path);
  }
  // The first is an argument of this server: it was left out, not lost.
  assert.match((await profile('cmdline')).body.toString(), /-dev-root-token-id=\[redacted\]/);
});

test('nobody else does, and not in another namespace', async () => {
  const { token } = await makeToken(root, { policies: ['default'] });
  await succeed(root, 'POST', 'sys/namespaces/tenant');
  for (const path of ['', 'cmdline', 'profile?seconds=1', 'heap?seconds=1']) {
    for (const other of ['', token, 'hvs.none']) assert.equal((await profile(path, other)).status, 403, path);
    const headers = { 'x-vault-namespace': 'tenant' };
    const reply = await call(server.address, 'GET', `/v1/sys/pprof/${path}`, { token: SECRET, headers });
    assert.equal(reply.status, 400, path);
  }
  assert.equal((await root('POST', 'sys/pprof/heap')).status, 405);
});

test('a client that leaves makes room for the next; until then there is none', async () => {
  const { hostname, port } = new URL(server.address);
  const headers = { 'x-vault-token': SECRET };
  const first = get({ hostname, port, path: '/v1/sys/pprof/profile?seconds=60', agent: false, headers });
  first.on('error', () => {});
  await until('a refusal', async () => (await profile('heap?seconds=1')).status === 503);
  first.destroy();
  await until('room', async () => (await profile('heap?seconds=1')).status === 200);
});
