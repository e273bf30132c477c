/**
 * Reading view and members between beats: at once when the coordinator hints at a change of the view, often while a proposal is
 * pending or while this node may have to act as keeper. Such a look moves no deadline.
 *
 * @module
 */
import type { Clock } from '../model/clock.ts';
import type { Coordinator, CoordinatorRecords } from '../model/coordinator.ts';
import { KEEPER_LOOK_MS, MEMBER_LOOK_MS, PENDING_LOOK_MS } from '../model/limits.ts';
import { MEMBERS_PREFIX } from './member-record.ts';
import { isMember, VIEW_KEY, type View } from './view.ts';

export interface LookingOptions {
  readonly clock: Clock;
  readonly coordinator: Coordinator;
  nextLook(): number;
  observed(records: CoordinatorRecords, look: number): boolean;
  /** ms until the next look by itself; undefined: beats are enough. */
  wanted(): number | undefined;
}

export interface Looking {
  /** What `wanted` says may have changed. */
  consider(): void;
  /** Looks, whoever else does. False: the coordinator did not answer, or nobody wants to know any more. */
  now(): Promise<boolean>;
  stop(): void;
}

const QUESTION = { conditions: [], changes: [], reads: [VIEW_KEY], lists: [MEMBERS_PREFIX] };

export function makeLooking(options: LookingOptions): Looking {
  const { clock, coordinator } = options;
  let busy = false;
  let again = false;
  let stopped = false;
  let timer: { clear(): void } | undefined;
  let timerAtMs = 0;
  const watch = coordinator.watch(VIEW_KEY, () => void look());

  async function look(): Promise<void> {
    again = busy;
    if (busy || stopped) return;
    busy = true;
    timer?.clear();
    timer = undefined;
    const number = options.nextLook();
    const outcome = await coordinator.step(QUESTION);
    busy = false;
    if (stopped) return;
    if (outcome.outcome !== 'unknown') options.observed(outcome.records, number);
    // A hint that came meanwhile may be about something newer than what was read.
    if (again) void look();
    else consider();
  }

  async function now(): Promise<boolean> {
    const number = options.nextLook();
    const outcome = await coordinator.step(QUESTION);
    if (stopped || outcome.outcome === 'unknown') return false;
    options.observed(outcome.records, number);
    return true;
  }

  function consider(): void {
    const ms = options.wanted();
    if (ms === undefined || busy || stopped) return;
    const at = clock.monotonicMs() + ms;
    if (timer && timerAtMs <= at) return;
    timer?.clear();
    timerAtMs = at;
    timer = clock.after(() => void look(), ms);
  }

  return {
    consider,
    now,
    stop() {
      stopped = true;
      timer?.clear();
      watch.stop();
    },
  };
}

/**
 * How soon a node looks again by itself, ms; undefined: beats are enough.
 * @param isSealing - the others are awaited to say that they are sealed.
 */
export function lookEvery(
  view: View,
  inc: string,
  isSealing: boolean,
  isAlive: (inc: string) => boolean,
): number | undefined {
  const isIn = isMember(view, inc);
  const isConcerned = view.next && (isIn || isMember(view.next, inc));
  if (isConcerned || isSealing) return PENDING_LOOK_MS;
  if (!isIn || view.members.length < 2) return undefined;
  // The keeper, and the one who takes over when it dies.
  const before = view.members.filter((member) => member.inc < inc && isAlive(member.inc)).length;
  return before > 1 ? MEMBER_LOOK_MS : KEEPER_LOOK_MS;
}
