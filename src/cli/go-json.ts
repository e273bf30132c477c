/**
 * JSON as Go's `encoding/json` reads and writes it: numbers keep their text, maps come out in key order, `<`, `>` and `&` are escaped.
 *
 * @module
 */
import { type Encodable, type Json, JsonNumber, RawJson } from '../model/json.ts';
import { quote } from '../model/printable.ts';
import { compareBytes } from './go-text.ts';

/**
 * Decodes one JSON text. Objects become Maps, numbers keep the text they were written with.
 * @throws Error with Go's words for the commonest faults.
 */
export function decodeJson(text: string): Json {
  try {
    return JSON.parse(text, revive) as Json;
  } catch {
    throw new Error(describeFault(text));
  }
}

function revive(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value === 'number') return new JsonNumber(context?.source ?? String(value));
  if (value === null || typeof value !== 'object' || Array.isArray(value) || value instanceof JsonNumber)
    return value;
  return value instanceof Map ? value : new Map(Object.entries(value));
}

function describeFault(text: string): string {
  const trimmed = text.trimStart();
  if (trimmed === '') return text === '' ? 'EOF' : 'unexpected end of JSON input';
  const first = [...trimmed][0] as string;
  if (!/^[{["\-0-9tfn]/.test(first))
    return `invalid character ${quoteChar(first)} looking for beginning of value`;
  return /[}\]]\s*$/.test(text) ? 'invalid JSON' : 'unexpected EOF';
}

function quoteChar(char: string): string {
  return char === "'" ? `'\\''` : `'${quote(char).slice(1, -1)}'`;
}

/** Compact JSON, as a request body. */
export function encodeJson(value: Encodable): string {
  return encode(value, '', '');
}

/** JSON over several lines, two spaces deeper each level, as `-format=json` prints it. */
export function encodeJsonIndented(value: Encodable): string {
  return encode(value, '\n', '  ');
}

/** Maps are written in byte order of their keys, plain objects (Go's structs) in the order they were built in. */
function encode(value: Encodable, line: string, step: string): string {
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'string') return encodeString(value);
  if (typeof value === 'boolean' || typeof value === 'number' || typeof value === 'bigint')
    return String(value);
  if (value instanceof JsonNumber || value instanceof RawJson) return value.text;
  const inner = line + step;
  if (Array.isArray(value)) {
    return bracket(
      '[',
      ']',
      value.map((item) => encode(item, inner, step)),
      line,
      inner,
    );
  }
  const entries =
    value instanceof Map ? [...value].sort(([a], [b]) => compareBytes(a, b)) : Object.entries(value);
  const colon = step === '' ? ':' : ': ';
  const parts = entries
    .filter(([, member]) => member !== undefined)
    .map(([key, member]) => `${encodeString(key)}${colon}${encode(member, inner, step)}`);
  return bracket('{', '}', parts, line, inner);
}

function bracket(open: string, close: string, parts: string[], line: string, inner: string): string {
  if (parts.length === 0) return open + close;
  return `${open}${inner}${parts.join(`,${inner}`)}${line}${close}`;
}

/** Go escapes for HTML and JavaScript, so that its JSON may stand in a page. A lone surrogate becomes U+FFFD, as in Go. */
function encodeString(text: string): string {
  return JSON.stringify(text.toWellFormed()).replace(
    /[<>&\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
