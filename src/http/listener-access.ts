/**
 * What one listener serves otherwise than the others, by its configuration: metrics, running requests and profiles without a token, no metrics, or
 * nothing but metrics.
 *
 * @module
 */
import type { Encoded } from './envelope.ts';
import type { ListenerOptions } from './listener-options.ts';

export interface ListenerAccess {
  /** What is answered instead of serving `path` (after `/v1/`; undefined: elsewhere). Undefined: it is served. */
  refusal(path: string | undefined): Encoded | undefined;
  /** Is reading `path` served without a token, sealed or not? */
  isOpen(path: string): boolean;
}

const METRICS = 'sys/metrics';
const IN_FLIGHT = 'sys/in-flight-req';
const PPROF = 'sys/pprof';
const TEXT = 'text/plain; charset=utf-8';
const NO_METRICS: Encoded = {
  status: 403,
  contentType: TEXT,
  body: 'metrics endpoint is disabled for this listener\n',
};
const ONLY_METRICS: Encoded = {
  status: 404,
  contentType: TEXT,
  body: 'this listener only serves the metrics endpoint\n',
};

/** Undefined where it is as every listener. */
export function makeListenerAccess({
  telemetry = {},
  inflight_requests_logging = {},
  profiling = {},
}: ListenerOptions): ListenerAccess | undefined {
  const open = new Set<string>();
  if (telemetry.unauthenticated_metrics_access) open.add(METRICS);
  if (inflight_requests_logging.unauthenticated_in_flight_requests_access) open.add(IN_FLIGHT);
  const { disallow_metrics = false, metrics_only = false } = telemetry;
  const areProfilesOpen = profiling.unauthenticated_pprof_access === true;
  if (open.size === 0 && !areProfilesOpen && !disallow_metrics && !metrics_only) return undefined;
  return {
    refusal(path) {
      if (path === METRICS) return disallow_metrics ? NO_METRICS : undefined;
      return metrics_only ? ONLY_METRICS : undefined;
    },
    isOpen: (path) => open.has(path) || (areProfilesOpen && (path === PPROF || path.startsWith(`${PPROF}/`))),
  };
}
