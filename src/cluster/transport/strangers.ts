/**
 * Bounds on connections that have proven nothing yet: how many at once, from one host, and how often an identity may fail.
 *
 * @module
 */
import type { Clock } from '../../model/clock.ts';
import {
  ADMISSION_FAILURES_KEPT,
  ADMISSION_FAILURES_MAX,
  ADMISSION_PAUSE_MS,
  STRANGERS_MAX,
  STRANGERS_PER_HOST_MAX,
} from '../../model/limits.ts';
import type { PeerId } from '../../model/transport.ts';

export interface Strangers {
  /** A new connection, before anything is read of it. @returns false: there are too many, close it. */
  enter(connection: object, host: string): boolean;
  /** It was admitted, or it closed. Twice is fine. */
  leave(connection: object): void;
  count(): number;
  /** That identity could not prove the secret, or broke the rules. */
  failed(peer: PeerId): void;
  /** It proved it: its failures are forgotten. */
  proved(peer: PeerId): void;
  /** Has it failed so often, and so lately, that it is not listened to? */
  isPaused(peer: PeerId): boolean;
}

export function makeStrangers(clock: Clock): Strangers {
  const connections = new Map<object, string>();
  const perHost = new Map<string, number>();
  /** In the order of the last failure. */
  const failures = new Map<PeerId, { count: number; lastMs: number }>();

  return {
    enter(connection, host) {
      const ofHost = perHost.get(host) ?? 0;
      if (connections.size >= STRANGERS_MAX || ofHost >= STRANGERS_PER_HOST_MAX) return false;
      connections.set(connection, host);
      perHost.set(host, ofHost + 1);
      return true;
    },
    leave(connection) {
      const host = connections.get(connection);
      if (host === undefined) return;
      connections.delete(connection);
      const left = (perHost.get(host) ?? 1) - 1;
      if (left > 0) perHost.set(host, left);
      else perHost.delete(host);
    },
    count: () => connections.size,
    failed(peer) {
      const count = (failures.get(peer)?.count ?? 0) + 1;
      failures.delete(peer);
      failures.set(peer, { count, lastMs: clock.monotonicMs() });
      for (const oldest of failures.keys()) {
        if (failures.size <= ADMISSION_FAILURES_KEPT) break;
        failures.delete(oldest);
      }
    },
    proved(peer) {
      failures.delete(peer);
    },
    isPaused(peer) {
      const known = failures.get(peer);
      if (!known || known.count < ADMISSION_FAILURES_MAX) return false;
      return clock.monotonicMs() - known.lastMs < ADMISSION_PAUSE_MS;
    },
  };
}
