/**
 * Options of the audit devices that send their lines somewhere: `socket`, `syslog`, `http` (contract §2.9; `http` and `address` of `syslog` are not
 * Vault's).
 *
 * @module
 */
import { badRequest } from '../model/errors.ts';
import { AUDIT_SEND_MAX_MS, AUDIT_SEND_MS, SECOND_MS } from '../model/limits.ts';
import { toDurationSeconds } from '../model/params.ts';
import type { HttpTarget } from './http-output.ts';
import type { StreamAddress } from './stream-output.ts';

type Options = Readonly<Record<string, string>>;

export interface NetAddress {
  readonly host: string;
  readonly port: number;
}

export type SocketOptions = { readonly timeoutMs: number } & (
  | { readonly kind: 'stream'; readonly to: StreamAddress }
  | { readonly kind: 'datagram'; readonly to: NetAddress }
);

/** @throws CodedError `bad_request` naming the option. */
export function parseSocketOptions(options: Options): SocketOptions {
  const address = options.address ?? '';
  if (address === '') throw badRequest('address is required');
  const timeoutMs = parseTimeout(options.write_timeout);
  const type = options.socket_type ?? 'tcp';
  switch (type) {
    case 'tcp':
      return { kind: 'stream', to: netAddress(address), timeoutMs };
    case 'udp':
      return { kind: 'datagram', to: netAddress(address), timeoutMs };
    case 'unix':
      return { kind: 'stream', to: { path: socketPath(address) }, timeoutMs };
    default:
      throw badRequest('socket_type must be "tcp", "udp" or "unix"');
  }
}

export interface SyslogOptions {
  /** Facility and severity as one number (RFC 5424 §6.2.1). */
  readonly priority: number;
  /** The same as `logger` takes it. */
  readonly priorityName: string;
  readonly tag: string;
  readonly timeoutMs: number;
  /** Absent: the syslog of this machine. */
  readonly to?: ({ readonly kind: 'datagram' } & NetAddress) | ({ readonly kind: 'stream' } & NetAddress);
}

const FACILITIES = [
  ...['kern', 'user', 'mail', 'daemon', 'auth', 'syslog', 'lpr', 'news', 'uucp', 'cron', 'authpriv', 'ftp'],
  ...['', '', '', ''],
  ...Array.from({ length: 8 }, (_, n) => `local${n}`),
];
const INFO = 6;
const TAG = /^[\x21-\x7e]{1,48}$/;

/** @throws CodedError `bad_request` naming the option. */
export function parseSyslogOptions(options: Options): SyslogOptions {
  const facility = (options.facility ?? 'auth').toLowerCase();
  const number = facility === '' ? -1 : FACILITIES.indexOf(facility);
  if (number < 0) throw badRequest("facility is not one of syslog's");
  const tag = options.tag || 'vault';
  if (!TAG.test(tag) || tag.startsWith('-'))
    throw badRequest('tag must be 1 to 48 printable characters without spaces');
  return {
    priority: number * 8 + INFO,
    priorityName: `${facility}.info`,
    tag,
    timeoutMs: parseTimeout(options.write_timeout),
    to: options.address ? syslogAddress(options.address) : undefined,
  };
}

function syslogAddress(text: string): NonNullable<SyslogOptions['to']> {
  const found = /^(udp|tcp):\/\/([^/]+)$/.exec(text);
  if (!found) throw badRequest('address must be udp://host:port or tcp://host:port');
  return { kind: found[1] === 'udp' ? 'datagram' : 'stream', ...netAddress(found[2]!) };
}

/** @throws CodedError `bad_request` naming the option. */
export function parseHttpOptions(options: Options): HttpTarget {
  const text = options.uri ?? '';
  if (text === '') throw badRequest('uri is required');
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw badRequest('uri is not valid');
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw badRequest('uri must begin with https:// or http://');
  return { url, headers: parseHeaders(options.headers), timeoutMs: parseTimeout(options.write_timeout) };
}

const HEADER_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,100}$/;
const HEADER_VALUE = /^[\t\x20-\x7e]{0,4096}$/;
/** Say how long the body is and how it is sent: ours to say. */
const OWN_HEADERS = new Set([
  'content-length',
  'transfer-encoding',
  'connection',
  'host',
  'upgrade',
  'expect',
]);

function parseHeaders(text: string | undefined): Record<string, string[]> {
  if (!text) return {};
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw badRequest('headers must be a JSON object');
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw badRequest('headers must be a JSON object');
  const headers: Record<string, string[]> = {};
  for (const [name, value] of Object.entries(parsed)) {
    const values: unknown[] = [value].flat();
    if (!HEADER_NAME.test(name) || OWN_HEADERS.has(name.toLowerCase()))
      throw badRequest('headers: one of these names cannot be set');
    if (!values.every((one) => typeof one === 'string' && HEADER_VALUE.test(one)))
      throw badRequest('headers: one of the values is not valid');
    if (values.length > 0) headers[name] = values as string[];
  }
  return headers;
}

function parseTimeout(text: string | undefined): number {
  if (!text) return AUDIT_SEND_MS;
  let seconds: number;
  try {
    seconds = toDurationSeconds(text);
  } catch {
    throw badRequest('write_timeout must be a duration, such as "2s"');
  }
  const ms = seconds * SECOND_MS;
  if (!(ms > 0 && ms <= AUDIT_SEND_MAX_MS))
    throw badRequest(`write_timeout must be more than 0 and at most ${AUDIT_SEND_MAX_MS / SECOND_MS}s`);
  return ms;
}

/** `host:port`, `[::1]:port`. */
function netAddress(text: string): NetAddress {
  const found = /^(?:\[([0-9A-Fa-f:.%]+)\]|([^:[\]\s/]+)):(\d{1,5})$/.exec(text);
  const port = Number(found?.[3]);
  if (!found || port < 1 || port > 65_535) throw badRequest('address must be host:port');
  return { host: found[1] ?? found[2]!, port };
}

function socketPath(text: string): string {
  if (/[\0\n\r]/.test(text)) throw badRequest('address must not contain control characters');
  return text;
}
