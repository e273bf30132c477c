import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  formatDuration,
  humanDuration,
  parseDuration,
  ttlToWire,
  wholeSeconds,
} from '../../src/cli/duration.ts';

/** As Go's time.Duration.String() printed them. */
const PRINTED: [bigint, string][] = [
  [0n, '0s'],
  [1n, '1ns'],
  [999n, '999ns'],
  [1_000n, '1µs'],
  [1_500n, '1.5µs'],
  [1_000_000n, '1ms'],
  [1_500_000n, '1.5ms'],
  [1_000_000_000n, '1s'],
  [1_500_000_000n, '1.5s'],
  [60_000_000_000n, '1m0s'],
  [61_000_000_000n, '1m1s'],
  [3_600_000_000_000n, '1h0m0s'],
  [3_661_500_000_000n, '1h1m1.5s'],
  [-5_000_000_000n, '-5s'],
  [2_764_800_000_000_000n, '768h0m0s'],
];

test('durations print as Go prints them', () => {
  for (const [ns, text] of PRINTED) assert.equal(formatDuration(ns), text);
});

test('what is printed is read back', () => {
  fc.assert(
    fc.property(fc.bigInt(-(2n ** 62n), 2n ** 62n), (ns) => parseDuration(formatDuration(ns)) === ns),
  );
});

test("bare numbers are seconds, d is a day, and Go's forms are themselves", () => {
  assert.equal(parseDuration('90'), 90_000_000_000n);
  assert.equal(parseDuration('-1'), -1_000_000_000n);
  assert.equal(parseDuration('2d'), 172_800_000_000_000n);
  assert.equal(parseDuration('1.5h'), 5_400_000_000_000n);
  assert.equal(parseDuration('.5s'), 500_000_000n);
  assert.equal(parseDuration('1.s'), 1_000_000_000n);
  assert.equal(parseDuration('1us'), 1_000n);
  assert.equal(parseDuration(''), 0n);
});

test("what is no duration is refused in Go's words", () => {
  const refusals: [string, string][] = [
    ['1h1', 'time: missing unit in duration "1h1"'],
    ['1x', 'time: unknown unit "x" in duration "1x"'],
    ['h', 'time: invalid duration "h"'],
    ['soon', 'time: invalid duration "soon"'],
    ['-', 'time: invalid duration "-"'],
    ['9223372036854775808s', 'time: invalid duration "9223372036854775808s"'],
  ];
  for (const [text, message] of refusals) assert.throws(() => parseDuration(text), { message });
});

test('any text is a duration or an error', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      try {
        assert.equal(typeof parseDuration(text), 'bigint');
      } catch (error) {
        assert.match((error as Error).message, /^time: /);
      }
    }),
  );
});

test('tables show durations without zeros', () => {
  const shown: [bigint, string][] = [
    [0n, '0s'],
    [45n, '45s'],
    [60n, '1m'],
    [3_600n, '1h'],
    [5_400n, '1h30m'],
    [2_764_800n, '768h'],
    [3_601n, '1h1s'],
  ];
  for (const [seconds, text] of shown) assert.equal(humanDuration(seconds), text);
});

test('increments are whole seconds, TTLs on the wire are nothing, "system" or a duration', () => {
  assert.equal(wholeSeconds(999_999_999n), 0);
  assert.equal(wholeSeconds(1_999_999_999n), 1);
  assert.equal(ttlToWire(0n), '');
  assert.equal(ttlToWire(-1n), 'system');
  assert.equal(ttlToWire(3_600_000_000_000n), '1h0m0s');
});
