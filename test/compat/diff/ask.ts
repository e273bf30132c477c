/**
 * How the request sequences of `diff-bao` are written down.
 *
 * @module
 */

/** One request. `{name}` in path, token and body stands for a value saved from an earlier answer of the same server. */
export interface Ask {
  method: string;
  /** Below `/v1/` unless it begins with `/`. */
  path: string;
  /** `root` where absent; null sends none. */
  token?: string | null;
  body?: unknown;
  headers?: Record<string, string | string[]>;
  /** Variable → where in the answer, such as `auth.client_token`. */
  save?: Record<string, string>;
  /** Compare only the status and which keys there are, not their values: for what is another machine's business. */
  shapeOnly?: boolean;
}

export interface Sequence {
  name: string;
  asks: Ask[];
}

type More = Omit<Ask, 'method' | 'path' | 'body'>;

export const get = (path: string, more: More = {}): Ask => ({ method: 'GET', path, ...more });
export const head = (path: string, more: More = {}): Ask => ({ method: 'HEAD', path, ...more });
export const list = (path: string, more: More = {}): Ask => ({ method: 'LIST', path, ...more });
export const del = (path: string, more: More = {}): Ask => ({ method: 'DELETE', path, ...more });
export const put = (path: string, body?: unknown, more: More = {}): Ask => ({
  method: 'PUT',
  path,
  body,
  ...more,
});
export const post = (path: string, body?: unknown, more: More = {}): Ask => ({
  method: 'POST',
  path,
  body,
  ...more,
});
export const patch = (path: string, body?: unknown, more: More = {}): Ask => ({
  method: 'PATCH',
  path,
  body,
  headers: { 'content-type': 'application/merge-patch+json' },
  ...more,
});

/** The same asks, sent with another token. */
export function as(token: string | null, asks: Ask[]): Ask[] {
  return asks.map((ask) => ({ ...ask, token }));
}

/** The ask in one line: `METHOD path`, then its token, its body and its headers where they are given. */
export function askText({ method, path, token, body, headers }: Ask): string {
  const words = [method, path];
  if (token !== undefined) words.push(token ?? 'no-token');
  if (body !== undefined) words.push(typeof body === 'string' ? body : JSON.stringify(body));
  if (headers !== undefined && method !== 'PATCH') words.push(JSON.stringify(headers));
  return words.join(' ');
}
