import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { encodeHeaders } from '../../src/storage/hpack.ts';
import { makeHttp2Connection } from '../../src/storage/http2-connection.ts';
import {
  ACK,
  CONTINUATION,
  contentOf,
  DATA,
  END_HEADERS,
  END_STREAM,
  frame,
  GOAWAY,
  HEADERS,
  makeFrameReader,
  PING,
  PREFACE,
  PUSH_PROMISE,
  RST_STREAM,
  SETTING,
  SETTINGS,
  settings,
  uint32,
  WINDOW_UPDATE,
} from '../../src/storage/http2-frames.ts';

interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** A server that does what the test says, and a connection to it. */
async function pair(t: TestContext, first: readonly (readonly [number, number])[] = []) {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const socket = connect({ port: (server.address() as { port: number }).port, host: '127.0.0.1' });
  await once(socket, 'connect');
  const [peer] = await accepted;
  const events: string[] = [];
  const connection = makeHttp2Connection(socket, {
    left: () => events.push('left'),
    ended: (why) => events.push(`ended: ${why}`),
  });
  t.after(() => {
    connection.destroy('the test is over');
    peer.destroy();
  });
  const frames: Frame[] = [];
  let wake = () => {};
  const read = makeFrameReader((type, flags, stream, payload) => {
    frames.push({ type, flags, stream, payload: Buffer.from(payload) });
  });
  let preface = PREFACE.length;
  peer.on('data', (chunk: Buffer) => {
    read(chunk.subarray(preface));
    preface = 0;
    wake();
  });
  peer.on('error', () => {});
  /** Resolves once `enough` holds. */
  async function until(enough: () => boolean): Promise<void> {
    while (!enough()) await new Promise<void>((resolve) => (wake = resolve));
  }
  function call(body: Buffer = Buffer.from('asked')) {
    const seen: string[] = [];
    const made = connection.call(encodeHeaders({ ':path': '/x' }), [body], {
      data: () => {},
      done: (headers, answer) => note(`done ${JSON.stringify({ ...headers })} ${answer}`),
      lost: (unseen, why) => note(`${unseen ? 'unseen' : 'lost'}: ${why}`),
    });
    function note(what: string): void {
      seen.push(what);
      wake();
    }
    return { ...made, seen, ended: () => until(() => seen.length > 0).then(() => seen[0]!) };
  }
  const bodyOf = (stream: number) =>
    Buffer.concat(
      frames.filter((each) => each.type === DATA && each.stream === stream).map((each) => each.payload),
    );
  const isWhole = (stream: number) =>
    frames.some((each) => each.type === DATA && each.stream === stream && each.flags & END_STREAM);
  peer.write(settings(first));
  await until(() => frames.some(({ type, flags }) => type === SETTINGS && flags === ACK));
  return { connection, peer, frames, events, until, call, bodyOf, isWhole };
}

const OK = encodeHeaders({ ':status': '200' });
const answer = (stream: number, text: string): Buffer =>
  Buffer.concat([
    frame(HEADERS, END_HEADERS, stream, OK),
    frame(DATA, END_STREAM, stream, Buffer.from(text)),
  ]);

test('frames are the same in whatever pieces they come', () => {
  const any = fc.record(
    {
      type: fc.nat(255),
      flags: fc.nat(255),
      stream: fc.nat(2 ** 31 - 1),
      payload: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
    },
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(fc.array(any), fc.array(fc.integer({ min: 1, max: 30 })), (sent, sizes) => {
      const bytes = Buffer.concat(sent.map((one) => frame(one.type, one.flags, one.stream, one.payload)));
      const heard: Frame[] = [];
      const read = makeFrameReader((type, flags, stream, payload) =>
        heard.push({ type, flags, stream, payload: Buffer.from(payload) }),
      );
      let at = 0;
      for (const size of sizes) {
        read(bytes.subarray(at, at + size));
        at += size;
      }
      read(bytes.subarray(at));
      assert.deepEqual(heard, sent);
    }),
  );
});

test('a body goes out as the windows of the stream and of the connection allow, in frames of the size allowed', async (t) => {
  const { peer, call, until, bodyOf, isWhole, frames } = await pair(t, [[SETTING.initialWindowSize, 10]]);
  const body = Buffer.alloc(100_000, 'abcdefg');
  const made = call(body);
  await until(() => bodyOf(1).length === 10);
  peer.write(frame(WINDOW_UPDATE, 0, 1, uint32(5)));
  await until(() => bodyOf(1).length === 15);
  // All open streams have so much more; the connection's window is the narrower one now.
  peer.write(settings([[SETTING.initialWindowSize, 1_000_000]]));
  await until(() => bodyOf(1).length === 65_535);
  peer.write(frame(WINDOW_UPDATE, 0, 0, uint32(1_000_000)));
  await until(() => isWhole(1));
  assert.deepEqual(bodyOf(1), body);
  assert(frames.every(({ payload }) => payload.length <= 16_384));
  peer.write(answer(1, 'all of it'));
  assert.equal(await made.ended(), 'done {":status":"200"} all of it');
});

test('streams that wait for a window do not hold up each other', async (t) => {
  const { peer, call, until, bodyOf, isWhole } = await pair(t, [[SETTING.initialWindowSize, 3]]);
  const [first, second] = [call(Buffer.from('first')), call(Buffer.from('second'))];
  await until(() => bodyOf(3).length === 3);
  peer.write(frame(WINDOW_UPDATE, 0, 3, uint32(100)));
  await until(() => isWhole(3));
  assert.equal(String(bodyOf(1)), 'fir');
  first.cancel();
  peer.write(answer(3, 'yes'));
  assert.match(await second.ended(), /yes$/);
  assert.deepEqual(first.seen, []);
});

test('no more streams than the server has room for; one that waits was not sent', async (t) => {
  const { peer, call, until, isWhole, frames } = await pair(t, [[SETTING.maxConcurrentStreams, 1]]);
  const [first, second, third] = [call(), call(), call()];
  await until(() => isWhole(1));
  assert.equal(first.isUnsent(), false);
  assert.equal(second.isUnsent(), true);
  second.cancel();
  peer.write(answer(1, 'one'));
  await until(() => isWhole(3));
  assert.equal(third.isUnsent(), false);
  peer.write(answer(3, 'three'));
  assert.match(await third.ended(), /three$/);
  assert.deepEqual(second.seen, []);
  assert.equal(frames.filter(({ type }) => type === HEADERS).length, 2);
});

test('headers in several frames, with padding and priority, and trailers', async (t) => {
  const { peer, call, until, isWhole } = await pair(t);
  const made = call();
  await until(() => isWhole(1));
  const padded = Buffer.concat([Buffer.of(3), Buffer.alloc(5), OK.subarray(0, 4), Buffer.alloc(3)]);
  peer.write(frame(HEADERS, 0x8 | 0x20, 1, padded));
  peer.write(frame(CONTINUATION, END_HEADERS, 1, OK.subarray(4)));
  peer.write(frame(DATA, 0x8, 1, Buffer.from('\x02body\0\0', 'latin1')));
  peer.write(frame(HEADERS, END_HEADERS | END_STREAM, 1, encodeHeaders({ 'grpc-status': '0' })));
  assert.equal(await made.ended(), 'done {":status":"200","grpc-status":"0"} body');
  assert.throws(() => contentOf(DATA, 0x8, Buffer.of(2, 1)), /padding/);
});

test('a ping is answered with what is in it; frames of other sorts are passed by', async (t) => {
  const { peer, until, frames } = await pair(t);
  peer.write(frame(0xfa, 0, 0, Buffer.from('what is this')));
  peer.write(frame(PING, 0, 0, Buffer.from('01234567')));
  await until(() => frames.some(({ type }) => type === PING));
  const { flags, payload } = frames.find(({ type }) => type === PING)!;
  assert.deepEqual([flags, String(payload)], [ACK, '01234567']);
});

test('the server may go on sending: it is told of what was read', async (t) => {
  const { peer, call, until, isWhole, frames } = await pair(t);
  const made = call();
  await until(() => isWhole(1));
  peer.write(frame(HEADERS, END_HEADERS, 1, OK));
  const part = frame(DATA, 0, 1, Buffer.alloc(16_384, 'x'));
  for (let n = 0; n < 32; n++) peer.write(part);
  await until(() => frames.some(({ type, stream }) => type === WINDOW_UPDATE && stream === 1));
  const more = frames.find(({ type, stream }) => type === WINDOW_UPDATE && stream === 1)!;
  assert.equal(more.payload.readUInt32BE(), 32 * 16_384);
  peer.write(frame(DATA, END_STREAM, 1, Buffer.alloc(0)));
  assert.equal((await made.ended()).length, 'done {":status":"200"} '.length + 32 * 16_384);
});

test('a farewell: what it names goes on, what came after it was not looked at, and nothing new begins', async (t) => {
  const { peer, call, until, isWhole, connection, events } = await pair(t);
  const [first, second] = [call(), call()];
  await until(() => isWhole(3));
  peer.write(frame(GOAWAY, 0, 0, uint32(1, 0)));
  assert.match(await second.ended(), /^unseen/);
  assert.equal(connection.isOpen(), false);
  assert.deepEqual(first.seen, []);
  peer.write(answer(1, 'still'));
  assert.match(await first.ended(), /still$/);
  assert.deepEqual(events, ['left', 'ended: it was not needed any more']);
});

test('a stream that is reset: refused is not looked at, all else is not known; the others go on', async (t) => {
  const { peer, call, until, isWhole } = await pair(t);
  const [first, second, third] = [call(), call(), call()];
  await until(() => isWhole(5));
  peer.write(frame(RST_STREAM, 0, 1, uint32(7)));
  peer.write(frame(RST_STREAM, 0, 3, uint32(2)));
  // Of one that is over already.
  peer.write(frame(RST_STREAM, 0, 3, uint32(2)));
  peer.write(answer(5, 'fine'));
  assert.match(await first.ended(), /^unseen/);
  assert.match(await second.ended(), /^lost/);
  assert.match(await third.ended(), /fine$/);
});

test('one that is cancelled is told to the server, and what still comes of it is passed by', async (t) => {
  const { peer, call, until, isWhole, frames } = await pair(t);
  const [first, second] = [call(), call()];
  await until(() => isWhole(3));
  first.cancel();
  first.cancel();
  await until(() => frames.some(({ type }) => type === RST_STREAM));
  peer.write(Buffer.concat([answer(1, 'too late'), answer(3, 'in time')]));
  assert.match(await second.ended(), /in time$/);
  assert.deepEqual(first.seen, []);
  assert.equal(frames.filter(({ type }) => type === RST_STREAM).length, 1);
});

test('when the connection breaks, what was sent is not known, and what waited was not sent', async (t) => {
  const { peer, call, until, isWhole, events } = await pair(t, [[SETTING.maxConcurrentStreams, 1]]);
  const [first, second] = [call(), call()];
  await until(() => isWhole(1));
  peer.destroy();
  assert.match(await first.ended(), /^lost/);
  assert.match(await second.ended(), /^unseen/);
  assert.equal(events.length, 1);
});

test('who leaves it lets calls under way end, and it closes then', async (t) => {
  const { peer, call, until, isWhole, connection, events } = await pair(t);
  const made = call();
  await until(() => isWhole(1));
  connection.leave();
  assert.equal(connection.isOpen(), false);
  peer.write(answer(1, 'the last'));
  assert.match(await made.ended(), /the last$/);
  assert.deepEqual(events, ['left', 'ended: it was not needed any more']);
});

const WRONG: Record<string, Buffer> = {
  'bytes that are no frames': Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'),
  'a frame that is too long': frame(DATA, 0, 1, Buffer.alloc(16_385)),
  'data for a stream that nobody opened': frame(DATA, 0, 3, Buffer.from('x')),
  "data for a server's own stream": frame(DATA, 0, 2, Buffer.from('x')),
  'a push': frame(PUSH_PROMISE, END_HEADERS, 1, Buffer.alloc(8)),
  'headers that are none': frame(HEADERS, END_HEADERS, 1, Buffer.of(0xff, 0xff)),
  'headers that are interrupted': Buffer.concat([
    frame(HEADERS, 0, 1, OK),
    frame(PING, 0, 0, Buffer.alloc(8)),
  ]),
  'headers that go on before they began': frame(CONTINUATION, END_HEADERS, 1, OK),
  'headers without an end': Buffer.concat([
    frame(HEADERS, 0, 1, OK),
    ...Array.from({ length: 5 }, () => frame(CONTINUATION, 0, 1, Buffer.alloc(16_000))),
  ]),
  'a window beyond all bounds': frame(WINDOW_UPDATE, 0, 0, uint32(2 ** 31 - 1)),
  'a first window beyond all bounds': settings([[SETTING.initialWindowSize, 2 ** 31]]),
  'settings that are cut': frame(SETTINGS, 0, 0, Buffer.alloc(5)),
  'a number that is cut': frame(RST_STREAM, 0, 1, Buffer.alloc(3)),
  'a farewell that is cut': frame(GOAWAY, 0, 0, Buffer.alloc(4)),
};

for (const [what, bytes] of Object.entries(WRONG)) {
  test(`${what}: the connection ends, and its calls are lost`, async (t) => {
    const { peer, call, until, isWhole, events } = await pair(t);
    const made = call();
    await until(() => isWhole(1));
    peer.write(bytes);
    assert.match(await made.ended(), /^lost: does not answer as HTTP\/2 wants it/);
    assert.equal(events.length, 1);
  });
}
