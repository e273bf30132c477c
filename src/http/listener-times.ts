/**
 * How long a listener waits for what, as its options have it.
 *
 * @module
 */
import {
  CONNECTION_IDLE_MS,
  MINUTE_MS,
  READ_HEAD_MS,
  READ_REQUEST_MS,
  REPLY_READ_MS,
  REQUEST_DURATION_MS,
  SECOND_MS,
} from '../model/limits.ts';
import type { ListenerOptions } from './listener-options.ts';

/** All in ms; 0: for ever. */
export interface ListenerTimes {
  /** Until the head of a request is there. Never more than for the whole. */
  readonly headMs: number;
  /** Until a request is there, its body included. */
  readonly requestMs: number;
  /** Until a request is answered. */
  readonly durationMs: number;
  /** Until a large reply is read. */
  readonly replyMs: number;
  /** Between requests; 0 too where that is `inactivityMs`: Node would begin and end a timer for it with each request, and tell clients of it. */
  readonly idleMs: number;
  /** A connection on which nothing moves is cut then; a request that is being answered has its own, shorter time. */
  readonly inactivityMs: number;
}

export function listenerTimes(listener: ListenerOptions): ListenerTimes {
  const head = milliseconds(listener.http_read_header_timeout, READ_HEAD_MS);
  const requestMs = milliseconds(listener.http_read_timeout, READ_REQUEST_MS);
  const durationMs = milliseconds(listener.max_request_duration, REQUEST_DURATION_MS);
  const write = listener.http_write_timeout || undefined;
  const inactive = Math.max(milliseconds(write, CONNECTION_IDLE_MS), durationMs + MINUTE_MS);
  const inactivityMs = durationMs === 0 ? 0 : inactive;
  const idle = milliseconds(listener.http_idle_timeout, CONNECTION_IDLE_MS);
  return {
    // Node wants the part to have no more time than the whole.
    headMs: requestMs > 0 ? Math.min(head || requestMs, requestMs) : head,
    requestMs,
    durationMs,
    replyMs: milliseconds(write, REPLY_READ_MS),
    idleMs: idle === inactivityMs ? 0 : idle,
    inactivityMs,
  };
}

function milliseconds(seconds: number | undefined, absentMs: number): number {
  return seconds === undefined ? absentMs : Math.round(seconds * SECOND_MS);
}
