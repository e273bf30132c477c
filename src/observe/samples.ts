/**
 * Durations, summed up cheaply: about 0.1 us each, a few kilobytes for each name. Counts and sums are of all time; minimum,
 * maximum and quantiles are of the last ten to twenty seconds, as Vault's are.
 *
 * @module
 */

export const WINDOW_MS = 10_000;

/** Eight buckets for each doubling, from 2^-10 ms: a quantile is right within 5 %. */
const BUCKETS_PER_DOUBLING = 8;
const FIRST_EXPONENT = -10;
const BUCKETS = BUCKETS_PER_DOUBLING * 32;

/** What was seen in one span of time. */
interface Window {
  count: number;
  sum: number;
  squares: number;
  min: number;
  max: number;
  readonly buckets: Uint32Array;
}

export interface WindowSummary {
  count: number;
  sum: number;
  min: number;
  max: number;
  mean: number;
  stddev: number;
}

export interface Samples {
  /** @param value - milliseconds, or whatever the name says. Negative counts as 0. */
  observe(value: number): void;
  /** Of all time. */
  readonly total: { readonly count: number; readonly sum: number };
  /** Of the window that was current `WINDOW_MS` ago or later; NaN where it is empty. @param q - 0 to 1 */
  quantile(q: number): number;
  /** Of the last whole window; of the current one as long as there was none. */
  summary(): WindowSummary;
}

/** @param now - ms of any steady clock */
export function makeSamples(now: () => number = () => performance.now()): Samples {
  let current = emptyWindow();
  let last = emptyWindow();
  let endsMs = now() + WINDOW_MS;
  const total = { count: 0, sum: 0 };

  function turn(): void {
    const lateMs = now() - endsMs;
    if (lateMs < 0) return;
    last = lateMs < WINDOW_MS ? current : emptyWindow();
    current = emptyWindow();
    endsMs += WINDOW_MS * (1 + Math.floor(lateMs / WINDOW_MS));
  }

  return {
    total,
    observe(value) {
      turn();
      const seen = Math.max(value, 0);
      total.count += 1;
      total.sum += seen;
      current.count += 1;
      current.sum += seen;
      current.squares += seen * seen;
      if (seen < current.min) current.min = seen;
      if (seen > current.max) current.max = seen;
      current.buckets[bucketOf(seen)]! += 1;
    },
    quantile(q) {
      turn();
      const count = current.count + last.count;
      if (count === 0) return Number.NaN;
      const rank = Math.ceil(q * count);
      let passed = 0;
      for (let at = 0; at < BUCKETS; at++) {
        passed += current.buckets[at]! + last.buckets[at]!;
        if (passed >= rank && passed > 0) return clamp(middleOf(at), current, last);
      }
      return Number.NaN;
    },
    summary() {
      turn();
      const { count, sum, squares, min, max } = last.count > 0 ? last : current;
      if (count === 0) return { count: 0, sum: 0, min: 0, max: 0, mean: 0, stddev: 0 };
      const mean = sum / count;
      const stddev = count > 1 ? Math.sqrt(Math.max(0, (squares - sum * mean) / (count - 1))) : 0;
      return { count, sum, min, max, mean, stddev };
    },
  };
}

function emptyWindow(): Window {
  return {
    count: 0,
    sum: 0,
    squares: 0,
    min: Number.POSITIVE_INFINITY,
    max: 0,
    buckets: new Uint32Array(BUCKETS),
  };
}

function bucketOf(value: number): number {
  const at = Math.floor((Math.log2(value) - FIRST_EXPONENT) * BUCKETS_PER_DOUBLING);
  return at < 0 ? 0 : at >= BUCKETS ? BUCKETS - 1 : at;
}

/** The middle of a bucket, on its logarithmic scale. */
function middleOf(bucket: number): number {
  return 2 ** (FIRST_EXPONENT + (bucket + 0.5) / BUCKETS_PER_DOUBLING);
}

/** No quantile lies outside of what was seen. */
function clamp(value: number, a: Window, b: Window): number {
  return Math.min(Math.max(value, Math.min(a.min, b.min)), Math.max(a.max, b.max));
}
