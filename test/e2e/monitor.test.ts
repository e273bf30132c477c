/**
 * The log of a server, by its own front door: how much is logged, who may look on, and until when.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Ask, asking, makeToken, succeed } from '../support/asking.ts';
import { call } from '../support/http.ts';
import { type LiveReply, liveReply } from '../support/live-reply.ts';
import { type RunningServer, startDev } from '../support/server.ts';
import { testFolder } from '../support/test-folder.ts';
import { until } from '../support/until.ts';

const DENIED = '1 error occurred:\n\t* permission denied\n\n';

const folder = testFolder('monitor');
const logFile = join(folder, 'server.log');
let server: RunningServer;
let root: Ask;
before(async () => {
  const config = join(folder, 'requests.hcl');
  // So that each request is a line, where it is written at all.
  writeFileSync(config, 'log_requests_level = "trace"\n');
  server = await startDev({ args: [`-config=${config}`, `-log-file=${logFile}`] });
  root = asking(server.address);
  const policy = 'path "sys/monitor" { capabilities = ["read"] }';
  await succeed(root, 'PUT', 'sys/policies/acl/looks', { policy });
});
after(() => server.stop());

const monitor = (token: string, query = ''): LiveReply =>
  liveReply(server.address, token, 'GET', `sys/monitor${query}`);

/** Asks once, and waits until its line is in `text`. */
async function asks(path: string, text: () => string): Promise<void> {
  await succeed(root, 'GET', path);
  await until(`a line about ${path}`, () => text().includes(`/v1/${path}`));
}

test('levels take effect in the log at once, and SIGHUP puts them back', async () => {
  const log = () => readFileSync(logFile, 'utf8');
  await succeed(root, 'GET', 'sys/mounts');
  await succeed(root, 'POST', 'sys/loggers/core', { level: 'trace' });
  await asks('sys/auth', log);
  assert.doesNotMatch(log(), /sys\/mounts/);
  const { body } = await succeed(root, 'GET', 'sys/loggers');
  assert.equal(body.data.core, 'trace');
  assert.equal(body.data.http, 'info');
  process.kill(server.pid, 'SIGHUP');
  await until('its level', async () => (await root('GET', 'sys/loggers/core')).body.data.core === 'info');
});

test('who looks on sees lines as they are written, whatever is written, and no token', async () => {
  const seen = monitor('root', '?log_level=trace&log_format=json');
  await until('a head', () => seen.status === 200);
  await asks('sys/key-status', () => seen.text);
  const lines = seen.text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert(lines.some((line) => line['@module'] === 'core' && line.request_path === '/v1/sys/key-status'));
  assert.doesNotMatch(readFileSync(logFile, 'utf8'), /key-status/);
  seen.leave();
});

test('nobody looks on without a token, a policy, or in another namespace; a reply without an end is not wrapped', async () => {
  const none = await makeToken(root, { policies: ['default'] });
  for (const path of ['sys/monitor', 'sys/loggers', 'sys/loggers/core']) {
    assert.equal((await asking(server.address, '')('GET', path)).status, 403, path);
    const { status, body } = await asking(server.address, none.token)('GET', path);
    assert.deepEqual([status, body.errors], [403, [DENIED]], path);
  }
  for (const method of ['POST', 'DELETE']) {
    assert.equal(
      (await asking(server.address, none.token)(method, 'sys/loggers', { level: 'trace' })).status,
      403,
    );
  }
  await succeed(root, 'POST', 'sys/namespaces/tenant');
  for (const path of ['sys/monitor', 'sys/loggers']) {
    const headers = { 'x-vault-namespace': 'tenant' };
    const reply = await call(server.address, 'GET', `/v1/${path}`, { token: 'root', headers });
    assert.equal(reply.status, 400, path);
  }
  const headers = { 'x-vault-wrap-ttl': '60' };
  const wrapped = await call(server.address, 'GET', '/v1/sys/monitor', { token: 'root', headers });
  assert.deepEqual([wrapped.status, wrapped.body.errors], [400, ['this response cannot be wrapped']]);
});

test('requests under way say whose they are, without saying more', async () => {
  const { body } = await succeed(root, 'GET', 'sys/in-flight-req');
  const [row] = Object.values(body) as { client_id: string; request_path: string }[];
  assert.equal(row!.request_path, '/v1/sys/in-flight-req');
  assert.equal(row!.client_id, '0DHqvq2D77kL2/JTPSZkTMJbkFVmUu0TzMi0jiXcFy8=');
});

test('a token that is revoked, or loses its policy, looks on no longer', async () => {
  const made = await makeToken(root, { policies: ['looks'] });
  const seen = monitor(made.token);
  await until('a head', () => seen.status === 200);
  await succeed(root, 'POST', 'auth/token/revoke', { token: made.token });
  await until('its end', () => seen.ended);
  assert.match(seen.text, /monitor: it ends/);
  const other = monitor((await makeToken(root, { policies: ['looks'] })).token);
  const stays = monitor('root');
  await until('a head', () => other.status === 200 && stays.status === 200);
  await succeed(root, 'PUT', 'sys/policies/acl/looks', { policy: 'path "a" { capabilities = ["read"] }' });
  await until('its end', () => other.ended);
  assert.equal(stays.ended, false);
  await succeed(root, 'PUT', 'sys/seal');
  await until('the end of all', () => stays.ended);
});
