import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  encodeFrame,
  type Frame,
  FrameError,
  frame,
  frameBytes,
  HEAD_BYTES,
  KINDS,
  makeFrameReader,
} from '../../../src/cluster/transport/frame.ts';

const frames: fc.Arbitrary<Frame> = fc.record({
  protocol: fc.integer({ min: 0, max: 0xffff }),
  kind: fc.integer({ min: 0, max: 0xff }),
  flags: fc.integer({ min: 0, max: 0xff }),
  id: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
  timeoutMs: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  payload: fc.uint8Array({ maxLength: 300 }),
});

/** What the reader makes of `bytes` when they come in pieces of those lengths, over and over. */
function readPieces(bytes: Uint8Array, lengths: number[], payloadMax?: number): Frame[] {
  const got: Frame[] = [];
  const reader = makeFrameReader((one) => got.push({ ...one, payload: one.payload.slice() }), payloadMax);
  for (let at = 0, n = 0; at < bytes.length; n++) {
    const length = lengths[n % lengths.length]!;
    reader.push(bytes.subarray(at, at + length));
    at += length;
  }
  return got;
}

const plain = (one: Frame) => ({ ...one, payload: [...one.payload] });

test('frames come out as they went in, however the bytes are cut', () => {
  const lengths = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(fc.array(frames, { maxLength: 8 }), lengths, (sent, cuts) => {
      const bytes = Buffer.concat(sent.map(encodeFrame));
      assert.deepEqual(readPieces(bytes, cuts).map(plain), sent.map(plain));
    }),
  );
});

test('byte by byte, a frame that is longer than the reader first makes room for', () => {
  const sent = frame(1, KINDS.message, 5, Buffer.alloc(20_000, 'x'));
  assert.deepEqual(readPieces(encodeFrame(sent), [1]).map(plain), [plain(sent)]);
});

test('the head is as its module says', () => {
  const bytes = encodeFrame(frame(0x0102, 3, 0x04_0506_0708_09, Buffer.of(0xaa), 0x0b0c0d0e));
  assert.equal(bytes.toString('hex'), '0000000f' + '0102' + '03' + '00' + '040506070809' + '0b0c0d0e' + 'aa');
  assert.equal(frameBytes(frame(1, 1, 1, Buffer.of(1))), HEAD_BYTES + 1);
});

test('any bytes are frames or a FrameError, and never more is held than came', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 10 }), (chunks) => {
      let came = 0;
      const reader = makeFrameReader((one) => assert(one.payload.length <= 64), 64);
      try {
        for (const chunk of chunks) {
          came += chunk.length;
          reader.push(chunk);
          assert(reader.held() <= came);
          assert(reader.held() < 64 + HEAD_BYTES);
        }
      } catch (error) {
        assert(error instanceof FrameError, String(error));
      }
    }),
  );
});

test('the longest payload is taken, one byte more is refused by its head alone', () => {
  const max = 1_000;
  assert.equal(readPieces(encodeFrame(frame(1, 1, 1, Buffer.alloc(max))), [7], max).length, 1);
  const longer = encodeFrame(frame(1, 1, 1, Buffer.alloc(max + 1)));
  assert.throws(() => readPieces(longer.subarray(0, 4), [4], max), FrameError);
  assert.throws(() => readPieces(longer.subarray(0, 4), [1], max), FrameError);
});

test('a length shorter than a head is refused', () => {
  for (let length = 0; length < HEAD_BYTES - 4; length++) {
    const bytes = Buffer.alloc(40);
    bytes.writeUInt32BE(length);
    assert.throws(() => readPieces(bytes, [40]), FrameError, `length ${length}`);
  }
});

test('what is announced takes no memory before it comes', () => {
  const before = process.memoryUsage().arrayBuffers;
  const readers = Array.from({ length: 20 }, () => makeFrameReader(() => {}));
  for (const reader of readers) {
    const head = Buffer.alloc(100);
    head.writeUInt32BE(60 * 1024 * 1024);
    reader.push(head);
  }
  assert(process.memoryUsage().arrayBuffers - before < 1024 * 1024);
  for (const reader of readers) assert.equal(reader.held(), 100);
});
