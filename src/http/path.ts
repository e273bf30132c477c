/**
 * The one place that reads a request's path. What it returns is what policy, actor id and handler share, so it refuses each spelling that
 * another reader could take for a different path, and repairs none (contract §1.1 "Spelling"; HCSEC-2026-43, GHSA-fg5x-7whg-6c28).
 *
 * @module
 */
import { badRequest } from '../model/errors.ts';
import { PATH_CHARS_MAX } from '../model/limits.ts';
import { UNPRINTABLE } from '../model/printable.ts';
import type { CanonicalPath, Verb } from '../model/request.ts';

/** A request target in its two parts, neither decoded. */
export interface Target {
  readonly path: string;
  /** Without the `?`. */
  readonly query: string;
}

/** Cuts a request target. The absolute form that proxies use (RFC 9112 §3.2.2) loses its scheme and authority. */
export function splitTarget(url: string): Target {
  const from = url.startsWith('/') ? 0 : pathOfAbsoluteForm(url);
  const mark = url.indexOf('?', from);
  if (mark < 0) return { path: from === 0 ? url : url.slice(from), query: '' };
  return { path: url.slice(from, mark), query: url.slice(mark + 1) };
}

function pathOfAbsoluteForm(url: string): number {
  const found = /^https?:\/\/[^/?#]+/i.exec(url);
  return found === null ? 0 : found[0].length;
}

/** Nothing to decode, nothing unprintable: most paths. */
const PLAIN = /^[!-"$&-~]*$/;
/** Anything else that may stand in a target at all: `#` has no place there, and the rest must come percent-encoded. */
const ENCODED = /^[!-"$-~]*$/;

/**
 * Percent-decodes a path, once. `%2F` is `/`, as in Vault.
 * @throws CodedError `bad_request` for a bad escape, bytes that are not UTF-8, or a character that is not printable.
 */
export function decodePath(raw: string): string {
  if (PLAIN.test(raw)) return raw;
  if (!ENCODED.test(raw)) throw badRequest('the path is not percent-encoded');
  const path = decodeStrictly(raw);
  if (UNPRINTABLE.test(path)) throw badRequest('the path contains a character that is not printable');
  return path;
}

function decodeStrictly(raw: string): string {
  try {
    return decodeURIComponent(raw);
  } catch {
    throw badRequest('the path contains an invalid percent-encoding');
  }
}

const BASE = '/v1/';

/**
 * The canonical path of what lies under `/v1/`; undefined for any other served root.
 * @param decoded - from `decodePath`.
 * @throws CodedError `bad_request` naming a segment that no path may have, or for a path that is too long.
 */
export function apiPath(decoded: string): CanonicalPath | undefined {
  if (!decoded.startsWith(BASE)) return undefined;
  const text = decoded.slice(BASE.length);
  // Each segment costs, in rules and in names that are sealed one below the other.
  if (text.length > PATH_CHARS_MAX) throw badRequest('path is too long');
  refuseSegments(text);
  return { text, trailingSlash: text.endsWith('/') };
}

/** An empty, `.` or `..` segment; the nothing after a trailing slash is none. */
const REFUSED_SEGMENT = /(?:^|\/)(\.{0,2})\/|(?:^|\/)(\.{1,2})$/;

function refuseSegments(text: string): void {
  const found = REFUSED_SEGMENT.exec(text);
  if (found === null) return;
  // Vault's text for a relative path does not depend on which refused segment comes first.
  if (/(?:^|\/)\.\.(?:\/|$)/.test(text)) throw badRequest('relative paths not supported');
  const segment = found[1] ?? found[2];
  throw badRequest(
    segment === '' ? 'empty path segment "//" not supported' : 'path segment "." not supported',
  );
}

/**
 * The path as its verb names it. A list's ends in `/`, so that policies on `path/` hold however the client spelled it.
 * @throws CodedError `bad_request` for a write to a path that ends in `/`.
 */
export function pathFor(verb: Verb, path: CanonicalPath): CanonicalPath {
  if (verb === 'list' && !path.trailingSlash && path.text !== '') {
    return { text: `${path.text}/`, trailingSlash: false };
  }
  if (path.trailingSlash && (verb === 'update' || verb === 'patch')) {
    throw badRequest("cannot write to a path ending in '/'");
  }
  return path;
}

/**
 * The canonical text of an X-Vault-Namespace header: its slashes at both ends taken off, '' for the root namespace.
 * @param value - as Node gives headers, one char per byte.
 * @throws CodedError `bad_request` as for a path.
 */
export function namespacePath(value: string): string {
  const text = withoutSlashes(Buffer.from(value, 'latin1').toString('utf8'));
  if (text.includes('\ufffd') || UNPRINTABLE.test(text)) {
    throw badRequest('the namespace contains a character that is not printable');
  }
  refuseSegments(text);
  return text;
}

/** By hand: a pattern for slashes at an end takes the square of the time that it takes to read them, wherever they stand. */
function withoutSlashes(text: string): string {
  let [from, to] = [0, text.length];
  while (from < to && text[from] === '/') from++;
  while (to > from && text[to - 1] === '/') to--;
  return text.slice(from, to);
}
