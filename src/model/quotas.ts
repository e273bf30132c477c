/**
 * Rate-limit quotas: how many requests each client may make (contract §2.10). They stand in the catalog's settings; plain JSON.
 *
 * @module
 */

/** Before a quota's name. */
export const RATE_LIMIT = 'quota/rate-limit/';
export const QUOTA_CONFIG = 'quota-config';

export interface RateLimit {
  /** API path from the root namespace, as it was given: '' for all, of a namespace or mount, a path, or with `*` at its end. */
  readonly path: string;
  /** Requests of one client in each interval. */
  readonly rate: number;
  /** Seconds. */
  readonly interval: number;
  /** Seconds for which a client that asked too often is refused; 0: until the interval is over. */
  readonly block_interval: number;
  /** Also of the namespaces below. */
  readonly inheritable: boolean;
  /** Who counts: each node for itself, or all together. */
  readonly scope: 'node' | 'cluster';
}

export interface QuotaConfig {
  readonly enable_rate_limit_audit_logging: boolean;
  readonly enable_rate_limit_response_headers: boolean;
  /** Paths and what begins with them, in each namespace. */
  readonly rate_limit_exempt_paths: readonly string[];
  /** The same, from the root namespace. */
  readonly absolute_rate_limit_exempt_paths: readonly string[];
}

/** Without these nobody could get in to change a quota, or know how the node does. */
export const USUAL_QUOTA_CONFIG: QuotaConfig = {
  enable_rate_limit_audit_logging: false,
  enable_rate_limit_response_headers: false,
  rate_limit_exempt_paths: [
    'sys/generate-recovery-token/attempt',
    'sys/generate-recovery-token/update',
    'sys/generate-root/attempt',
    'sys/generate-root/update',
    'sys/health',
    'sys/seal-status',
    'sys/unseal',
  ],
  absolute_rate_limit_exempt_paths: [],
};
