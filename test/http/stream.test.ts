/**
 * Replies without an end: who may end them, and that a quiet one stays.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, get } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { type AddressInfo, connect } from 'node:net';
import { test } from 'node:test';
import { makeDevTls } from '../../src/dev-tls.ts';
import { makeStreams } from '../../src/http/stream.ts';
import type { Reply, StreamOut } from '../../src/model/request.ts';
import { testFolder } from '../support/test-folder.ts';
import { until } from '../support/until.ts';
import { listen, type Settings } from './listener.ts';

const folder = testFolder('stream');
const files = makeDevTls(folder, [], Date.now());
const TLS = { tls_disable: false, tls_cert_file: files.certFile, tls_key_file: files.keyFile } as const;

/** A listener whose handler answers with one stream; the test holds its end. */
async function streaming(t: Parameters<typeof listen>[0], listener: Settings['listener'] = {}) {
  const stream = { out: undefined as StreamOut | undefined, over: 0 };
  const reply: Reply = {
    kind: 'stream',
    status: 200,
    stream: {
      contentType: 'text/plain',
      start(out) {
        stream.out = out;
        return () => stream.over++;
      },
    },
  };
  return { ...(await listen(t, { listener, handle: () => reply, stopGraceMs: 60_000 })), stream };
}

function client(port: number) {
  const seen = { status: 0, text: '', ended: false, destroy: () => {}, length: '' as string | undefined };
  const request = get({ port, host: '127.0.0.1', path: '/v1/sys/monitor' }, (response) => {
    seen.status = response.statusCode!;
    seen.length = response.headers['content-length'];
    response.on('data', (chunk) => {
      seen.text += chunk;
    });
    response.on('end', () => {
      seen.ended = true;
    });
    response.on('error', () => {});
  });
  request.on('error', () => {});
  seen.destroy = () => request.destroy();
  return seen;
}

test('the head is there before the body; a client that leaves ends it', async (t) => {
  const { port, stream } = await streaming(t);
  const seen = client(port);
  await until('a head', () => seen.status === 200);
  assert.equal(seen.length, undefined);
  stream.out!.write('one\n');
  await until('a line', () => seen.text === 'one\n');
  seen.destroy();
  await until('its end', () => stream.over === 1);
  assert.equal(stream.out!.write('two\n'), false);
});

test('its writer ends it', async (t) => {
  const { port, stream } = await streaming(t);
  const seen = client(port);
  await until('a head', () => seen.status === 200);
  stream.out!.write('last');
  stream.out!.end();
  await until('its end', () => seen.ended);
  assert.equal(seen.text, 'last');
  await until('its end', () => stream.over === 1);
});

test('a listener that stops ends it, and does not wait for its client; so does one that says farewell', async (t) => {
  for (const how of ['stop', 'farewell'] as const) {
    const { port, server, stream } = await streaming(t);
    const seen = client(port);
    await until('a head', () => seen.status === 200);
    await server[how]();
    await until('its end', () => seen.ended && stream.over === 1);
    if (how === 'stop') continue;
    const late = client(port);
    await until('an end at once', () => late.ended);
  }
});

test('a reader that is behind is told of, and heard when it has caught up', async (t) => {
  const { port, stream } = await streaming(t);
  const seen = client(port);
  await until('a head', () => seen.status === 200);
  let drained = 0;
  stream.out!.onDrain(() => drained++);
  const piece = 'x'.repeat(64 * 1024);
  let written = 0;
  let isBehind = false;
  while (!isBehind) {
    isBehind = !stream.out!.write(piece);
    written += piece.length;
  }
  await until('a drain', () => drained === 1);
  await until('all of it', () => seen.text.length === written);
});

test('a quiet one stays where another connection on which nothing moves is cut', async (t) => {
  const QUIET_MS = 100;
  const streams = makeStreams(QUIET_MS);
  let out: StreamOut | undefined;
  const server = createServer((_request, response) => {
    response.writeHead(200);
    streams.run(response, {
      contentType: 'text/plain',
      start(given) {
        out = given;
        return () => {};
      },
    });
  });
  server.setTimeout(QUIET_MS);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => streams.endAll());
  t.after(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const seen = client(port);
  await until('a head', () => seen.status === 200);
  const other = connect(port, '127.0.0.1');
  await once(other.resume(), 'close');
  out!.write('still here');
  await until('a line', () => seen.text === 'still here');
});

test('HTTP/2: lines, and the end of one stream alone', async (t) => {
  const { port, stream } = await streaming(t, TLS);
  const session = connectHttp2(`https://localhost:${port}`, { ca: readFileSync(files.caFile) });
  t.after(() => session.close());
  const seen = { status: 0, text: '' };
  const request = session.request({ ':path': '/v1/sys/monitor' });
  request.on('response', (headers) => {
    seen.status = headers[':status']!;
  });
  request.on('data', (chunk) => {
    seen.text += chunk;
  });
  request.on('error', () => {});
  await until('a head', () => seen.status === 200);
  stream.out!.write('one\n');
  await until('a line', () => seen.text === 'one\n');
  request.close();
  await until('its end', () => stream.over === 1);
  assert.equal(session.closed, false);
});
