/**
 * Finished requests in the operator's log (`log_requests_level`), with the message and the names that Vault gives them.
 *
 * @module
 */
import { hostPort } from '../model/address.ts';
import type { Log, LogLevel } from '../model/log.ts';

export interface CompletedRequest {
  readonly method: string;
  readonly path: { readonly text: string };
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** Wall clock, ms. */
  readonly receivedAtMs: number;
}

/** @param levelNow - undefined: nothing is logged. */
export function makeRequestLog(
  log: Log,
  levelNow: () => LogLevel | undefined,
  now: () => number,
): (request: CompletedRequest, status: number) => void {
  return (request, status) => {
    const level = levelNow();
    if (level === undefined) return;
    log[level]('completed_request', {
      start_time: new Date(request.receivedAtMs).toISOString(),
      duration: `${Math.max(0, now() - request.receivedAtMs)}ms`,
      client_address: hostPort(request.remoteAddress, request.remotePort),
      status_code: status,
      request_path: `/v1/${request.path.text}`,
      request_method: request.method,
    });
  };
}
