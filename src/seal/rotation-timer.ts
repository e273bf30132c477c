/**
 * Looks now and then whether the barrier's data key is due.
 *
 * @module
 */
import type { Clock } from '../model/clock.ts';
import { ROTATION_LOOK_MS } from '../model/limits.ts';

export interface RotationTimer {
  start(): void;
  stop(): Promise<void>;
}

export function makeRotationTimer(options: {
  readonly clock: Pick<Clock, 'after'>;
  rotateIfDue(): Promise<void>;
  fault(what: string, error: unknown): void;
}): RotationTimer {
  let timer: { clear(): void } | undefined;
  let looking: Promise<void> | undefined;

  function plan(): void {
    timer = options.clock.after(() => {
      looking = options
        .rotateIfDue()
        .catch((error: unknown) => options.fault('the rotation of the data key', error))
        .finally(() => {
          looking = undefined;
          if (timer) plan();
        });
    }, ROTATION_LOOK_MS);
  }

  return {
    start: plan,
    async stop() {
      timer?.clear();
      timer = undefined;
      await looking;
    },
  };
}
