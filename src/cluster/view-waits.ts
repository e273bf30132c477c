/**
 * Waiting for the view to change, for as long as it is worth while.
 *
 * @module
 */
import type { Clock } from '../model/clock.ts';

export interface ViewWaits {
  /** Resolves with the next view record, or after `ms`. */
  next(ms: number): Promise<void>;
  /** Resolves when `is` holds, looked at with each view record; or after `ms`. */
  until(is: () => boolean, ms: number): Promise<void>;
  /** A newer view record has come. */
  onView(): void;
}

export function makeViewWaits(clock: Clock): ViewWaits {
  const waiting = new Set<() => void>();

  function wait(isDone: () => boolean, ms: number): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        waiting.delete(look);
        timer.clear();
        resolve();
      };
      const look = (): void => {
        if (isDone()) end();
      };
      const timer = clock.after(end, ms);
      waiting.add(look);
    });
  }

  return {
    next: (ms) => wait(() => true, ms),
    until: (is, ms) => (is() ? Promise.resolve() : wait(is, ms)),
    onView() {
      for (const look of [...waiting]) look();
    },
  };
}
