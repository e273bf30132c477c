/**
 * Finished requests in the operator's log (`log_requests_level`), with the message and the names that Vault gives them, and their id.
 * Where nothing is configured they are there for who listens at `trace`.
 *
 * @module
 */
import { hostPort } from '../model/address.ts';
import type { Log, LogLevel } from '../model/log.ts';

export type RequestsLevel = LogLevel | 'off';

export interface CompletedRequest {
  readonly id: string;
  readonly method: string;
  readonly path: { readonly text: string };
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** Wall clock, ms. */
  readonly receivedAtMs: number;
}

export function makeRequestLog(
  log: Log,
  levelNow: () => RequestsLevel,
  now: () => number,
): (request: CompletedRequest, status: number) => void {
  return (request, status) => {
    const level = levelNow();
    if (level === 'off' || !log.isHeard(level)) return;
    log[level]('completed_request', {
      start_time: new Date(request.receivedAtMs).toISOString(),
      duration: `${Math.max(0, now() - request.receivedAtMs)}ms`,
      client_address: hostPort(request.remoteAddress, request.remotePort),
      request_id: request.id,
      status_code: status,
      request_path: `/v1/${request.path.text}`,
      request_method: request.method,
    });
  };
}
