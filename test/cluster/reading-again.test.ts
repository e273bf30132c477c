import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeReadingAgain } from '../../src/cluster/reading-again.ts';
import { CodedError } from '../../src/model/errors.ts';
import { PREPARE_MS, READ_AGAIN_MS, READ_FAILED_PAUSE_MS } from '../../src/model/limits.ts';
import { type Storage, StorageFailed, type Stored } from '../../src/model/storage.ts';
import { makeManualClock } from '../support/manual-clock.ts';

const STORED: Stored = { value: Uint8Array.of(1), version: 7 };
const FAILED = new StorageFailed('the store did not answer', false);

/** A store whose answers the test gives. */
function make() {
  const clock = makeManualClock();
  const asked: PromiseWithResolvers<Stored | undefined>[] = [];
  const store = {
    get() {
      asked.push(Promise.withResolvers());
      return asked.at(-1)!.promise;
    },
  };
  const storage = makeReadingAgain(store as Partial<Storage> as Storage, clock);
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
  const fails = (at: number, error: Error = FAILED) => {
    asked[at]!.reject(error);
    return turn();
  };
  return { clock, asked, storage, fails };
}

test('what is answered soon is asked for once', async () => {
  const { clock, asked, storage } = make();
  const reading = storage.get('a');
  asked[0]!.resolve(STORED);
  assert.equal(await reading, STORED);
  assert.equal(clock.pending(), 0);
  clock.advance(10 * PREPARE_MS);
  assert.equal(asked.length, 1);
});

test('what is not answered is asked for again, ever more rarely; the first answer counts, and nothing is asked after it', async () => {
  const { clock, asked, storage, fails } = make();
  const reading = storage.get('a');
  clock.advance(READ_AGAIN_MS - 1);
  assert.equal(asked.length, 1);
  clock.advance(1);
  assert.equal(asked.length, 2);
  clock.advance(READ_AGAIN_MS);
  assert.equal(asked.length, 2);
  clock.advance(READ_AGAIN_MS);
  assert.equal(asked.length, 3);
  asked[1]!.resolve(STORED);
  assert.equal(await reading, STORED);
  assert.equal(clock.pending(), 0);
  await fails(0);
  assert.equal(clock.pending(), 0);
});

test('a failure is asked for again after a pause, beside nothing that is still under way', async () => {
  const { clock, asked, storage, fails } = make();
  const reading = storage.get('a');
  await fails(0);
  assert.equal(asked.length, 1);
  clock.advance(READ_FAILED_PAUSE_MS);
  assert.equal(asked.length, 2);
  clock.advance(2 * READ_AGAIN_MS);
  assert.equal(asked.length, 3);
  await fails(1);
  clock.advance(READ_FAILED_PAUSE_MS);
  assert.equal(asked.length, 3);
  asked[2]!.resolve(undefined);
  assert.equal(await reading, undefined);
});

test('nothing is asked for when a proposal would have run out; then the last failure is told', async () => {
  const { clock, asked, storage, fails } = make();
  const reading = storage.get('a');
  let failed: unknown;
  reading.catch((error: unknown) => {
    failed = error;
  });
  clock.advance(2 * PREPARE_MS);
  const { length } = asked;
  assert(length >= 4 && length <= 6, `${length} questions`);
  for (let at = 0; at < length - 1; at++) await fails(at);
  assert.equal(failed, undefined);
  await fails(length - 1);
  assert.equal(failed, FAILED);
  assert.equal(clock.pending(), 0);
  assert.equal(asked.length, length);
});

test('what fails for another reason than the store, or is not wanted any more, is told at once', async () => {
  for (const { error, signal } of [
    { error: new CodedError('sealed'), signal: undefined },
    { error: FAILED, signal: AbortSignal.abort() },
  ]) {
    const { clock, storage, fails } = make();
    const reading = storage.get('a', signal);
    reading.catch(() => {});
    await fails(0, error);
    await assert.rejects(reading, error);
    assert.equal(clock.pending(), 0);
  }
});
