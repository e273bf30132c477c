/**
 * A clock that moves when the test says so.
 *
 * @module
 */
import type { Clock } from '../../src/model/clock.ts';

export interface ManualClock extends Clock {
  /** Moves time on and runs what falls due, in the order of its time. */
  advance(ms: number): void;
  /** Timers that have not run. */
  pending(): number;
}

export function makeManualClock(startMs = 1_000): ManualClock {
  let now = startMs;
  const timers = new Set<{ at: number; run: () => void }>();
  return {
    monotonicMs: () => now,
    wallMs: () => now,
    after(run, ms) {
      const timer = { at: now + ms, run };
      timers.add(timer);
      return { clear: () => void timers.delete(timer) };
    },
    advance(ms) {
      const end = now + ms;
      for (;;) {
        const next = [...timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
        if (!next) break;
        timers.delete(next);
        now = Math.max(now, next.at);
        next.run();
      }
      now = end;
    },
    pending: () => timers.size,
  };
}
