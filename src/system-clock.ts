/**
 * The machine's own time.
 *
 * @module
 */
import type { Clock } from './model/clock.ts';

export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  after(run, ms) {
    const timer = setTimeout(run, Math.max(0, ms));
    return { clear: () => clearTimeout(timer) };
  },
};
