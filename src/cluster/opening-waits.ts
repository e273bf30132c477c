/**
 * How opening and closing wait: for steps that must not overlap, and for something to become true.
 *
 * @module
 */
import type { Clock } from '../model/clock.ts';

/** Runs `step` after all that were given before, whatever became of them. */
export type Turns = <T>(step: () => Promise<T>) => Promise<T>;

export function makeTurns(): Turns {
  let last: Promise<unknown> = Promise.resolve();
  return (step) => {
    const next = last.then(step, step);
    last = next.catch(() => {});
    return next;
  };
}

export interface Waits {
  /** True as soon as `is`; false after `ms`, or once `isOver`. */
  when(is: () => boolean, ms: number, isOver: () => boolean): Promise<boolean>;
  /** To be called when one of them may have become true. */
  look(): void;
}

export function makeWaits(clock: Clock): Waits {
  const waiting = new Set<() => void>();
  return {
    when(is, ms, isOver) {
      if (is()) return Promise.resolve(true);
      return new Promise((resolve) => {
        const run = (): void => {
          if (is() || isOver()) end();
        };
        const end = (): void => {
          timer.clear();
          waiting.delete(run);
          resolve(is());
        };
        const timer = clock.after(end, ms);
        waiting.add(run);
      });
    },
    look() {
      for (const run of [...waiting]) run();
    },
  };
}

/** True when `done` comes within `ms`, which then keeps no process alive. */
export function within(clock: Clock, ms: number, done: Promise<unknown>): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(() => resolve(false), ms);
    done.then(
      () => {
        timer.clear();
        resolve(true);
      },
      (error: unknown) => {
        timer.clear();
        reject(error);
      },
    );
  });
}
