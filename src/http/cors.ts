/**
 * Requests that browsers send for pages of other origins, as `sys/config/cors` allows them (contract §1.10).
 *
 * @module
 */
import type { IncomingHttpHeaders } from 'node:http';
import { CodedError } from '../model/errors.ts';
import type { CorsSetting } from '../model/settings.ts';
import { type Encoded, encodeReply, replyToError } from './envelope.ts';

export interface Cors {
  /** What such a request is answered before anything looks at it: a refusal, or the answer to a browser that asks first. */
  instead(method: string, headers: IncomingHttpHeaders): Encoded | undefined;
  /** Name, value, name, value … that replies to it carry. */
  headersFor(headers: IncomingHttpHeaders): readonly string[];
}

/** Vault's list: it leaves PATCH out. */
const METHODS = ['DELETE', 'GET', 'OPTIONS', 'POST', 'PUT', 'LIST'];
/** Seconds for which a browser may keep what it was told. */
const MAX_AGE = '300';
const NO_HEADERS: readonly string[] = [];

/** @param rules - as they are in force; undefined: switched off, and `Origin` says nothing. */
export function makeCors(rules: () => CorsSetting | undefined): Cors {
  const allows = ({ allowed_origins: origins }: CorsSetting, origin: string): boolean =>
    (origins.length === 1 && origins[0] === '*') || origins.includes(origin);

  function headersFor({ origin }: IncomingHttpHeaders): readonly string[] {
    if (origin === undefined) return NO_HEADERS;
    const now = rules();
    if (!now || !allows(now, origin)) return NO_HEADERS;
    return ['Access-Control-Allow-Origin', origin, 'Vary', 'Origin'];
  }

  return {
    headersFor,
    instead(method, headers) {
      if (headers.origin === undefined) return undefined;
      const now = rules();
      if (!now) return undefined;
      if (!allows(now, headers.origin))
        return encodeReply(replyToError(new CodedError('permission_denied', 'origin not allowed')));
      if (method !== 'OPTIONS') return undefined;
      if (!METHODS.includes(headers['access-control-request-method'] ?? ''))
        return encodeReply(replyToError(new CodedError('unsupported_operation', [])));
      return {
        status: 200,
        contentType: 'text/plain; charset=utf-8',
        body: '',
        headers: [
          'Access-Control-Allow-Methods',
          METHODS.join(),
          'Access-Control-Allow-Headers',
          now.allowed_headers.join(),
          'Access-Control-Max-Age',
          MAX_AGE,
        ],
      };
    },
  };
}
