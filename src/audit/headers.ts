/**
 * Request headers in the audit log: only those an operator named (`sys/config/auditing/request-headers`).
 *
 * @module
 */
import type { AuditHeader } from '../model/audit.ts';

/** Lower-case name → whether its values are hashed. */
export type AuditedHeaders = ReadonlyMap<string, { readonly hmac: boolean }>;

/** What of `headers` (lower-case names) is logged; undefined: nothing. */
export function auditedHeaders(
  configured: AuditedHeaders,
  headers: Readonly<Record<string, string | string[] | undefined>>,
): AuditHeader[] | undefined {
  if (configured.size === 0) return undefined;
  const found: AuditHeader[] = [];
  for (const [name, { hmac }] of configured) {
    const value = headers[name];
    if (value !== undefined) found.push({ name, values: [value].flat(), hmac });
  }
  return found.length > 0 ? found : undefined;
}
