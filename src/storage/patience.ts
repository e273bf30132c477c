/**
 * Waiting a moment for a store that has just gone away: it restarts, or elects a leader.
 *
 * @module
 */
import type { Clock } from '../model/clock.ts';
import { STORE_RETRY_PAUSE_MS } from '../model/limits.ts';
import { CallFailed } from './store-calls.ts';

/**
 * Runs `act` again while the store has been away for less than the patience, and `act` did not happen or is `repeatable`. A store that
 * stays away is asked once for each call.
 * @throws what `act` threw last; the signal's reason.
 */
export type Patiently = <T>(act: () => Promise<T>, repeatable: boolean, signal?: AbortSignal) => Promise<T>;

export function makePatience(clock: Clock, patienceMs: number): Patiently {
  /** When the store was first found away; undefined while it answers. */
  let awaySince: number | undefined;
  return async (act, repeatable, signal) => {
    for (;;) {
      try {
        const result = await act();
        awaySince = undefined;
        return result;
      } catch (error) {
        if (!(error instanceof CallFailed)) throw error;
        if (!error.passing) {
          awaySince = undefined;
          throw error;
        }
        awaySince ??= clock.monotonicMs();
        if (error.kind === 'unknown' && !repeatable) throw error;
        if (clock.monotonicMs() - awaySince >= patienceMs) throw error;
        await new Promise<void>((resolve) => clock.after(resolve, STORE_RETRY_PAUSE_MS));
        signal?.throwIfAborted();
      }
    }
  };
}
