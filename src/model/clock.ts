/**
 * Time as it is handed in to whatever decides by it, so that the simulator can hand in another.
 *
 * @module
 */

export interface Clock {
  /** ms, never steps back. */
  monotonicMs(): number;
  wallMs(): number;
  /** Runs `run` once, `ms` from now by the monotonic clock, or later. */
  after(run: () => void, ms: number): { clear(): void };
}
