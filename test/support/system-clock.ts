/**
 * The machine's own time, for tests of parts that are handed a clock.
 *
 * @module
 */
import type { Clock } from '../../src/model/clock.ts';

export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  after(run, ms) {
    const timer = setTimeout(run, ms);
    return { clear: () => clearTimeout(timer) };
  },
};
