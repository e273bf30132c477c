/**
 * Settings of the whole cluster that stand in the catalog: where each lies there, and what it says. Plain JSON.
 *
 * @module
 */
import { VAULT_VERSION } from './version.ts';

/** Before a release's name: wall clock, ms, at which it first served the store. */
export const VERSION_HISTORY = 'version-history/';
export const THIS_VERSION = VERSION_HISTORY + VAULT_VERSION;

/** Before namespace and name: the text of a password policy. */
export const PASSWORD_POLICY = 'password-policy/';

/** Before a header's name in Go's spelling: a list of the values that pages of the web interface carry. */
export const UI_HEADER = 'ui-header/';

/** Before a request header's name in lower case: is it hashed in audit logs? `{ hmac }`. */
export const AUDIT_HEADER = 'audit-header/';

/** Headers that are logged as they are unless a setting says otherwise: those of Vault. */
export const USUAL_AUDIT_HEADERS: readonly string[] = ['correlation-id', 'user-agent', 'x-correlation-id'];

/** How clients would be counted. Absent: as in a new Vault. */
export const COUNTERS_CONFIG = 'counters-config';

export interface CountersConfig {
  readonly default_report_months: number;
  readonly enabled: 'default' | 'enable' | 'disable';
  readonly retention_months: number;
}

/** Absent: no other origin is allowed. */
export const CORS = 'cors';

export interface CorsSetting {
  /** `*` alone: any. */
  readonly allowed_origins: readonly string[];
  readonly allowed_headers: readonly string[];
}
