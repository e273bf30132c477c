/**
 * Whether replicas of often changed actors are worth their ends: one that a change ended before it was read a few times saved less than it cost,
 * and made the change wait, for a whole term where its holder had died. Its holder gets the next one later, and later still if that
 * was no better.
 *
 * @module
 */
import type { Clock } from '../../model/clock.ts';
import {
  GRANT_COLD_MAX_MS,
  GRANT_COLD_MS,
  GRANTS_COLD_MAX,
  REPLICA_READS_WORTH,
} from '../../model/limits.ts';
import { makeRecent } from './recent.ts';

export interface Worth {
  /** A change ended this grant. @param reads - of its replica; undefined: the holder did not say. */
  ended(holder: string, key: string, reads: number | undefined): void;
  /** For how long this holder is not granted it, ms; 0: it may be. */
  coldMs(holder: string, key: string): number;
}

interface Cold {
  readonly untilMs: number;
  readonly pauseMs: number;
}

/** @param coldMs - of the first pause */
export function makeWorth(clock: Clock, coldMs = GRANT_COLD_MS): Worth {
  const colds = makeRecent<Cold>(GRANTS_COLD_MAX);

  return {
    ended(holder, key, reads = 0) {
      const name = `${holder} ${key}`;
      if (reads >= REPLICA_READS_WORTH) return colds.delete(name);
      const now = clock.monotonicMs();
      const before = colds.get(name);
      // One that had long been over says nothing of today.
      const isAgain = before !== undefined && now < before.untilMs + before.pauseMs;
      const pauseMs = isAgain ? Math.min(2 * before.pauseMs, GRANT_COLD_MAX_MS) : coldMs;
      colds.set(name, { pauseMs, untilMs: now + pauseMs });
    },
    coldMs(holder, key) {
      const cold = colds.get(`${holder} ${key}`);
      return cold ? Math.max(0, cold.untilMs - clock.monotonicMs()) : 0;
    },
  };
}
