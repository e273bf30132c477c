/**
 * Work that must be done sooner or later: tried again until it is, or until nobody wants it any more.
 *
 * @module
 */
import type { Clock } from '../model/clock.ts';
import { PREPARE_RETRY_MS } from '../model/limits.ts';

export interface TryOptions {
  readonly clock: Clock;
  /** Told each time it failed. */
  fault(what: string, error: unknown): void;
}

/** True: it is done. False: `signal` was aborted before; what it then still does is no longer waited for. */
export async function tryUntilDone(
  { clock, fault }: TryOptions,
  what: string,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<unknown>,
): Promise<boolean> {
  while (!signal.aborted) {
    try {
      await work(signal);
      return !signal.aborted;
    } catch (error) {
      if (signal.aborted) return false;
      fault(what, error);
    }
    await new Promise<void>((resolve) => {
      clock.after(resolve, PREPARE_RETRY_MS);
    });
  }
  return false;
}
