/**
 * The requests that are being answered: for `sys/in-flight-req`, for their deadlines, and for a stop that waits for them.
 *
 * @module
 */

import { hostPort } from '../model/address.ts';
import type { Caller } from '../model/caller.ts';
import { REQUEST_SWEEP_MS } from '../model/limits.ts';
import { rfc3339 } from '../model/time.ts';
import type { IncomingRequest } from './incoming-request.ts';

/** One row of `sys/in-flight-req`, with who asks where the client id is to be. */
export interface InFlightRow {
  /** Undefined: it is not known, or not yet. */
  readonly askedBy: Caller | undefined;
  readonly start_time: string;
  readonly client_remote_address: string;
  readonly request_path: string;
  readonly request_method: string;
}

export interface InFlight {
  add(request: IncomingRequest): void;
  remove(request: IncomingRequest): void;
  /** Request id → row, oldest first. */
  rows(): Map<string, InFlightRow>;
  stop(): void;
}

/**
 * Deadlines are counted in ticks of one timer, so that a request costs no timer and a clock that is set changes nothing.
 * @param durationMs - how long a request may take; 0 for ever.
 * @param onOverdue - called a tick after the request was told that its time is over, if it is still there: it is answered without its handler.
 */
export function makeInFlight(durationMs: number, onOverdue: (request: IncomingRequest) => void): InFlight {
  const ticks = Math.max(1, Math.ceil(durationMs / REQUEST_SWEEP_MS));
  // A list through the requests, in the order they came, which is the order they expire in. A Set would do, at three times the cost.
  let oldest: IncomingRequest | undefined;
  let newest: IncomingRequest | undefined;
  let now = 0;
  const timer = setInterval(sweep, REQUEST_SWEEP_MS);
  timer.unref();

  function sweep(): void {
    now++;
    if (durationMs === 0) return;
    let request = oldest;
    while (request !== undefined && request.expiresAtTick <= now) {
      const { newer } = request;
      request.end();
      if (request.expiresAtTick < now) {
        remove(request);
        onOverdue(request);
      }
      request = newer;
    }
  }

  function add(request: IncomingRequest): void {
    request.expiresAtTick = now + ticks;
    request.inFlight = true;
    request.older = newest;
    if (newest === undefined) oldest = request;
    else newest.newer = request;
    newest = request;
  }

  function remove(request: IncomingRequest): void {
    if (!request.inFlight) return;
    request.inFlight = false;
    if (request.older === undefined) oldest = request.newer;
    else request.older.newer = request.newer;
    if (request.newer === undefined) newest = request.older;
    else request.newer.older = request.older;
    // Else whoever keeps this one keeps all that came after it.
    request.older = undefined;
    request.newer = undefined;
  }

  function rows(): Map<string, InFlightRow> {
    const found = new Map<string, InFlightRow>();
    for (let request = oldest; request !== undefined; request = request.newer)
      found.set(request.id, row(request));
    return found;
  }

  return { add, remove, rows, stop: () => clearInterval(timer) };
}

function row(request: IncomingRequest): InFlightRow {
  return {
    askedBy: request.askedBy,
    start_time: rfc3339(request.receivedAtMs),
    client_remote_address: hostPort(request.remoteAddress, request.remotePort),
    request_path: `/v1/${request.path.text}`,
    request_method: request.method,
  };
}
