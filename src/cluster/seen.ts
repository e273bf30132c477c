/**
 * What one node has seen of the coordinator's records: the newest view, the others' records, and for how long each has stood still. Answers may
 * pass each other on the way; nothing older ever replaces what is newer.
 *
 * @module
 */
import type { Clock } from '../model/clock.ts';
import type { CoordinatorRecords, ProcessLocks } from '../model/coordinator.ts';
import { FAULT, type Faults } from './faults.ts';
import { makeSightings, type Sightings } from './sightings.ts';
import type { MembershipTimes } from './times.ts';
import { type HeldView, newerView, VIEW_KEY } from './view.ts';

export interface SeenOptions {
  readonly clock: Clock;
  readonly times: MembershipTimes;
  readonly locks: ProcessLocks | undefined;
  readonly faults?: Faults;
  /** Since when this node has been in time without a break. */
  inTimeSinceMs(): number;
}

export interface Seen {
  readonly sightings: Sightings;
  held(): HeldView | undefined;
  /**
   * Takes in an answer. `before` and `after` are the same view where there is no newer one; `after` is undefined where the view is gone.
   * @param look - number of the question.
   * @throws BadRecord where the view cannot be read: the answer then shows nothing.
   */
  observe(
    records: CoordinatorRecords,
    look: number,
  ): { readonly before: HeldView | undefined; readonly after: HeldView | undefined };
  /** Since when each answer showed no view. */
  noViewSinceMs(): number | undefined;
  /** When the pending proposal was first seen. */
  pendingSinceMs(): number;
  /** Since when the members' records have named the same members as unreachable. */
  complaintsSinceMs(): number;
  /**
   * For how long the record of `inc`, or its absence, has been seen unchanged, while this node was in time without a break and the
   * coordinator answered it.
   */
  silenceMs(inc: string): number;
  /** Proof that its process is gone. */
  isDead(inc: string): boolean;
  /** It beats, as far as can be said: its record is there, not silent for W, its process not proven dead. */
  isAlive(inc: string): boolean;
  /** It was heard lately: half of W. */
  isBeating(inc: string): boolean;
}

export function makeSeen({ clock, times, locks, faults, inTimeSinceMs }: SeenOptions): Seen {
  const sightings = makeSightings();
  const countsOn = faults?.has(FAULT.countNotRestarted) === true;
  let held: HeldView | undefined;
  let noViewSince: number | undefined;
  /** The last question that showed a view. */
  let viewLook = 0;
  let pending = { number: 0, ms: 0 };
  let complaints = { said: '', ms: 0 };
  /** When the coordinator last answered, and for how long altogether it had not when it should have. */
  let answeredAt = 0;
  let unanswered = 0;

  /** While the coordinator does not answer this node it may not answer others either: their silence then is no sign. */
  function unansweredMs(now: number): number {
    const gap = now - answeredAt;
    return !countsOn && gap > 1.5 * times.beatMs ? unanswered + gap : unanswered;
  }

  /** What `held` is now. */
  function newest(records: CoordinatorRecords, look: number, now: number): HeldView | undefined {
    const record = records.get(VIEW_KEY);
    if (record) {
      const newer = newerView(held, record, faults);
      viewLook = Math.max(viewLook, look);
      noViewSince = undefined;
      return newer;
    }
    // An answer that was overtaken may be older than the view.
    if (look < viewLook) return held;
    noViewSince ??= now;
    return undefined;
  }

  function silenceMs(inc: string): number {
    const sighting = sightings.get(inc);
    if (!sighting) return 0;
    const now = clock.monotonicMs();
    const inTime = now - (countsOn ? 0 : inTimeSinceMs());
    return Math.max(0, Math.min(now - unansweredMs(now) - sighting.sinceMs, inTime));
  }

  // Not asked of those who beat: it opens a file.
  const isDead = (inc: string): boolean => silenceMs(inc) > times.beatMs && locks?.isDead(inc) === true;
  const isThere = (inc: string): boolean => (sightings.get(inc)?.version ?? 0) !== 0;

  return {
    sightings,
    held: () => held,
    observe(records, look) {
      const now = clock.monotonicMs();
      const before = held;
      const after = newest(records, look, now);
      held = after;
      unanswered = unansweredMs(now);
      answeredAt = now;
      const members = after?.view.members.map(({ inc }) => inc) ?? [];
      sightings.observe(records, members, now - unanswered, look);
      const said = members.map((inc) => sightings.get(inc)?.record?.unreachable.join()).join(';');
      if (said !== complaints.said) complaints = { said, ms: now };
      const number = after?.view.next?.number;
      if (number !== undefined && number !== pending.number) pending = { number, ms: now };
      return { before, after };
    },
    noViewSinceMs: () => noViewSince,
    pendingSinceMs: () => pending.ms,
    complaintsSinceMs: () => complaints.ms,
    silenceMs,
    isDead,
    isAlive: (inc) => isThere(inc) && silenceMs(inc) < times.silenceMs && !isDead(inc),
    isBeating: (inc) => isThere(inc) && silenceMs(inc) < times.silenceMs / 2,
  };
}
