/**
 * Cluster time (protocol §14): what tokens, leases and timers go by. It begins with the highest time that a member's record shows, or with the
 * wall clock where there is no member, and from then on follows the monotonic clock: a wall clock that steps changes nothing. Who comes back
 * takes the members' time too, though its own may have run ahead meanwhile: what they have let begin must not end before its time at a node that
 * was away.
 *
 * @module
 */
import type { Clock } from '../model/clock.ts';
import { SKEW_MS } from '../model/limits.ts';

export interface ClusterTimeOptions {
  readonly clock: Clock;
  /** For the log: a clock differs by more than SKEW_MS. Once for each time that it begins to. */
  alarm(text: string): void;
}

export interface ClusterTime {
  /** ms. Never steps back, but at a `join`. */
  now(): number;
  /** It was so late already, by a record that may be of one who is dead. */
  passed(times: Iterable<number>): void;
  /** This node becomes a member: the times of the others, as their records show them. None: it goes on by its own. */
  join(times: Iterable<number>): void;
  /** A member's record shows this time. */
  see(timeMs: number): void;
  /** Looks at the wall clock. */
  check(): void;
}

export function makeClusterTime({ clock, alarm }: ClusterTimeOptions): ClusterTime {
  /** Cluster time at monotonic 0. */
  let offsetMs = clock.wallMs() - clock.monotonicMs();
  const isOff = { peer: false, wall: false };
  const now = () => offsetMs + clock.monotonicMs();

  function begin(nowMs: number): void {
    offsetMs = nowMs - clock.monotonicMs();
  }

  function look(which: 'peer' | 'wall', off: boolean, text: string): void {
    if (off && !isOff[which]) alarm(text);
    isOff[which] = off;
  }

  return {
    now: () => Math.floor(now()),
    passed: (times) => begin(Math.max(now(), ...times)),
    join(times) {
      const highest = Math.max(...times);
      if (highest !== Number.NEGATIVE_INFINITY) begin(highest);
    },
    see(timeMs) {
      const aheadMs = timeMs - now();
      if (aheadMs > 0 && aheadMs <= SKEW_MS) offsetMs += aheadMs;
      look('peer', aheadMs > SKEW_MS, `another node's time is ${Math.round(aheadMs)} ms ahead of this one's`);
    },
    check() {
      const offMs = Math.round(clock.wallMs() - now());
      look(
        'wall',
        Math.abs(offMs) > SKEW_MS,
        `the wall clock is ${offMs} ms away from the time of the cluster`,
      );
    },
  };
}
