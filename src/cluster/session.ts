/**
 * One life of a node at the coordinator: its own record, the beats that rewrite it, and the deadline up to which it may
 * answer (protocol §2). A beat that was sent at s and taken moves the deadline to s + D, whenever the answer comes; silence ends
 * it. Others evict a node by its silence, and never before that deadline has passed.
 *
 * @module
 */
import type { Clock } from '../model/clock.ts';
import type { Coordinator, CoordinatorRecords } from '../model/coordinator.ts';
import { BEAT_MS, CLOCK_JUMP_MS, COORDINATOR_STEP_MS } from '../model/limits.ts';
import { FAULT, type Faults } from './faults.ts';
import { encodeMember, MEMBERS_PREFIX, type MemberRecord, memberKey } from './member-record.ts';
import type { MembershipTimes } from './times.ts';
import { VIEW_KEY } from './view.ts';

/** Beats under way at once. So many that, with all calls left unanswered until they time out, each round may still send one. */
const BEATS_AT_ONCE = Math.ceil(COORDINATOR_STEP_MS / BEAT_MS) + 1;

export interface SessionOptions {
  readonly inc: string;
  readonly clock: Clock;
  readonly coordinator: Coordinator;
  readonly times: MembershipTimes;
  readonly faults?: Faults;
  /** What the record says now, besides the beat. */
  describe(): Omit<MemberRecord, 'beat'>;
  /** Counts observations in the order in which they were asked for. */
  nextLook(): number;
  /**
   * What an answer showed, before it moves the deadline. False: it cannot be believed, or this life is over; nothing moves.
   * @param look - of the question.
   */
  observed(records: CoordinatorRecords, look: number): boolean;
  /** The record is gone: somebody else may own what this node owned. */
  evicted(): void;
  /** It came in time, or was taken out of time by a jump of the clocks. Silence is not told: ask. */
  changed(): void;
}

export interface Session {
  readonly inc: string;
  /**
   * Whether the node may answer. To be asked in the same turn of the event loop in which the state is read: that turn is the read's
   * place in the order.
   */
  isInTime(): boolean;
  /** d, on this node's monotonic clock. */
  deadlineMs(): number;
  /** Since when it has been in time without a break; Infinity while it is not. */
  inTimeSinceMs(): number;
  /** The record's version as far as it is known; 0: not yet made. */
  version(): number;
  /** Beats now: what `describe` gives has changed. */
  publish(): void;
  /** No more beats, and out of time for good. The record stays. */
  end(): void;
}

export function makeSession(options: SessionOptions): Session {
  const { inc, clock, coordinator, times, faults } = options;
  const key = memberKey(inc);
  let deadline = Number.NEGATIVE_INFINITY;
  let inTimeSince = Number.POSITIVE_INFINITY;
  /** Beats sent before this move nothing: the clocks have jumped since. */
  let validFrom = Number.NEGATIVE_INFINITY;
  let beat = 0;
  let version = 0;
  let underWay = 0;
  let wanted = false;
  let ended = false;
  let lastMonotonic = clock.monotonicMs();
  let lastWall = clock.wallMs();
  let timer = clock.after(round, 0);

  /** One round of the timer. */
  function round(): void {
    if (ended) return;
    checkJump();
    timer = clock.after(round, times.beatMs);
    if (underWay < BEATS_AT_ONCE) void send();
  }

  function checkJump(): void {
    const monotonic = clock.monotonicMs();
    const wall = clock.wallMs();
    const apart = Math.abs(wall - lastWall - (monotonic - lastMonotonic));
    lastMonotonic = monotonic;
    lastWall = wall;
    if (apart <= CLOCK_JUMP_MS || times.deadlineMs === Number.POSITIVE_INFINITY) return;
    // One of the two stood still: the other tells that time has passed which the deadline did not count.
    validFrom = monotonic;
    deadline = Math.min(deadline, monotonic);
    inTimeSince = Number.POSITIVE_INFINITY;
    options.changed();
  }

  async function send(): Promise<void> {
    const sent = clock.monotonicMs();
    const look = options.nextLook();
    const condition = version;
    beat++;
    underWay++;
    wanted = false;
    const outcome = await coordinator.step({
      conditions: [{ key, version: condition }],
      changes: [{ key, value: encodeMember({ ...options.describe(), beat }) }],
      reads: [VIEW_KEY],
      lists: [MEMBERS_PREFIX],
    });
    underWay--;
    if (ended) return;
    if (outcome.outcome === 'ok') {
      version = Math.max(version, outcome.version);
      taken(sent, outcome.records, look);
    } else if (outcome.outcome === 'refused') {
      refused(condition, outcome.records, look);
    }
    // Without an answer nothing changes; the next round tries again.
    if (wanted && !ended && underWay < BEATS_AT_ONCE) void send();
  }

  function taken(sent: number, records: CoordinatorRecords, look: number): void {
    checkJump();
    if (!options.observed(records, look) || ended) return;
    if (sent < validFrom) return;
    const now = clock.monotonicMs();
    const from = faults?.has(FAULT.sessionCountedFromArrival) ? now : sent;
    const broken = now >= deadline;
    deadline = Math.max(deadline, from + times.deadlineMs);
    if (!broken) return;
    inTimeSince = now < deadline ? now : Number.POSITIVE_INFINITY;
    if (now < deadline) options.changed();
  }

  /** An answer was lost, beats passed each other, or somebody deleted the record. */
  function refused(condition: number, records: CoordinatorRecords, look: number): void {
    const own = records.get(key);
    if (!own) {
      if (version > 0) options.evicted();
      return;
    }
    if (!options.observed(records, look) || ended) return;
    const isNews = own.version > condition;
    version = Math.max(version, own.version);
    if (isNews) wanted = true;
  }

  const isInTime = (): boolean => {
    if (ended) return false;
    if (faults?.has(FAULT.deadlineIgnored)) return deadline > Number.NEGATIVE_INFINITY;
    return clock.monotonicMs() < deadline;
  };

  return {
    inc,
    isInTime,
    deadlineMs: () => (ended ? Number.NEGATIVE_INFINITY : deadline),
    inTimeSinceMs: () => (isInTime() ? inTimeSince : Number.POSITIVE_INFINITY),
    version: () => version,
    publish() {
      wanted = true;
      if (underWay === 0 && !ended) void send();
    },
    end() {
      ended = true;
      timer.clear();
    },
  };
}
