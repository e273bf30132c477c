/**
 * Bytes that are no HTTP, nearly HTTP, or HTTP made to confuse: refused one by one, the listener lives, nothing reaches the handler
 * that should not.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { call } from '../support/http.ts';
import { listen, request, wire } from './listener.ts';

test('no HTTP at all, and broken heads, are 400 with Vault’s error shape', async (t) => {
  const { port, seen } = await listen(t);
  const heads = [
    '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
    'hello\r\n\r\n',
    'GET /v1/a HTTP/9.9\r\nHost: a\r\n\r\n',
    'GET /v1/a\x01 HTTP/1.1\r\nHost: a\r\n\r\n',
    'GET /v1/a HTTP/1.1\r\nHo st: a\r\n\r\n',
    'GET /v1/a HTTP/1.1\r\nHost: a\r\nX: \x01\r\n\r\n',
    'GET /v1/a HTTP/1.1\r\nHost: a\r\n X: folded\r\n\r\n',
    'POST /v1/a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'POST /v1/a HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx',
    'POST /v1/a HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n',
    'POST /v1/a HTTP/1.1\r\nHost: a\r\nContent-Length: 1e3\r\n\r\n',
    'GET /v1/a HTTP/1.1\nHost: a\n\n',
  ];
  for (const head of heads) {
    const connection = await wire(port);
    connection.write(head);
    const reply = await connection.reply();
    assert.equal(reply.status, 400, JSON.stringify(head));
    assert.equal(reply.body, '{"errors":[]}\n', JSON.stringify(head));
    assert.match(reply.head, /^Connection: close$/m);
    await connection.closed();
  }
  assert.equal(seen.length, 0);
});

test('a broken chunk ends its request without an answer from the handler', async (t) => {
  const { port, seen } = await listen(t);
  const connection = await wire(port);
  connection.write(request('POST /v1/a', { 'Transfer-Encoding': 'chunked' }));
  connection.write('zz\r\n');
  assert.equal((await connection.reply()).status, 400);
  await connection.closed();
  assert.equal(seen.length, 0);
});

test('a head that is too long is 431', async (t) => {
  const { port, seen } = await listen(t);
  const connection = await wire(port);
  connection.write(request('GET /v1/a', { 'X-Long': 'x'.repeat(70 * 1024) }));
  assert.equal((await connection.reply()).status, 431);
  await connection.closed();
  assert.equal(seen.length, 0);
});

test('no Host in HTTP/1.1 is 400', async (t) => {
  const { port, seen } = await listen(t);
  const connection = await wire(port);
  connection.write('GET /v1/a HTTP/1.1\r\n\r\n');
  assert.match(await connection.closed(), /^HTTP\/1\.1 400 /);
  assert.equal(seen.length, 0);
});

test('requests that came whole before a broken one are answered first, then the broken one, then nothing', async (t) => {
  const { port, seen } = await listen(t, {
    handle: async ({ path }) => {
      await new Promise((resolve) => setTimeout(resolve, path.text === 'a' ? 30 : 1));
      return { kind: 'bare', status: 200, value: { path: path.text } };
    },
  });
  const connection = await wire(port);
  connection.write(
    `${request('GET /v1/a')}${request('GET /v1/b')}BREW /v1/c HTTP/1.1\r\n\r\n${request('GET /v1/d')}`,
  );
  assert.equal((await connection.reply()).body, '{"path":"a"}\n');
  assert.equal((await connection.reply()).body, '{"path":"b"}\n');
  assert.equal((await connection.reply()).status, 405);
  assert.equal(await connection.closed(), '');
  assert.equal(seen.length, 2);
});

test('CONNECT is 405; an Upgrade is not followed', async (t) => {
  const { port } = await listen(t);
  const tunnel = await wire(port);
  tunnel.write(request('CONNECT vault.example:443'));
  assert.equal((await tunnel.reply()).status, 405);
  await tunnel.closed();
  const upgrade = await wire(port);
  upgrade.write(request('GET /v1/a', { Connection: 'Upgrade', Upgrade: 'websocket' }));
  assert.equal((await upgrade.reply()).status, 200);
});

test('secrets in broken requests reach no log', async (t) => {
  const { port, logged } = await listen(t);
  const sent = [
    request('GET /v1/canary%zz', { 'X-Vault-Token': 'canary' }),
    request('GET /v1/a?canary=%', { 'X-Vault-Token': 'canary' }),
    request('POST /v1/a', { 'X-Vault-Token': 'canary' }, '{"canary'),
    request('GET /v1/a', { 'X-Vault-Wrap-TTL': 'canary', 'X-Vault-Token': 'canary' }),
    'CANARY /canary HTTP/1.1\r\nX-Vault-Token: canary\r\n\r\n',
    'GET /canary HTTP/1.1\r\nX-Vault-Token: canary\x01\r\n\r\n',
  ];
  for (const bytes of sent) {
    const connection = await wire(port);
    connection.write(bytes);
    const reply = await connection.reply();
    assert(reply.status >= 400);
    assert(!`${reply.head}${reply.body}`.includes('canary'), reply.body);
    connection.socket.destroy();
  }
  assert(!logged.join().toLowerCase().includes('canary'), logged.join());
});

/** Pieces of requests, whole and broken, in any order. */
const traffic = fc.array(
  fc.oneof(
    fc.constantFrom(
      'GET ',
      'LIST ',
      'POST ',
      'LINK ',
      'LI',
      'ST ',
      '/v1/a',
      '/v1/%',
      ' HTTP/1.1',
      '\r\n',
      '\r\n\r\n',
      '\n',
      'Host: a\r\n',
    ),
    fc.constantFrom(
      'Content-Length: 3\r\n',
      'Transfer-Encoding: chunked\r\n',
      '3\r\nabc\r\n',
      '0\r\n\r\n',
      '{"a"',
      'Expect: 100-continue\r\n',
    ),
    fc.constantFrom(
      request('LIST /v1/a'),
      request('GET /v1/a'),
      request('POST /v1/a', {}, '{"a":1}'),
      request('HELP /v1/a'),
    ),
    fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
  ),
  { minLength: 1, maxLength: 12 },
);

test('generated traffic: every connection ends or is answered, and the listener lives', async (t) => {
  const { port, url, logged } = await listen(t);
  await fc.assert(
    fc.asyncProperty(traffic, fc.boolean(), async (pieces, apart) => {
      await new Promise<void>((resolve, reject) => {
        const socket = connect(port, '127.0.0.1');
        socket.on('error', () => {});
        socket.on('close', () => resolve());
        socket.setTimeout(5_000, () => reject(new Error('the connection hangs')));
        socket.resume();
        if (apart) for (const piece of pieces) socket.write(Buffer.from(piece, 'latin1'));
        else socket.write(Buffer.from(pieces.join(''), 'latin1'));
        socket.end();
      });
    }),
    { numRuns: 400 },
  );
  assert.equal((await call(url, 'GET', '/v1/a')).status, 200);
  assert(!logged.some((line) => line.includes('could not be')), logged.join('\n'));
});
