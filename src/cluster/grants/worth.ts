/**
 * Whether replicas of often changed actors are worth their ends. Each costs the next change a round trip, and a whole term where its holder has
 * died; so a holder gets one once it has read the actor a few times since the last change. One that a change ended before it was read as often
 * saved less than it cost: its holder gets the next one later, and later still if that was no better.
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
  /** It is being changed, or loaded, and then nobody knows when it was changed last. */
  changed(key: string): void;
  /** A change ended this grant. @param reads - of its replica; undefined: the holder did not say. */
  ended(holder: string, key: string, reads: number | undefined): void;
  /**
   * For how long this holder is not granted it, ms; 0: it may be.
   * @param spanMs - within which it read it often enough.
   */
  coldMs(holder: string, key: string, spanMs: number): number;
}

interface Cold {
  readonly untilMs: number;
  readonly pauseMs: number;
}

/** @param coldMs - of the first pause; 0: everything is worth it. */
export function makeWorth(clock: Clock, coldMs = GRANT_COLD_MS): Worth {
  const colds = makeRecent<Cold>(GRANTS_COLD_MAX);
  const changes = makeRecent<number>(GRANTS_COLD_MAX);

  return {
    changed(key) {
      if (coldMs > 0) changes.set(key, clock.monotonicMs());
    },
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
    coldMs(holder, key, spanMs) {
      const changedMs = changes.get(key) ?? Number.NEGATIVE_INFINITY;
      const untilMs = colds.get(`${holder} ${key}`)?.untilMs ?? Number.NEGATIVE_INFINITY;
      return Math.max(0, Math.max(changedMs + spanMs, untilMs) - clock.monotonicMs());
    },
  };
}
