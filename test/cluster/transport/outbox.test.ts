import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Stream } from '@libp2p/interface';
import { type Frame, frame, KINDS, makeFrameReader } from '../../../src/cluster/transport/frame.ts';
import { makeOutbox } from '../../../src/cluster/transport/outbox.ts';
import { OUTBOX_WRITE_BYTES_MAX } from '../../../src/model/limits.ts';
import { makeManualClock } from '../../support/manual-clock.ts';

/** A stream that takes writes until it is told not to. */
function fakeStream() {
  const writes: Uint8Array[] = [];
  const frames: Frame[] = [];
  const reader = makeFrameReader((one) => frames.push(one));
  let onDrain = () => {};
  let isFull = false;
  let broken: Error | undefined;
  const stream = {
    writeBufferLength: 0,
    send(bytes: Uint8Array) {
      if (broken) throw broken;
      writes.push(bytes);
      reader.push(bytes);
      return !isFull;
    },
    addEventListener: (_type: string, listener: () => void) => {
      onDrain = listener;
    },
  };
  return {
    stream: stream as unknown as Stream,
    writes,
    frames,
    fill: () => {
      isFull = true;
    },
    drain: () => {
      isFull = false;
      onDrain();
    },
    break: (error: Error) => {
      broken = error;
    },
  };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const message = (id: number, bytes = 10) => frame(1, KINDS.message, id, Buffer.alloc(bytes, id));
const never = () => assert.fail('the stream did not fail');

test('what is put in during one turn leaves as one write', async () => {
  const outbox = makeOutbox(makeManualClock(), never);
  const fake = fakeStream();
  outbox.attach(fake.stream);
  for (let id = 1; id <= 50; id++) outbox.put(message(id));
  await Promise.resolve().then(() => outbox.put(message(51)));
  assert.equal(fake.writes.length, 0);
  await turn();
  assert.equal(fake.writes.length, 1);
  assert.deepEqual(
    fake.frames.map(({ id }) => id),
    Array.from({ length: 51 }, (_, n) => n + 1),
  );
  outbox.put(message(52));
  await turn();
  assert.equal(fake.writes.length, 2);
});

test('a turn with much to say leaves as several writes of bounded size', async () => {
  const outbox = makeOutbox(makeManualClock(), never);
  const fake = fakeStream();
  outbox.attach(fake.stream);
  for (let id = 1; id <= 20; id++) outbox.put(message(id, 100_000));
  await turn();
  assert.equal(fake.frames.length, 20);
  assert.equal(fake.writes.length, 10);
  assert(fake.writes.every(({ length }) => length <= OUTBOX_WRITE_BYTES_MAX));
});

test('before the stream is open messages wait, and are counted', async () => {
  const outbox = makeOutbox(makeManualClock(), never);
  outbox.put(message(1, 5_000));
  await turn();
  assert(outbox.waiting() >= 5_000);
  const fake = fakeStream();
  outbox.attach(fake.stream);
  assert.equal(fake.frames.length, 1);
  assert.equal(outbox.waiting(), 0);
});

test('while the stream takes nothing more, messages wait; it goes on where it stopped', async () => {
  const clock = makeManualClock();
  const outbox = makeOutbox(clock, never);
  const fake = fakeStream();
  outbox.attach(fake.stream);
  fake.fill();
  outbox.put(message(1));
  await turn();
  assert.equal(outbox.stalledSinceMs(), clock.monotonicMs());
  clock.advance(500);
  for (let id = 2; id <= 3_000; id++) outbox.put(message(id, 500));
  await turn();
  assert.equal(fake.frames.length, 1);
  assert.equal(outbox.stalledSinceMs(), clock.monotonicMs() - 500);
  assert(outbox.waiting() > 2_999 * 500);
  // A little at a time, so that what is left is moved up as well.
  while (outbox.waiting() > 0) {
    fake.drain();
    fake.fill();
  }
  fake.drain();
  assert.equal(outbox.stalledSinceMs(), undefined);
  assert.deepEqual(
    fake.frames.map(({ id }) => id),
    Array.from({ length: 3_000 }, (_, n) => n + 1),
  );
});

test('a stream that breaks is told once, an ended outbox takes nothing', async () => {
  const told: string[] = [];
  const outbox = makeOutbox(makeManualClock(), (error) => {
    told.push(error.message);
    outbox.end();
  });
  const fake = fakeStream();
  outbox.attach(fake.stream);
  fake.break(new Error('broken'));
  outbox.put(message(1));
  await turn();
  outbox.put(message(2));
  await turn();
  assert.deepEqual(told, ['broken']);
  assert.equal(outbox.waiting(), 0);
});
