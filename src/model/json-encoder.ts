/**
 * `Encodable` → JSON text, byte for byte as Go's encoding/json writes it, since clients compare and hash what Vault sends.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { type Encodable, JsonNumber, RawJson } from './json.ts';

/** Members sorted by the UTF-8 bytes of their names at every level, as Go writes maps. Members that are undefined are left out. */
export function encodeSorted(value: Encodable): string {
  return encode(value, true);
}

/** Members in the order given at every level, as Go writes structs. Mind that plain objects put names like `10` first. */
export function encodeOrdered(value: Encodable): string {
  return encode(value, false);
}

function encode(value: Encodable, sorted: boolean): string {
  if (typeof value === 'string') return encodeString(value);
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'object') {
    if (value instanceof Map) return encodeMap(value, sorted);
    if (value instanceof JsonNumber || value instanceof RawJson) return value.text;
    if (Array.isArray(value)) return encodeList(value, sorted);
    return encodeObject(value as { readonly [key: string]: Encodable }, sorted);
  }
  // Go writes floats "as if by ES6 number to string conversion", so String agrees, exponents included.
  if (typeof value === 'number' && !Number.isFinite(value)) assert.fail('JSON has no such number');
  return String(value);
}

function encodeList(list: readonly Encodable[], sorted: boolean): string {
  let text = '[';
  for (let i = 0; i < list.length; i++) text += (i === 0 ? '' : ',') + encode(list[i], sorted);
  return `${text}]`;
}

function encodeMap(map: ReadonlyMap<string, Encodable>, sorted: boolean): string {
  const keys = [...map.keys()];
  if (sorted) sortUtf8(keys);
  let text = '{';
  for (const key of keys) {
    const value = map.get(key);
    if (value !== undefined) text += member(text, key, encode(value, sorted));
  }
  return `${text}}`;
}

function encodeObject(object: { readonly [key: string]: Encodable }, sorted: boolean): string {
  const keys = Object.keys(object);
  if (sorted) sortUtf8(keys);
  let text = '{';
  for (const key of keys) {
    const value = object[key];
    if (value !== undefined) text += member(text, key, encode(value, sorted));
  }
  return `${text}}`;
}

function member(before: string, key: string, value: string): string {
  return `${before.length === 1 ? '' : ','}${encodeString(key)}:${value}`;
}

const SURROGATE = /[\ud800-\udfff]/;

/** Sorts in place by UTF-8 bytes. UTF-16 order, which is JavaScript's, differs only where surrogates are. */
export function sortUtf8(texts: string[]): string[] {
  if (texts.length < 2 || isAscending(texts)) return texts;
  return texts.some((text) => SURROGATE.test(text)) ? texts.sort(compareUtf8) : texts.sort();
}

/** Most objects come in order. What is ascending in UTF-16 without a surrogate is so in UTF-8. */
function isAscending(texts: readonly string[]): boolean {
  for (let i = 0; i < texts.length; i++) {
    if (SURROGATE.test(texts[i]!) || (i > 0 && texts[i - 1]! > texts[i]!)) return false;
  }
  return true;
}

/** Negative, 0 or positive, as the UTF-8 bytes of `a` and `b` compare. */
export function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (x !== y) return codePointRank(x) - codePointRank(y);
  }
  return a.length - b.length;
}

/** Puts surrogates (part of a code point above U+FFFF) behind all other code units. */
function codePointRank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

const SPECIAL = /["\\\u0000-\u001f<>&\u2028\u2029\ud800-\udfff]/;
const HTML = /[<>&\u2028\u2029]/g;
const HTML_ESCAPES: Record<string, string> = {
  '<': '\\u003c',
  '>': '\\u003e',
  '&': '\\u0026',
  '\u2028': '\\u2028',
  '\u2029': '\\u2029',
};

/** Up to this length a loop is faster than the regular expression. */
const PLAIN_CHARS_MAX = 24;
const PLAIN = Uint8Array.from({ length: 128 }, (_, code) =>
  SPECIAL.test(String.fromCharCode(code)) ? 0 : 1,
);

/** ASCII that needs no escape. */
function isPlain(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (PLAIN[text.charCodeAt(i)] !== 1) return false;
  return true;
}

/** A JSON string with Go's escapes: those of JSON, and `<`, `>`, `&`, U+2028, U+2029. Lone surrogates become U+FFFD. */
export function encodeString(text: string): string {
  if (text.length > PLAIN_CHARS_MAX ? !SPECIAL.test(text) : isPlain(text)) return `"${text}"`;
  // JSON.stringify writes \b \f \n \r \t and lower-case \u00xx exactly as Go does.
  return JSON.stringify(text.toWellFormed()).replace(HTML, (char) => HTML_ESCAPES[char]!);
}
