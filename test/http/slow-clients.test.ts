/**
 * Clients that send slowly, for ever, or far too much of a head, and clients that do not read: each is refused or cut off in time, and
 * whatever they do the handler is not asked.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect as connectHttp2, constants, type SecureClientSessionOptions } from 'node:http2';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { makeDevTls } from '../../src/dev-tls.ts';
import type { BodyBudget } from '../../src/http/body.ts';
import type { ListenerOptions } from '../../src/http/listener-options.ts';
import { HEAD_BYTES_MAX, HTTP2_SESSION_MIB_MAX, HTTP2_STREAMS_MAX, MIB } from '../../src/model/limits.ts';
import { closing } from '../support/closing.ts';
import { call } from '../support/http.ts';
import { testFolder } from '../support/test-folder.ts';
import { listen, request, wire } from './listener.ts';

const folder = testFolder('slow');
const files = makeDevTls(folder, [], Date.now());
const TLS = { tls_disable: false, tls_cert_file: files.certFile, tls_key_file: files.keyFile } as const;
const http2To = (port: number, options: SecureClientSessionOptions = {}) => {
  const session = connectHttp2(`https://localhost:${port}`, { ca: readFileSync(files.caFile), ...options });
  session.on('error', () => {});
  return session;
};

/** Far longer than the times below and Node's looking for connections whose time is over, once a second. */
const CUT_OFF_MS = 8_000;
const DRIP_MS = 20;
/** One at a time, so that no other bound can stand in for it. */
const QUICK_HEAD = { http_read_header_timeout: 0.3 };
const QUICK_BODY = { http_read_timeout: 0.6 };
const CHUNKED = { 'Transfer-Encoding': 'chunked' };

test('who sends a little now and then is cut off all the same: head, body, chunks, trailers, blank lines', {
  timeout: 30_000,
}, async (t) => {
  const head = await listen(t, { listener: QUICK_HEAD });
  const body = await listen(t, { listener: QUICK_BODY });
  const heads: Drip[] = [
    ['a head', 'GET /v1/a HTTP/1.1\r\n', 'a: b\r\n'],
    ['the head of a LIST', 'LIST /v1/a HTTP/1.1\r\n', 'a: b\r\n'],
    ['a header', 'GET /v1/a HTTP/1.1\r\nA: ', 'b'],
    ['a target', 'GET /v1/', 'a'],
    ['blank lines', '', '\r\n'],
  ];
  const bodies: Drip[] = [
    ['a body', request('PUT /v1/a', { 'Content-Length': '100000' }), ' '],
    ['chunks', request('PUT /v1/a', CHUNKED), '1\r\n \r\n'],
    ['the extension of a chunk', `${request('PUT /v1/a', CHUNKED)}1;`, 'a'],
    ['trailers', `${request('PUT /v1/a', CHUNKED)}0\r\n`, 'a: b\r\n'],
  ];
  await Promise.all([
    ...heads.map((drip) => assertCutOff(head.port, drip)),
    ...bodies.map((drip) => assertCutOff(body.port, drip)),
  ]);
  assert.equal(head.seen.length + body.seen.length, 0);
});

/** What is sent slowly, what before it at once, and the piece that is sent again and again. */
type Drip = readonly [what: string, begin: string, piece: string];

async function assertCutOff(port: number, [what, begin, piece]: Drip): Promise<void> {
  const connection = await wire(port);
  connection.write(begin);
  const began = performance.now();
  const drip = setInterval(() => connection.write(piece), DRIP_MS);
  try {
    assert.equal((await connection.reply()).status, 408, what);
    await connection.closed();
    assert(performance.now() - began < CUT_OFF_MS, what);
  } finally {
    clearInterval(drip);
  }
}

test('who stops inside a verb of ours, between requests, or in a body that nobody waits for, is cut off too', {
  timeout: 30_000,
}, async (t) => {
  const head = await listen(t, { listener: QUICK_HEAD });
  const idle = await listen(t, { listener: { http_idle_timeout: 0.3 } });
  const body = await listen(t, { listener: QUICK_BODY });
  const began = performance.now();
  const stops = async (port: number, text: string) => {
    const connection = await wire(port);
    connection.write(text);
    await connection.closed();
  };
  const unread = async () => {
    const connection = await wire(body.port);
    connection.write(request('GET /v1/a', { 'Content-Length': '100000' }));
    assert.equal((await connection.reply()).status, 200);
    const drip = setInterval(() => connection.write(' '), DRIP_MS);
    await connection.closed();
    clearInterval(drip);
  };
  const stopping = ['L', 'LI', 'LIS', 'LIST', 'LIST ', 'LIST /v1/a', 'H', 'HELP /v'];
  await Promise.all([
    ...stopping.map((text) => stops(head.port, text)),
    ...['GET', 'LIST', 'PUT'].map((verb) => stops(idle.port, request(`${verb} /v1/a`))),
    unread(),
  ]);
  assert(performance.now() - began < CUT_OFF_MS);
});

test('too many headers, too long a head, trailers and extensions without end: refused, never cut short', async (t) => {
  const { port, seen } = await listen(t, { listener: { max_request_size: 10 * MIB } });
  const headers = (count: number) => Array.from({ length: count }, (_, at) => `x${at}: y\r\n`).join('');
  const refused = async (text: string): Promise<number> => {
    const connection = await wire(port);
    connection.write(text);
    const { status } = await connection.reply();
    await connection.closed();
    return status;
  };
  for (const verb of ['GET', 'LIST', 'HELP', 'PUT']) {
    const head = `${verb} /v1/a HTTP/1.1\r\nHost: a\r\n`;
    for (const count of [1_001, 2_001, 9_000]) {
      assert.equal(await refused(`${head}${headers(count)}\r\n`), 431, `${verb} with ${count} headers`);
    }
    const long = 'x'.repeat(HEAD_BYTES_MAX);
    assert.equal(await refused(request(`${verb} /v1/a`, { 'X-Long': long })), 431, `${verb}: a long header`);
    assert.equal(await refused(request(`${verb} /v1/a`, { [long]: '' })), 431, `${verb}: a long name`);
    assert.equal(await refused(request(`${verb} /v1/a?${long}`)), 431, `${verb}: a long target`);
  }
  const chunked = request('PUT /v1/a', CHUNKED);
  assert.equal(await refused(`${chunked}2\r\n{}\r\n0\r\n${headers(9_000)}\r\n`), 431, 'trailers');
  assert.equal(await refused(`${chunked}2;${'a=b;'.repeat(20_000)}\r\n{}\r\n0\r\n\r\n`), 413, 'extensions');
  assert.equal(seen.length, 0);
  // What is within the bounds comes whole: a parser that drops what is too much would drop a proxy's word on who asks.
  const connection = await wire(port);
  connection.write(
    `GET /v1/a HTTP/1.1\r\nHost: a\r\n${headers(900)}X-Vault-Token: t\r\nX-Last: here\r\n\r\n`,
  );
  assert.equal((await connection.reply()).status, 200);
  assert.deepEqual([seen[0]!.token, seen[0]!.headers['x-last']], ['t', 'here']);
  assert.equal(Object.keys(seen[0]!.headers).length, 902);
});

/** A listener that cuts off who has not read a large reply after a second. */
async function unread(t: Parameters<typeof listen>[0], listener: Partial<ListenerOptions> = {}) {
  const replyBudget: BodyBudget = { left: 64 * MIB };
  const listening = await listen(t, {
    replyBudget,
    listener: { http_write_timeout: 1, ...listener },
    handle: ({ path }) => ({
      kind: 'raw',
      status: 200,
      contentType: 'text/plain',
      body: 'x'.repeat(path.text === 'large' ? 16 * MIB : 1_000),
    }),
  });
  const until = async (is: (left: number) => boolean) => {
    while (!is(replyBudget.left)) await setTimeout(DRIP_MS);
  };
  return {
    ...listening,
    held: () => until((left) => left < 64 * MIB),
    given: () => until((left) => left === 64 * MIB),
  };
}

for (const [what, reads] of [
  ['nothing', 0],
  ['a little now and then', 1_000],
] as const) {
  test(`who reads ${what} of a large reply is cut off, and gives back what it held`, {
    timeout: 20_000,
  }, async (t) => {
    const { port, url, held, given } = await unread(t);
    const { socket } = await wire(port);
    socket.removeAllListeners('data').pause();
    socket.write(request('GET /v1/large'));
    const reading = setInterval(() => reads > 0 && socket.read(reads), DRIP_MS);
    t.after(async () => clearInterval(reading));
    await held();
    await given();
    const closed = closing(socket);
    socket.resume();
    await closed;
    assert(socket.bytesRead < 16 * MIB, 'it was not sent to its end');
    assert.equal((await call(url, 'GET', '/v1/large')).text.length, 16 * MIB, 'who reads gets it whole');
    assert.equal((await call(url, 'GET', '/v1/small')).status, 200);
  });
}

test('HTTP/2: the stream of who does not read a large reply is cut off, and cannot be taken for whole', {
  timeout: 20_000,
}, async (t) => {
  const { port, held, given } = await unread(t, TLS);
  const session = http2To(port);
  t.after(async () => session.destroy());
  const stream = session.request({ ':path': '/v1/large' });
  stream.on('error', () => {});
  stream.pause();
  const closed = closing(stream);
  await held();
  // One large reply, read or not, refuses no other request of the connection.
  for (const path of ['/v1/small', '/v1/large']) {
    const other = session.request({ ':path': path }).resume();
    const [answer] = await once(other, 'response');
    assert.equal(answer[':status'], 200);
    if (!other.closed) await once(other, 'close');
    assert.equal(other.rstCode, constants.NGHTTP2_NO_ERROR);
  }
  await given();
  stream.resume();
  await closed;
  assert.equal(stream.rstCode, constants.NGHTTP2_CANCEL);
  assert.equal(session.destroyed, false);
});

test('HTTP/2: too many headers and too long a head are refused, others are served', async (t) => {
  const { port, seen } = await listen(t, { listener: TLS });
  const many = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, at) => [`x${at}`, 'y']));
  const ask = async (headers: Record<string, string>) => {
    // A client that sends whatever it is told to.
    const session = http2To(port, { maxSendHeaderBlockLength: MIB });
    const stream = session.request({ ':path': '/v1/a', ...headers }).resume();
    stream.on('error', () => {});
    let status: unknown;
    stream.on('response', (answer) => {
      status = answer[':status'];
    });
    await new Promise((resolve) => stream.once('close', resolve));
    session.destroy();
    return status;
  };
  for (const count of [200, 1_000]) assert.equal(await ask(many(count)), undefined, `${count} headers`);
  const half = 'x'.repeat(HEAD_BYTES_MAX / 2);
  const longs: Record<string, string>[] = [
    { a: 'x'.repeat(HEAD_BYTES_MAX) },
    { a: half, b: half },
    { a: half, b: half, c: half },
  ];
  for (const headers of longs) {
    assert.equal(await ask(headers), 431, `${Object.keys(headers)}`);
  }
  assert.equal(await ask({ a: 'x'.repeat(9 * HEAD_BYTES_MAX) }), undefined, 'a header without end');
  assert.equal(seen.length, 0);
  const session = http2To(port);
  t.after(async () => session.destroy());
  const stream = session.request({ ':path': '/v1/a', ...many(100) }).resume();
  const [answer] = await once(stream, 'response');
  assert.deepEqual([answer[':status'], seen[0]?.headers.x99], [200, 'y']);
});

test('HTTP/2: who asks with large heads and takes no reply holds little, and nobody else is refused', {
  timeout: 20_000,
}, async (t) => {
  const { port, seen } = await listen(t, { listener: TLS });
  const greedy = http2To(port, { maxSessionMemory: 1_000, settings: { initialWindowSize: 0 } });
  t.after(async () => greedy.destroy());
  await once(greedy, 'remoteSettings');
  const ended = Array.from({ length: HTTP2_STREAMS_MAX }, () => {
    const stream = greedy.request({ ':path': '/v1/a', 'x-long': 'x'.repeat(60_000) });
    stream.on('error', () => {});
    return new Promise((resolve) => stream.once('response', resolve).once('close', resolve));
  });
  await Promise.all(ended);
  assert(seen.length >= 10, String(seen.length));
  assert(seen.length * 60_000 < 2 * HTTP2_SESSION_MIB_MAX * MIB, String(seen.length));
  const session = http2To(port);
  t.after(async () => session.destroy());
  const [answer] = await once(session.request({ ':path': '/v1/after' }).resume(), 'response');
  assert.equal(answer[':status'], 200);
});

test('HTTP/2: a connection that resets its streams by the thousand is ended, others are served', {
  timeout: 20_000,
}, async (t) => {
  const { port } = await listen(t, { listener: TLS });
  const resetting = http2To(port);
  await once(resetting, 'connect');
  let reset = 0;
  while (!resetting.destroyed && !resetting.closed && reset < 20_000) {
    const stream = resetting.request({ ':path': '/v1/a' });
    stream.on('error', () => {});
    stream.close(constants.NGHTTP2_CANCEL);
    if (++reset % 50 === 0) await new Promise((next) => setImmediate(next));
  }
  assert(reset < 20_000, 'the connection was ended');
  const session = http2To(port);
  t.after(async () => session.destroy());
  const [answer] = await once(session.request({ ':path': '/v1/after' }).resume(), 'response');
  assert.equal(answer[':status'], 200);
});
