/**
 * The headers every reply has: `Cache-Control`, on TLS `Strict-Transport-Security`, and those the operator set for its status
 * (`custom_response_headers` of the listener).
 *
 * @module
 */
import { badRequest } from '../model/errors.ts';

/** `default`, a class such as `2xx`, or a status such as `404` → header name → its values, which are joined by `; ` as in Vault. */
export type CustomResponseHeaders = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;

/** Name, value, name, value … of what every reply with this status carries. Not to be changed. */
export type HeaderTable = (status: number) => readonly string[];

/** What frames the message, or says what the body is, is not the operator's to set. */
const RESERVED = new Set([
  'content-type',
  'content-length',
  'connection',
  'transfer-encoding',
  'date',
  'trailer',
]);
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const VALUE = /^[\t\x20-\x7e]*$/;
const STATUS_KEY = /^(default|[1-5]xx|[1-5][0-9][0-9])$/;

/**
 * @param secure - whether the listener speaks TLS.
 * @param hostname - shown in `X-Vault-Hostname`; undefined: not shown.
 * @throws CodedError `bad_request` for a header that cannot be set.
 */
export function makeHeaderTable(
  secure: boolean,
  custom: CustomResponseHeaders = {},
  hostname?: string,
): HeaderTable {
  const rules = new Map<string, string[]>();
  for (const [key, headers] of Object.entries(custom)) {
    if (!STATUS_KEY.test(key)) throw badRequest(`custom_response_headers: "${key}" is no status`);
    rules.set(key, pairs(headers));
  }
  const byStatus = new Map<number, readonly string[]>();
  const build = (status: number): readonly string[] => {
    const chosen = new Map([['cache-control', ['Cache-Control', 'no-store']]]);
    if (secure) {
      chosen.set('strict-transport-security', [
        'Strict-Transport-Security',
        'max-age=31536000; includeSubDomains',
      ]);
    }
    for (const key of ['default', `${Math.floor(status / 100)}xx`, String(status)]) {
      const set = rules.get(key) ?? [];
      for (let i = 0; i < set.length; i += 2) chosen.set(set[i]!.toLowerCase(), [set[i]!, set[i + 1]!]);
    }
    if (hostname !== undefined) chosen.set('x-vault-hostname', ['X-Vault-Hostname', hostname]);
    return [...chosen.values()].flat();
  };
  return (status) => {
    const known = byStatus.get(status);
    if (known !== undefined) return known;
    const headers = build(status);
    byStatus.set(status, headers);
    return headers;
  };
}

function pairs(headers: Readonly<Record<string, readonly string[]>>): string[] {
  return Object.entries(headers).flatMap(([name, values]) => {
    const value = values.join('; ');
    const settable = NAME.test(name) && !RESERVED.has(name.toLowerCase()) && !/^x-vault-/i.test(name);
    if (!settable || !VALUE.test(value)) throw badRequest(`custom_response_headers: "${name}" cannot be set`);
    return [name, value];
  });
}
