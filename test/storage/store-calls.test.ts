import assert from 'node:assert/strict';
import { test } from 'node:test';
import { STORAGE_WAITING_MAX, STORE_STALL_MS } from '../../src/model/limits.ts';
import { CallFailed, deadline, makeFailover } from '../../src/storage/store-calls.ts';
import { makeManualClock } from '../support/manual-clock.ts';

const three = ['http://a', 'http://b', 'http://c'];

test('what may be repeated shares its time among the endpoints; what may not has all of it', async () => {
  const clock = makeManualClock();
  const { run } = makeFailover({ endpoints: three, clock, callMs: 900 });
  const asked: [number, number][] = [];
  const silent = async (endpoint: number, ms: number) => {
    asked.push([endpoint, ms]);
    clock.advance(ms);
    throw new CallFailed('unknown', 'silent');
  };
  await assert.rejects(run({ repeatable: true }, silent), { kind: 'unknown' });
  assert.deepEqual(asked, [
    [0, 300],
    [1, 300],
    [2, 300],
  ]);
  asked.length = 0;
  await assert.rejects(run({ deadlineMs: 500 }, silent), { kind: 'unknown' });
  assert.deepEqual(asked, [[0, 500]]);
});

test('a refusal that does not pass is final, and the endpoint stays the one to ask', async () => {
  const { run } = makeFailover({ endpoints: three, clock: makeManualClock() });
  const asked: number[] = [];
  const refuse = async (endpoint: number) => {
    asked.push(endpoint);
    throw new CallFailed('refused', 'no');
  };
  for (let call = 0; call < 2; call++)
    await assert.rejects(run({ repeatable: true }, refuse), { kind: 'refused' });
  assert.deepEqual(asked, [0, 0]);
});

test('calls at once are bounded', async () => {
  const { run, running } = makeFailover({ endpoints: three, clock: makeManualClock() });
  let go = () => {};
  const gate = new Promise<void>((resolve) => {
    go = resolve;
  });
  const calls = Array.from({ length: STORAGE_WAITING_MAX }, () => run({}, () => gate));
  assert.equal(running(), STORAGE_WAITING_MAX);
  await assert.rejects(
    run({}, () => gate),
    { name: 'CodedError', code: 'overloaded' },
  );
  go();
  await Promise.all(calls);
  assert.equal(running(), 0);
});

test('a deadline that a stall of ours missed leaves the answer a moment more', () => {
  const clock = makeManualClock();
  let expired = 0;
  const expire = () => {
    expired++;
  };
  deadline(clock, 50, expire);
  clock.advance(50);
  assert.equal(expired, 1);
  // A stalled process runs its timers late.
  let now = 0;
  const timers: { run: () => void; ms: number }[] = [];
  const stalled = {
    ...clock,
    monotonicMs: () => now,
    after(run: () => void, ms: number) {
      timers.push({ run, ms });
      return { clear() {} };
    },
  };
  deadline(stalled, 50, expire);
  now = 5_000;
  timers[0]!.run();
  assert.equal(expired, 1);
  assert.equal(timers[1]!.ms, STORE_STALL_MS);
  timers[1]!.run();
  assert.equal(expired, 2);
});
