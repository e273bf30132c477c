/**
 * Requests at a node that is out of time: they wait a while for it to be in time again (protocol §2).
 *
 * @module
 */
import type { Clock } from '../model/clock.ts';

export interface Hold {
  /** True as soon as `isGood` is, false after HOLD. */
  wait(): Promise<boolean>;
  /** To be called when `isGood` may have become true. */
  look(): void;
}

export function makeHold(clock: Clock, holdMs: number, isGood: () => boolean): Hold {
  const waiting = new Set<(good: boolean) => void>();
  return {
    wait() {
      if (isGood()) return Promise.resolve(true);
      return new Promise((resolve) => {
        const timer = clock.after(() => end(false), holdMs);
        const end = (good: boolean): void => {
          timer.clear();
          waiting.delete(end);
          resolve(good);
        };
        waiting.add(end);
      });
    },
    look() {
      if (waiting.size > 0 && isGood()) for (const end of waiting) end(true);
    },
  };
}
