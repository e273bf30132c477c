/**
 * Requests out of the ordinary that Vault 1.19 and Go's HTTP server answer in their own way, through the real front door.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { type Ask, asking, makeToken, succeed } from '../support/asking.ts';
import { closing } from '../support/closing.ts';
import { call } from '../support/http.ts';
import { type RunningServer, startDev } from '../support/server.ts';

let server: RunningServer;
let root: Ask;
before(async () => {
  server = await startDev();
  root = asking(server.address);
});
after(() => server.stop());

async function sendRaw(text: string): Promise<string> {
  const socket = connect(Number(new URL(server.address).port), '127.0.0.1');
  let got = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    got += chunk;
  });
  // Who goes on listening for more says so by what it answered.
  socket.setTimeout(3_000, () => socket.destroy());
  socket.write(text);
  await closing(socket);
  return got;
}

test('a transfer coding besides chunked is refused with 501, and the connection ends', async () => {
  const request = (coding: string) =>
    `POST /v1/secret/data/coded HTTP/1.1\r\nHost: a\r\nX-Vault-Token: root\r\nTransfer-Encoding: ${coding}\r\n\r\n` +
    'f\r\n{"data":{"a":1}}\r\n0\r\n\r\n'.replace('f', '10');
  for (const coding of ['gzip, chunked', 'gzip,chunked', 'identity, chunked', 'chunked, chunked']) {
    const reply = await sendRaw(request(coding));
    // What Node's parser takes for no HTTP at all is 400.
    assert.match(reply, /^HTTP\/1\.1 (501|400) /, coding);
    assert.match(reply, /connection: close/i, coding);
    if (coding.startsWith('gzip')) assert.match(reply, /^HTTP\/1\.1 501 Not Implemented\r\n/, coding);
  }
  assert.equal((await root('GET', 'secret/data/coded')).status, 404);
  const ordinary = await sendRaw(request('Chunked').replace('Host: a', 'Host: a\r\nConnection: close'));
  assert.match(ordinary, /^HTTP\/1\.1 200 /);
});

test('of two tokens, and of two namespaces, the first counts', async () => {
  const status = async (headers: Record<string, string[]>, token?: string) =>
    (await call(server.address, 'GET', '/v1/sys/mounts/secret', { headers, token })).status;
  assert.equal(await status({ 'x-vault-token': ['root', 'none'] }), 200);
  assert.equal(await status({ 'x-vault-token': ['none', 'root'] }), 403);
  assert.equal(await status({ 'x-vault-token': ['none, root'] }), 403);
  await succeed(root, 'POST', 'sys/namespaces/one');
  assert.equal(await status({ 'x-vault-namespace': ['', 'one'] }, 'root'), 200);
  assert.equal(await status({ 'x-vault-namespace': ['one', ''] }, 'root'), 400);
  // A comma is no second header.
  const { token } = await makeToken(root, { id: 'a, b', policies: ['root'] });
  assert.equal(await status({ 'x-vault-token': [token] }), 200);
});

test('a token in its last use shows -1 uses: 0 would be without limit', async () => {
  const { token } = await makeToken(root, { num_uses: 2 });
  const self = asking(server.address, token);
  const uses = async () => (await succeed(self, 'GET', 'auth/token/lookup-self')).body.data.num_uses;
  assert.deepEqual([await uses(), await uses()], [1, -1]);
  assert.equal((await self('GET', 'auth/token/lookup-self')).status, 403);
});

test('who may only create is refused a write to what is there, also one without data', async () => {
  const policy = 'path "secret/data/*" { capabilities = ["create"] }';
  await succeed(root, 'PUT', 'sys/policies/acl/creates', { policy });
  await succeed(root, 'POST', 'secret/data/there', { data: { a: 1 } });
  const { token } = await makeToken(root, { policies: ['creates'] });
  const creates = asking(server.address, token);
  assert.equal((await creates('POST', 'secret/data/there', {})).status, 403);
  assert.equal((await creates('POST', 'secret/data/there', { data: { a: 2 } })).status, 403);
  const missing = await creates('POST', 'secret/data/new', {});
  assert.deepEqual([missing.status, missing.body.errors], [400, ['no data provided']]);
  assert.equal((await root('GET', 'secret/data/new')).status, 404);
  assert.equal((await root('POST', 'secret/data/there', {})).status, 400);
  assert.equal((await root('PATCH', 'secret/data/there', {})).status, 400);
});

test('a path that is too long to be stored is told the bound, which docs/compatibility.md has in figures', async () => {
  const bound =
    /^path is too long: sealed it takes \d+ bytes of at most 1826, where each segment takes 4\/3 of its own and 23 more$/;
  const fits: [count: number, length: number][] = [
    [63, 5],
    [37, 20],
    [11, 100],
    [1, 1_353],
  ];
  for (const [count, length] of fits) {
    const path = (many: number, long: number) =>
      `secret/data/${Array(many).fill('x'.repeat(long)).join('/')}`;
    await succeed(root, 'POST', path(count, length), { data: {} });
    const more = count === 1 ? path(1, length + 1) : path(count + 1, length);
    const { status, body } = await root('POST', more, { data: {} });
    assert.equal(status, 400, `${count} of ${length}`);
    assert.match(body.errors[0], bound);
  }
});

test('options of a mount that were sent as null are shown as null', async () => {
  const shown = async (path: string, options: object) => {
    await succeed(root, 'POST', `sys/mounts/${path}`, { type: 'kv', ...options });
    return (await succeed(root, 'GET', `sys/mounts/${path}`)).body.data.options;
  };
  assert.deepEqual(
    [await shown('o1', { options: null }), await shown('o2', {}), await shown('o3', { options: {} })],
    [null, {}, {}],
  );
  await succeed(root, 'POST', 'o1/a', { b: 'c' });
  assert.deepEqual((await succeed(root, 'GET', 'o1/a')).body.data, { b: 'c' });
  await succeed(root, 'POST', 'sys/mounts/o1/tune', { options: { version: '2' } });
  assert.deepEqual((await succeed(root, 'GET', 'sys/mounts/o1')).body.data.options, { version: '2' });
});

const HELD_OPEN = [
  'sys/wrapping/pubkey',
  'sys/storage/raft/bootstrap/challenge',
  'sys/storage/raft/bootstrap/answer',
];

for (const path of HELD_OPEN)
  test(`${path} is nowhere, and everybody is told so, not only who may ask`, async () => {
    const { token } = await makeToken(root, { policies: ['default'] });
    for (const who of ['', 'no-token', token, 'root']) {
      for (const method of ['GET', 'LIST', 'POST', 'DELETE']) {
        const reply = await asking(server.address, who)(method, path, method === 'POST' ? {} : undefined);
        assert.deepEqual([reply.status, reply.body.errors], [404, ['unsupported path']], `${method} ${who}`);
      }
      // What is below it, or beside it, is as closed as all else.
      for (const other of [`${path}/a`, `${path}s`, 'sys/storage/raft/bootstrap', 'sys/wrapping/nothing']) {
        const { status } = await asking(server.address, who)('GET', other);
        assert.equal(status, who === 'root' ? 404 : 403, other);
      }
    }
  });

test('nor is it listed, or helped with', async () => {
  const { body } = await root('GET', 'sys/internal/specs/openapi');
  const help = await root('GET', 'sys?help=1');
  for (const path of HELD_OPEN) {
    assert(!(`/${path}` in body.paths), path);
    assert(!help.body.help.includes(path.slice('sys/'.length)), path);
    assert.equal((await root('GET', `${path}?help=1`)).status, 404, path);
  }
  assert('/sys/wrapping/lookup' in body.paths);
});

test('what everybody may ask for names a wrong verb without a list around it', async () => {
  await succeed(root, 'POST', 'sys/auth/up', { type: 'userpass' });
  for (const [method, path] of [
    ['GET', 'auth/up/login/bob'],
    ['DELETE', 'auth/up/login/bob'],
    ['POST', 'sys/internal/ui/mounts'],
    ['GET', 'sys/decode-token'],
  ] as const)
    for (const who of ['', 'root']) {
      const reply = await asking(server.address, who)(method, path, method === 'POST' ? {} : undefined);
      assert.deepEqual(
        [reply.status, reply.body.errors],
        [405, ['unsupported operation']],
        `${method} ${path}`,
      );
    }
  const closed = await root('POST', 'sys/host-info', {});
  assert.deepEqual(closed.body.errors, ['1 error occurred:\n\t* unsupported operation\n\n']);
});
