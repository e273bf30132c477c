import assert from 'node:assert/strict';
import {
  constants,
  createSecureServer,
  createServer,
  type Http2Server,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Server } from 'node:net';
import { type TestContext, test } from 'node:test';
import { makeGrpcCalls } from '../../src/storage/grpc-calls.ts';
import { CallFailed } from '../../src/storage/store-calls.ts';
import { systemClock as clock } from '../../src/system-clock.ts';
import { freePort } from '../support/free-port.ts';
import { callsContract, listening } from './calls-contract.ts';

const sessions = new WeakMap<Server, Set<{ destroy(): void }>>();

/** `handle` is given each request once it is whole. */
function serve(
  port: number,
  handle: (stream: ServerHttp2Stream) => void,
  tls?: { cert: Buffer; key: Buffer },
) {
  const server: Http2Server = tls === undefined ? createServer() : (createSecureServer(tls) as never);
  const open = new Set<{ destroy(): void }>();
  sessions.set(server as never, open);
  server.on('session', (session) => open.add(session));
  server.on('stream', (stream: ServerHttp2Stream) => {
    stream.on('error', () => {});
    stream.on('end', () => handle(stream)).resume();
  });
  return listening(server as never as Server, port);
}

async function stop(server: Server): Promise<void> {
  for (const session of sessions.get(server)!) session.destroy();
  await new Promise((resolve) => server.close(resolve));
}

function frame(text: string): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(Buffer.byteLength(text), 1);
  return Buffer.concat([head, Buffer.from(text)]);
}

function answer(stream: ServerHttp2Stream, body: Buffer, status: string | undefined, message = ''): void {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => {
    if (status === undefined) stream.close();
    else stream.sendTrailers({ 'grpc-status': status, 'grpc-message': message });
  });
  stream.end(body);
}

class Judged extends CallFailed {
  readonly code: number;
  readonly text: string;
  constructor(code: number, text: string) {
    super('refused', text, { passing: code === 14 });
    this.code = code;
    this.text = text;
  }
}

function make(options: Parameters<typeof makeGrpcCalls>[0]) {
  const calls = makeGrpcCalls(options);
  const request = { path: '/test.Service/Method', message: Buffer.from('x'.repeat(70_000)) };
  return {
    async ask(call?: Parameters<typeof calls.send>[2]) {
      return (await calls.send(request, (code, text) => new Judged(code, text), call)).toString();
    },
    close: calls.close,
  };
}

callsContract('gRPC', {
  serve: (port, seen, tls) =>
    serve(
      port,
      (stream) => {
        const what = seen();
        if (what === 'cut') stream.session?.destroy();
        if (what === 'answer') answer(stream, frame(what), '0');
      },
      tls,
    ),
  stop,
  make,
});

async function started(t: TestContext, handle: (stream: ServerHttp2Stream, request: number) => void) {
  const port = await freePort();
  let requests = 0;
  const server = await serve(port, (stream) => handle(stream, ++requests));
  t.after(() => stop(server));
  const made = make({ endpoints: [`http://127.0.0.1:${port}`], clock });
  t.after(() => made.close());
  return made;
}

test('a status other than 0, with a body or without, is judged; its text may hold any character', async (t) => {
  const { ask } = await started(t, (stream, request) => {
    if (request === 1) answer(stream, Buffer.alloc(0), '3', 'k%C3%A9y is wrong');
    else stream.respond({ ':status': 200, 'grpc-status': '7', 'grpc-message': '100%' }, { endStream: true });
  });
  await assert.rejects(ask(), { code: 3, text: 'kéy is wrong' });
  await assert.rejects(ask(), { code: 7, text: '100%' });
});

test('what passes is tried once more', async (t) => {
  const { ask } = await started(t, (stream, request) =>
    request === 1 ? answer(stream, Buffer.alloc(0), '14', 'later') : answer(stream, frame('now'), '0'),
  );
  assert.equal(await ask(), 'now');
});

test('an answer that is cut, or that ends without a status, is unknown', async (t) => {
  const bodies = [
    frame('whole'),
    frame('cut').subarray(0, 6),
    Buffer.alloc(0),
    Buffer.concat([frame('a'), frame('b')]),
  ];
  const { ask } = await started(t, (stream, request) =>
    answer(stream, bodies[request - 1]!, request === 1 ? undefined : '0'),
  );
  for (const _ of bodies) await assert.rejects(ask(), { name: 'CallFailed', kind: 'unknown' });
});

test('a stream that the server refuses was not looked at, and goes again', async (t) => {
  const { ask } = await started(t, (stream, request) => {
    if (request === 1) stream.close(constants.NGHTTP2_REFUSED_STREAM);
    else answer(stream, frame('looked'), '0');
  });
  assert.equal(await ask(), 'looked');
});

test('many calls share one connection; large answers come whole', async (t) => {
  const large = 'x'.repeat(3_000_000);
  const seen = new Set<unknown>();
  const { ask } = await started(t, (stream, request) => {
    seen.add(stream.session);
    answer(stream, frame(request % 10 === 0 ? large : 'small'), '0');
  });
  const replies = await Promise.all(Array.from({ length: 50 }, () => ask()));
  assert.equal(replies.filter((reply) => reply === large).length, 5);
  assert.equal(seen.size, 1);
});

test('a server that speaks no HTTP/2 is told as such', async (t) => {
  const { createServer: plain } = await import('node:http');
  const port = await freePort();
  const server = await listening(plain(), port);
  t.after(() => server.close());
  const made = make({ endpoints: [`http://127.0.0.1:${port}`], clock });
  t.after(() => made.close());
  await assert.rejects(made.ask(), { name: 'CallFailed' });
});
