/**
 * Addresses and paths as Go's net/url writes them, so that error texts and curl commands read as Vault's.
 *
 * @module
 */
import { quote } from '../model/printable.ts';

export interface ServerAddress {
  scheme: 'http' | 'https';
  /** With port where one was given, as it stands in the URL. */
  host: string;
  hostname: string;
  port: number;
  /** In front of `/v1`; empty or starting with a slash. */
  basePath: string;
  /** `user:password`, or undefined. */
  userInfo?: string;
  /** Path of the Unix socket to connect to instead. */
  socketPath?: string;
}

/** @throws Error that names what is wrong with `text`. */
export function parseAddress(text: string): ServerAddress {
  if (text.startsWith('unix://')) {
    const socketPath = text.slice('unix://'.length);
    return { scheme: 'http', host: 'localhost', hostname: 'localhost', port: 80, basePath: '', socketPath };
  }
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw new Error(`parse ${quote(text)}: expected http://host:port, https://host:port or unix://path`);
  }
  const secure = url.protocol === 'https:';
  return {
    scheme: secure ? 'https' : 'http',
    host: /^https?:\/\/(?:[^/@]*@)?([^/?#]*)/i.exec(text)?.[1] ?? url.host,
    hostname: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
    basePath: url.pathname.replace(/\/+$/, ''),
    userInfo:
      url.username === ''
        ? undefined
        : `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`,
  };
}

/** Go's `path.Join`: empty elements left out, `.` and `..` resolved, no slash at the end. */
export function joinPath(...parts: string[]): string {
  const joined = parts.filter((part) => part !== '').join('/');
  if (joined === '') return '';
  const rooted = joined.startsWith('/');
  const out: string[] = [];
  for (const segment of joined.split('/')) {
    if (segment === '' || segment === '.') continue;
    if (segment !== '..') out.push(segment);
    else if (out.length > 0 && out.at(-1) !== '..') out.pop();
    else if (!rooted) out.push('..');
  }
  const path = out.join('/');
  return rooted ? `/${path}` : path || '.';
}

/** Percent-encodes what Go does in a path: everything but unreserved characters and `$&+,/:;=@`. */
export function escapePath(path: string): string {
  return encodeURI(path.toWellFormed()).replace(/[#?!'()*[\]]/g, percent);
}

/** Go's `url.Values.Encode`: sorted by key, spaces as `+`. */
export function encodeQuery(query: ReadonlyMap<string, readonly string[]>): string {
  return [...query.keys()]
    .sort()
    .flatMap((key) =>
      (query.get(key) as readonly string[]).map((value) => `${escapeQuery(key)}=${escapeQuery(value)}`),
    )
    .join('&');
}

function escapeQuery(text: string): string {
  return encodeURIComponent(text.toWellFormed())
    .replace(/[!'()*]/g, percent)
    .replaceAll('%20', '+');
}

function percent(char: string): string {
  return `%${char.charCodeAt(0).toString(16).toUpperCase()}`;
}
