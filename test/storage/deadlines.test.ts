import assert from 'node:assert/strict';
import { test } from 'node:test';
import { STORE_STALL_MS } from '../../src/model/limits.ts';
import { makeDeadlines } from '../../src/storage/deadlines.ts';
import { makeManualClock } from '../support/manual-clock.ts';

function made() {
  const clock = makeManualClock();
  const expired: string[] = [];
  const deadlines = makeDeadlines(clock);
  const after = (ms: number, name: string) => deadlines.after(ms, () => expired.push(name));
  return { clock, deadlines, after, expired };
}

test('each expires when its time is over, in whatever order they were set; those that were cleared do not', () => {
  const { clock, after, expired } = made();
  after(300, 'late');
  const cleared = after(100, 'cleared');
  after(200, 'soon');
  cleared.clear();
  cleared.clear();
  clock.advance(199);
  assert.deepEqual(expired, []);
  clock.advance(1);
  assert.deepEqual(expired, ['soon']);
  after(50, 'set while others wait');
  clock.advance(50);
  assert.deepEqual(expired, ['soon', 'set while others wait']);
  clock.advance(1_000);
  assert.deepEqual(expired, ['soon', 'set while others wait', 'late']);
  assert.equal(clock.pending(), 0);
});

test('many that are set and cleared, one after the other, need one timer', () => {
  const { clock, after, expired } = made();
  let timers = 0;
  const { after: setTimer } = clock;
  Object.assign(clock, {
    after(...given: Parameters<typeof setTimer>) {
      timers++;
      return setTimer(...given);
    },
  });
  for (let n = 0; n < 1_000; n++) {
    const deadline = after(5_000, 'never');
    clock.advance(1);
    deadline.clear();
  }
  assert.equal(timers, 1);
  clock.advance(10_000);
  assert.equal(clock.pending(), 0);
  assert.deepEqual(expired, []);
});

test('one that expires may clear others that are due, and set new ones', () => {
  const { clock, deadlines, after, expired } = made();
  deadlines.after(10, () => {
    other.clear();
    after(10, 'new');
  });
  const other = after(10, 'cleared by the first');
  clock.advance(10);
  assert.deepEqual(expired, []);
  clock.advance(10);
  assert.deepEqual(expired, ['new']);
});

test('after a stall of this process there is a moment more', () => {
  const { clock, expired } = made();
  let stalledMs = 0;
  const deadlines = makeDeadlines({ ...clock, monotonicMs: () => clock.monotonicMs() + stalledMs });
  const answered = deadlines.after(50, () => expired.push('answered meanwhile'));
  deadlines.after(50, () => expired.push('not answered'));
  stalledMs = STORE_STALL_MS;
  clock.advance(50);
  assert.deepEqual(expired, []);
  answered.clear();
  clock.advance(STORE_STALL_MS);
  assert.deepEqual(expired, ['not answered']);
});

test('once it is closed and nothing is pending, no timer holds the process', () => {
  const idle = made();
  idle.after(5_000, 'never').clear();
  assert.equal(idle.clock.pending(), 1);
  idle.deadlines.close();
  assert.equal(idle.clock.pending(), 0);
  const busy = made();
  const deadline = busy.after(5_000, 'never');
  busy.deadlines.close();
  assert.equal(busy.clock.pending(), 1);
  deadline.clear();
  assert.equal(busy.clock.pending(), 0);
});
