/**
 * Abort signals that fire by the clock that was handed in, for calls that take a signal.
 *
 * @module
 */
import type { Clock } from '../../model/clock.ts';
import { CodedError } from '../../model/errors.ts';

export interface Deadline {
  readonly signal: AbortSignal;
  /** Rejects with the signal's reason when it fires; never settles otherwise. */
  readonly fired: Promise<never>;
  clear(): void;
}

export interface Deadlines {
  signal(ms: number): Deadline;
}

export function makeDeadlines(clock: Clock): Deadlines {
  return {
    signal(ms) {
      const controller = new AbortController();
      const fired = new Promise<never>((_resolve, reject) => {
        controller.signal.addEventListener('abort', () => reject(controller.signal.reason), { once: true });
      });
      fired.catch(() => {});
      const timer = clock.after(() => controller.abort(new CodedError('deadline')), ms);
      return { signal: controller.signal, fired, clear: () => timer.clear() };
    },
  };
}
