import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeRateLimiter } from '../../src/pipeline/rate-limiter.ts';

const RULES = { rate: 2, intervalMs: 1_000, blockMs: 0 };

test('so many in each window, which begins with the first; each client has its own', () => {
  const limiter = makeRateLimiter(10);
  const take = (key: string, nowMs: number) => limiter.take(key, RULES, nowMs).allowed;
  assert.deepEqual([take('a', 0), take('a', 900), take('a', 999)], [true, true, false]);
  assert.equal(take('b', 999), true);
  assert.deepEqual([take('a', 1_000), take('a', 1_999), take('a', 1_999)], [true, true, false]);
});

test('what is left, and until when', () => {
  const limiter = makeRateLimiter(10);
  assert.deepEqual(limiter.take('a', RULES, 0), { allowed: true, limit: 2, left: 1, resetMs: 1_000 });
  assert.deepEqual(limiter.take('a', RULES, 400), { allowed: true, limit: 2, left: 0, resetMs: 600 });
  assert.deepEqual(limiter.take('a', RULES, 500), { allowed: false, limit: 2, left: 0, resetMs: 500 });
});

test('who asked too often is refused as long as is said, however often it asks meanwhile', () => {
  const limiter = makeRateLimiter(10);
  const rules = { rate: 1, intervalMs: 10, blockMs: 1_000 };
  const take = (nowMs: number) => limiter.take('a', rules, nowMs).allowed;
  assert.deepEqual(
    [take(0), take(5), take(500), take(1_004), take(1_005)],
    [true, false, false, false, true],
  );
});

test('less than one in an interval is one in a longer one', () => {
  const limiter = makeRateLimiter(10);
  const take = (nowMs: number) => limiter.take('a', { ...RULES, rate: 0.5 }, nowMs).allowed;
  assert.deepEqual([take(0), take(1_999), take(2_000)], [true, false, true]);
});

test('of more clients than are kept the first is forgotten', () => {
  const limiter = makeRateLimiter(2);
  const rules = { ...RULES, rate: 1 };
  for (const key of ['a', 'b', 'c']) limiter.take(key, rules, 0);
  assert.equal(limiter.take('c', rules, 1).allowed, false);
  assert.equal(limiter.take('a', rules, 1).allowed, true);
});
