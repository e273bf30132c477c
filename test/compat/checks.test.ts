/** @module The list of exceptions stays honest. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyExceptions, type Check } from './checks.ts';

const failed = (name: string): Check => ({ name, outcome: 'failed', detail: 'why' });
const outcomes = (checks: Check[]) => checks.map(({ name, outcome }) => `${name} ${outcome}`);

test('a failure that is excepted is no failure, and carries the reason', () => {
  const [check] = applyExceptions([failed('a')], [{ test: 'a', reason: 'not yet' }]);
  assert.deepEqual(check, { name: 'a', outcome: 'excepted', detail: 'not yet' });
});

test('a test that passes although it is excepted fails the run', () => {
  const checks = applyExceptions([{ name: 'a', outcome: 'passed' }], [{ test: 'a', reason: 'not yet' }]);
  assert.deepEqual(outcomes(checks), ['a failed']);
});

test('an exception for a test that is not there fails the run', () => {
  assert.deepEqual(outcomes(applyExceptions([], [{ test: 'a', reason: 'not yet' }])), ['a failed']);
});

test('a star covers all that begins alike, and nothing else', () => {
  const checks = applyExceptions(
    [failed('a::x'), failed('a::y'), failed('b')],
    [{ test: 'a::*', reason: 'not yet' }],
  );
  assert.deepEqual(outcomes(checks), ['a::x excepted', 'a::y excepted', 'b failed']);
});

test('a skipped test neither fails nor makes its exception stale', () => {
  const checks = applyExceptions([{ name: 'a', outcome: 'skipped' }], [{ test: 'a', reason: 'not yet' }]);
  assert.deepEqual(outcomes(checks), ['a skipped']);
});
