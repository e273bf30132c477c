/**
 * The times that the membership goes by (protocol §19), and what must hold between them.
 *
 * @module
 */
import type { Coordinator } from '../model/coordinator.ts';
import { CodedError } from '../model/errors.ts';
import {
  BEAT_MS,
  CLOCK_RATE_ERROR,
  EVICTION_SILENCE_MS,
  HOLD_MS,
  HOUR_MS,
  PREPARE_MS,
  SESSION_DEADLINE_MS,
} from '../model/limits.ts';
import { FAULT, type Faults } from './faults.ts';

export interface MembershipTimes {
  /** D: a node is in time for so long after it sent a beat that was taken. */
  readonly deadlineMs: number;
  /** W: a record must have been seen unchanged for so long before its node is evicted. */
  readonly silenceMs: number;
  readonly beatMs: number;
  /** How long a request waits at a node that is out of time. */
  readonly holdMs: number;
  readonly prepareMs: number;
}

export const USUAL_TIMES: MembershipTimes = {
  deadlineMs: SESSION_DEADLINE_MS,
  silenceMs: EVICTION_SILENCE_MS,
  beatMs: BEAT_MS,
  holdMs: HOLD_MS,
  prepareMs: PREPARE_MS,
};

/** Of a process that holds its storage's exclusive lock: nobody could take anything from it, so it is in time for ever. */
export const ALONE_TIMES: MembershipTimes = {
  ...USUAL_TIMES,
  deadlineMs: Number.POSITIVE_INFINITY,
  silenceMs: Number.POSITIVE_INFINITY,
  beatMs: HOUR_MS,
};

/** σ: how much longer another's clock may take for what mine calls the same time. */
export function sigma(coordinator: Pick<Coordinator, 'sharesClock'>): number {
  return coordinator.sharesClock ? 1 : (1 + CLOCK_RATE_ERROR) / (1 - CLOCK_RATE_ERROR);
}

/** @throws CodedError where W < σ·D: a node could be replaced while it is in time. */
export function checkTimes(times: MembershipTimes, coordinator: Coordinator, faults?: Faults): void {
  if (times.beatMs >= times.deadlineMs) {
    throw new CodedError('bad_request', 'the time between two beats must be shorter than the deadline');
  }
  if (faults?.has(FAULT.evictionWaitBelowDeadline)) return;
  const needed = sigma(coordinator) * times.deadlineMs;
  if (times.silenceMs < needed) {
    const text = `a silence of ${times.silenceMs} ms is too short: the deadline needs at least ${Math.ceil(needed)} ms`;
    throw new CodedError('bad_request', text);
  }
}
