/**
 * `-dev-data`: a folder that keeps what was stored, and the tokens to it. Whatever was asked for at a start, the token that is printed is good, and
 * each that is good stands in the folder.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { COMPILED, clientOf, runToEnd } from '../support/configured.ts';
import { freePort } from '../support/free-port.ts';
import { call } from '../support/http.ts';
import { COFFER_ENTRY, killServers, type RunningServer, startServer } from '../support/server.ts';
import { testFolder } from '../support/test-folder.ts';

afterEach(killServers);

/** A dev server on `folder`; `token` is what it printed. */
async function start(folder: string, ...args: string[]): Promise<RunningServer & { token: string }> {
  const port = await freePort();
  const server = await startServer({
    command: process.execPath,
    args: [
      COFFER_ENTRY,
      'server',
      `-dev-data=${folder}`,
      '-dev-no-store-token',
      `-dev-listen-address=127.0.0.1:${port}`,
      ...args,
    ],
    env: { VAULT_DEV_ROOT_TOKEN_ID: undefined, HOME: folder, NODE_COMPILE_CACHE: COMPILED },
    address: `http://127.0.0.1:${port}`,
  });
  const token = /^Root Token: (.*)$/m.exec(server.stdout())?.[1];
  assert(token, server.stdout());
  return { ...server, token };
}

async function isGood({ address }: RunningServer, token: string): Promise<boolean> {
  const { status } = await call(address, 'GET', '/v1/sys/mounts', { token });
  assert(status === 200 || status === 403);
  return status === 200;
}

test('a root token that is added takes nothing from the first, and one that was revoked is not printed', async () => {
  const folder = join(testFolder('dev-data'), 'kept');
  const linesOf = (name: string) => readFileSync(join(folder, name), 'utf8').trim().split('\n');
  let server = await start(folder);
  const first = server.token;
  assert(await isGood(server, first));
  assert.deepEqual(linesOf('root-token'), [first]);
  assert(!existsSync(join(folder, 'more-root-tokens')));
  await server.stop();

  server = await start(folder, '-dev-root-token-id=added');
  assert.equal(server.token, 'added');
  assert(await isGood(server, 'added'));
  assert(await isGood(server, first));
  assert.deepEqual(linesOf('root-token'), ['added']);
  assert.deepEqual(linesOf('more-root-tokens'), [first]);
  await clientOf(server.address, { token: 'added' })('POST', 'auth/token/revoke-self');
  await server.stop();

  server = await start(folder);
  assert.equal(server.token, first, 'what is printed is good');
  assert(await isGood(server, first));
  assert(!(await isGood(server, 'added')));
  assert.deepEqual(linesOf('root-token'), [first]);
  assert(!existsSync(join(folder, 'more-root-tokens')));
  // With none left, the folder still opens what it holds.
  await clientOf(server.address, { token: first })('POST', 'secret/data/kept', { data: { a: 'b' } });
  await clientOf(server.address, { token: first })('POST', 'auth/token/revoke-self');
  await server.stop();

  server = await start(folder);
  assert.notEqual(server.token, first);
  const kept = await clientOf(server.address, { token: server.token })('GET', 'secret/data/kept');
  assert.deepEqual(kept.body.data.data, { a: 'b' });
  assert(!(await isGood(server, first)));
  assert.deepEqual(linesOf('root-token'), [server.token]);
  await server.stop();

  // One that was revoked, asked for by name, is good again: its owner asked for it.
  server = await start(folder, '-dev-root-token-id=added');
  assert.equal(server.token, 'added');
  assert(await isGood(server, 'added'));
  await server.stop();
});

test('a token id that is taken by a token of less is refused in one sentence', async () => {
  const folder = join(testFolder('dev-data'), 'kept');
  const server = await start(folder);
  const root = clientOf(server.address, { token: server.token });
  await root('POST', 'auth/token/create', { id: 'reader', policies: ['default'] });
  await server.stop();
  const before = readFileSync(join(folder, 'root-token'), 'utf8');
  const ended = await runToEnd([
    'server',
    `-dev-data=${folder}`,
    '-dev-no-store-token',
    '-dev-root-token-id=reader',
    `-dev-listen-address=127.0.0.1:${await freePort()}`,
  ]);
  assert.equal(
    ended.stderr,
    'Error starting the server: -dev-root-token-id: expected a root token, or a new one\n',
  );
  assert.equal(ended.code, 1);
  assert.equal(readFileSync(join(folder, 'root-token'), 'utf8'), before);
});
