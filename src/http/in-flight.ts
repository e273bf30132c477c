/**
 * The requests that are being answered: for `sys/in-flight-req`, for their deadlines, and for a stop that waits for them.
 *
 * @module
 */
import { CodedError } from '../model/errors.ts';
import { REQUEST_SWEEP_MS } from '../model/limits.ts';
import { rfc3339 } from '../model/time.ts';
import type { IncomingRequest } from './incoming-request.ts';

/** One row of `sys/in-flight-req`, without the client id, which the pipeline knows. */
export interface InFlightRow {
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
 * @param onOverdue - called a tick after the request's signal has fired, if it is still there: it is answered without its handler.
 */
export function makeInFlight(durationMs: number, onOverdue: (request: IncomingRequest) => void): InFlight {
  // In the order they came, which is the order they expire in.
  const running = new Set<IncomingRequest>();
  const ticks = Math.max(1, Math.ceil(durationMs / REQUEST_SWEEP_MS));
  let now = 0;
  const timer = setInterval(sweep, REQUEST_SWEEP_MS);
  timer.unref();

  function sweep(): void {
    now++;
    if (durationMs === 0) return;
    for (const request of running) {
      if (request.expiresAtTick > now) break;
      request.end(new CodedError('deadline'));
      if (request.expiresAtTick < now) {
        running.delete(request);
        onOverdue(request);
      }
    }
  }

  return {
    add(request) {
      request.expiresAtTick = now + ticks;
      running.add(request);
    },
    remove: (request) => void running.delete(request),
    rows: () => new Map([...running].map((request) => [request.id, row(request)])),
    stop: () => clearInterval(timer),
  };
}

function row(request: IncomingRequest): InFlightRow {
  return {
    start_time: rfc3339(request.receivedAtMs),
    client_remote_address: `${request.remoteAddress}:${request.remotePort}`,
    request_path: `/v1/${request.path.text}`,
    request_method: request.method,
  };
}
