import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type TtlWish, ttlOf } from '../../../src/auth/token/ttl.ts';
import type { CodedError } from '../../../src/model/errors.ts';

const DAY = 86_400;
const wish = (given: Partial<TtlWish>): TtlWish => ({
  increment: 0,
  ttl: 0,
  period: 0,
  explicitMaxTtl: 0,
  defaultTtl: DAY,
  maxTtl: 32 * DAY,
  startMs: 1_000_000,
  nowMs: 1_000_000,
  ...given,
});

const seconds = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 60 * DAY }));
const anyWish: fc.Arbitrary<TtlWish> = fc
  .record({
    increment: seconds,
    ttl: seconds,
    period: seconds,
    explicitMaxTtl: seconds,
    defaultTtl: fc.integer({ min: 1, max: 32 * DAY }),
    maxTtl: fc.integer({ min: 1, max: 32 * DAY }),
    ageMs: fc.integer({ min: 0, max: 40 * DAY * 1_000 }),
  })
  .map(({ ageMs, ...given }) => wish({ ...given, nowMs: 1_000_000 + ageMs }));

describe('ttlOf', () => {
  test('never ends later than it may, and is whole seconds', () => {
    fc.assert(
      fc.property(anyWish, (given) => {
        let ttl: number;
        try {
          ({ ttl } = ttlOf(given));
        } catch (error) {
          assert.equal((error as CodedError).code, 'bad_request');
          // Refused only at the end of the longest life.
          const longest = Math.min(given.maxTtl, given.explicitMaxTtl || Number.POSITIVE_INFINITY);
          assert(given.nowMs + 1_000 > given.startMs + longest * 1_000);
          assert(given.period === 0 || given.explicitMaxTtl > 0, 'a period has no end of its own');
          return;
        }
        assert(Number.isInteger(ttl) && ttl > 0, `${ttl}`);
        const endMs = given.nowMs + ttl * 1_000;
        if (given.explicitMaxTtl > 0) assert(endMs <= given.startMs + given.explicitMaxTtl * 1_000);
        if (given.period === 0) assert(endMs <= given.startMs + given.maxTtl * 1_000);
        else assert(ttl <= Math.min(given.period, given.maxTtl));
      }),
      { numRuns: 2_000 },
    );
  });

  test('warns exactly where it gives less than was asked for', () => {
    fc.assert(
      fc.property(anyWish, (given) => {
        const asked = given.period || given.increment || given.ttl || given.defaultTtl;
        let result: { ttl: number; warnings: string[] };
        try {
          result = ttlOf(given);
        } catch {
          return;
        }
        assert.equal(result.warnings.length > 0, result.ttl < asked);
      }),
      { numRuns: 2_000 },
    );
  });

  for (const [what, given, ttl, warning] of [
    ['the default', {}, DAY, undefined],
    ['what was asked for', { ttl: 90 }, 90, undefined],
    ['an increment before the ttl', { ttl: 90, increment: 30 }, 30, undefined],
    ['the period, however old', { period: 60, nowMs: 1e13 }, 60, undefined],
    [
      'no more than the mount allows',
      { ttl: 40 * DAY },
      32 * DAY,
      'TTL of "960h" exceeded the effective max_ttl of "768h"; TTL value is capped accordingly',
    ],
    [
      'no more than the explicit maximum',
      { ttl: 5_400, explicitMaxTtl: 3_601 },
      3_601,
      'TTL of "1h30m" exceeded the effective max_ttl of "1h0m1s"; TTL value is capped accordingly',
    ],
    [
      'a period no longer than the mount allows',
      { period: 33 * DAY },
      32 * DAY,
      'period of "792h" exceeded the effective max_ttl of "768h"; period value is capped accordingly',
    ],
  ] as const) {
    test(`gives ${what}`, () => {
      const result = ttlOf(wish(given));
      assert.equal(result.ttl, ttl);
      assert.deepEqual(result.warnings, warning === undefined ? [] : [warning]);
    });
  }

  test('nothing past the longest life', () => {
    const late = wish({ nowMs: 1_000_000 + 32 * DAY * 1_000 });
    assert.throws(() => ttlOf(late), /past the max TTL, cannot renew/);
  });
});
