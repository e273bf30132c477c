/**
 * Which request headers the audit devices are told, as the catalog's settings say it.
 *
 * @module
 */
import type { AuditedHeaders } from '../audit/headers.ts';
import type { Catalog } from '../cluster/catalog.ts';
import { AUDIT_HEADER, USUAL_AUDIT_HEADERS } from '../model/settings.ts';

/** @returns what is in force here. */
export function watchAuditHeaders(catalog: Pick<Catalog, 'watch'>): () => AuditedHeaders {
  let headers: AuditedHeaders = new Map();
  catalog.watch('settings', (entries) => {
    const found = new Map(USUAL_AUDIT_HEADERS.map((name) => [name, { hmac: false }]));
    for (const [key, value] of entries)
      if (key.startsWith(AUDIT_HEADER)) found.set(key.slice(AUDIT_HEADER.length), value as { hmac: boolean });
    headers = found;
  });
  return () => headers;
}
