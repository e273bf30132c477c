/**
 * Nodes that come and go: who was evicted, or failed to join, too often has to wait before it is proposed again. Each node counts what
 * it sees the view go through, so that a new keeper knows it, too.
 *
 * An eviction costs clients two seconds of the node's shards. One that ends a life of FLAP_LIFE_MS or more is not counted: that is a node
 * which crashed, or was killed, and was started again, as its operator expects it to be.
 *
 * @module
 */
import {
  FLAP_LIFE_MS,
  FLAP_PAUSE_MAX_MS,
  FLAP_PAUSE_MS,
  FLAP_WINDOW_MS,
  FLAPS_MAX,
  PREPARE_MS,
} from '../model/limits.ts';
import type { Log } from '../model/log.ts';
import type { Sightings } from './sightings.ts';
import { isMember, type View } from './view.ts';

export interface Flaps {
  /** Compares a view with the one before it. @param before - undefined: it is the first one seen. */
  see(before: View | undefined, after: View, sightings: Sightings, nowMs: number): void;
  mayJoin(nodeId: string, nowMs: number): boolean;
  /** Proposals that ran out of time one after the other make the next one wait: each holds up clients until it is over. */
  mayPropose(nowMs: number): boolean;
}

/** @param log - is told of who has to wait, and how long. */
export function makeFlaps(log: Pick<Log, 'warn'>): Flaps {
  const times = new Map<string, number[]>();
  /** Since when each member has been seen as one. */
  let memberSince = new Map<string, number>();
  let proposedAt = 0;
  let cancelled = 0;
  let cancelledAt = Number.NEGATIVE_INFINITY;

  function count(nodeId: string, nowMs: number): void {
    const recent = [...recentOf(nodeId, nowMs), nowMs];
    times.set(nodeId, recent);
    const pauseMs = pauseAfter(recent.length);
    if (pauseMs > 0)
      log.warn('a node came and went too often: it waits before it may join again', {
        node: nodeId,
        pauseMs,
      });
  }

  function recentOf(nodeId: string, nowMs: number): number[] {
    return (times.get(nodeId) ?? []).filter((at) => nowMs - at < FLAP_WINDOW_MS);
  }

  return {
    see(before, after, sightings, nowMs) {
      const since = memberSince;
      memberSince = new Map(after.members.map(({ inc }) => [inc, since.get(inc) ?? nowMs]));
      if (!before) return;
      const isActivation = after.epoch === before.next?.number;
      const isCancel = before.next !== undefined && !after.next && after.epoch === before.epoch;
      if (after.next && after.next.number !== before.next?.number) proposedAt = nowMs;
      if (isActivation) cancelled = 0;
      if (isCancel) {
        // One whose joiner died is given up at once and held up nobody for long.
        if (nowMs - proposedAt > PREPARE_MS / 2) cancelled++;
        cancelledAt = nowMs;
        for (const { inc, nodeId } of before.next!.members) {
          const failed = sightings.get(inc)?.record?.ack !== before.next!.number;
          if (failed && !isMember(before, inc)) count(nodeId, nowMs);
        }
      }
      // A cluster that is sealed has no members: none of them has failed.
      if (isActivation || before.sealed || after.sealed) return;
      for (const { inc, nodeId } of before.members) {
        const isLeaving = sightings.get(inc)?.record?.state === 'leaving';
        const hasLived = nowMs - (since.get(inc) ?? nowMs) >= FLAP_LIFE_MS;
        if (!isLeaving && !hasLived && !isMember(after, inc)) count(nodeId, nowMs);
      }
    },
    mayJoin(nodeId, nowMs) {
      const recent = recentOf(nodeId, nowMs);
      const last = recent.at(-1);
      return last === undefined || nowMs - last >= pauseAfter(recent.length);
    },
    mayPropose(nowMs) {
      if (cancelled === 0) return true;
      return nowMs - cancelledAt >= Math.min(PREPARE_MS * 2 ** (cancelled - 1), FLAP_PAUSE_MAX_MS);
    },
  };
}

/** How long a node waits that has come and gone so often lately, ms. */
function pauseAfter(count: number): number {
  return count < FLAPS_MAX ? 0 : Math.min(FLAP_PAUSE_MS * 2 ** (count - FLAPS_MAX), FLAP_PAUSE_MAX_MS);
}
