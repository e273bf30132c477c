/**
 * Quotas: how many requests each client may make, and how many leases there may be (contract §2.10). They stand in the catalog's settings;
 * plain JSON.
 *
 * @module
 */

/** Before a quota's name. */
export const RATE_LIMIT = 'quota/rate-limit/';
export const LEASE_COUNT = 'quota/lease-count/';
export const QUOTA_CONFIG = 'quota-config';

export interface QuotaScope {
  /** API path from the root namespace: '' for all, of a namespace or mount ending in `/`, of one path, or with `*` at its end. */
  readonly path: string;
  /** Of logins by one role, or of one user, of the auth method at `path`; '': of all. */
  readonly role: string;
  /** Also of the namespaces below. */
  readonly inheritable: boolean;
}

/** What the beginning of a quota's path names: it moves with the mount, and ends with mount or namespace. */
export interface QuotaAnchor {
  readonly mount?: string;
  /** Id of the namespace, where it names no mount. */
  readonly namespace?: string;
  /** What follows in the path. */
  readonly suffix: string;
}

/** As a quota rests: `path` is what it was when it was written. */
export type Anchored<Q extends QuotaScope> = Q & {
  readonly at?: QuotaAnchor;
  /** Drawn with each writing: what was counted under another is not of this one. Absent in older stores. */
  readonly made?: string;
};

export interface LeaseCount extends QuotaScope {
  readonly max_leases: number;
}

export interface RateLimit extends QuotaScope {
  /** Requests of one client in each interval. */
  readonly rate: number;
  /** Seconds. */
  readonly interval: number;
  /** Seconds for which a client that asked too often is refused; 0: until the interval is over. */
  readonly block_interval: number;
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
