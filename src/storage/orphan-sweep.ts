/**
 * Has the store removed, now and then, what large values left behind: chunks of values that were replaced or deleted, and of commits that never
 * came. Safe on several nodes at once; one is enough.
 *
 * @module
 */
import { STORE_ORPHAN_MS, SWEEP_RETRY_MS } from '../model/limits.ts';

export interface OrphanSweepOptions {
  /** One look; it removes what a look of this process STORE_ORPHAN_MS ago found lone, too. @returns how many were removed. */
  sweep(signal: AbortSignal): Promise<number>;
  /** Is it this node's to do, in this turn? */
  isOurs(): boolean;
  /** Runs `run` once after `ms`. */
  after(run: () => void, ms: number): { clear(): void };
  fault(what: string, error: unknown): void;
}

export interface OrphanSweep {
  /** The first look comes at once. */
  start(): void;
  /** What is under way breaks off; the store waits for it when it closes. */
  stop(): void;
}

export function makeOrphanSweep({ sweep, isOurs, after, fault }: OrphanSweepOptions): OrphanSweep {
  let stopping: AbortController | undefined;
  let later: { clear(): void } | undefined;

  /** @returns when the next look is due, ms from its end: what it saw last is to be lone for as long then as what it saw first. */
  async function look(signal: AbortSignal): Promise<number> {
    if (!isOurs()) return SWEEP_RETRY_MS;
    try {
      await sweep(signal);
      return STORE_ORPHAN_MS;
    } catch (error) {
      if (!signal.aborted) fault('the sweep of chunks', error);
      return SWEEP_RETRY_MS;
    }
  }

  function plan(ms: number, signal: AbortSignal): void {
    later = after(async () => {
      const next = await look(signal);
      if (!signal.aborted) plan(next, signal);
    }, ms);
  }

  return {
    start() {
      if (stopping) return;
      stopping = new AbortController();
      plan(0, stopping.signal);
    },
    stop() {
      stopping?.abort();
      stopping = undefined;
      later?.clear();
    },
  };
}
