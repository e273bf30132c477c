/**
 * Request headers in the audit log: only those an operator named (`sys/config/auditing/request-headers`), and Vault's usual ones.
 *
 * @module
 */
import type { AuditHeader } from '../model/audit.ts';

/** Lower-case name → whether its values are hashed. */
export type AuditedHeaders = ReadonlyMap<string, { readonly hmac: boolean }>;

/** What is logged of a request's headers; undefined: nothing. @param valuesOf - of a lower-case name. */
export function auditedHeaders(
  configured: AuditedHeaders,
  valuesOf: (name: string) => readonly string[] | undefined,
): AuditHeader[] | undefined {
  let found: AuditHeader[] | undefined;
  for (const [name, { hmac }] of configured) {
    const values = valuesOf(name);
    if (values === undefined) continue;
    found ??= [];
    found.push({ name, values, hmac });
  }
  return found;
}
