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
    if (value instanceof Map) return encodeMembers([...value.keys()], (key) => value.get(key), sorted);
    if (value instanceof JsonNumber || value instanceof RawJson) return value.text;
    if (Array.isArray(value)) return encodeList(value, sorted);
    const object = value as { readonly [key: string]: Encodable };
    return encodeMembers(Object.keys(object), (key) => object[key], sorted);
  }
  // Go writes floats "as if by ES6 number to string conversion", so String agrees, exponents included.
  assert(typeof value !== 'number' || Number.isFinite(value), 'JSON has no such number');
  return String(value);
}

function encodeList(list: readonly Encodable[], sorted: boolean): string {
  let text = '[';
  for (let i = 0; i < list.length; i++) text += (i === 0 ? '' : ',') + encode(list[i], sorted);
  return `${text}]`;
}

function encodeMembers(keys: string[], get: (key: string) => Encodable, sorted: boolean): string {
  if (sorted && keys.length > 1) sortUtf8(keys);
  let text = '{';
  let comma = '';
  for (const key of keys) {
    const value = get(key);
    if (value === undefined) continue;
    text += `${comma}${encodeString(key)}:${encode(value, sorted)}`;
    comma = ',';
  }
  return `${text}}`;
}

const SURROGATE = /[\ud800-\udfff]/;

/** Sorts in place by UTF-8 bytes. UTF-16 order, which is JavaScript's, differs only where surrogates are. */
export function sortUtf8(texts: string[]): string[] {
  return texts.some((text) => SURROGATE.test(text)) ? texts.sort(compareUtf8) : texts.sort();
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

/** A JSON string with Go's escapes: those of JSON, and `<`, `>`, `&`, U+2028, U+2029. Lone surrogates become U+FFFD. */
export function encodeString(text: string): string {
  if (!SPECIAL.test(text)) return `"${text}"`;
  // JSON.stringify writes \b \f \n \r \t and lower-case \u00xx exactly as Go does.
  return JSON.stringify(text.toWellFormed()).replace(HTML, (char) => HTML_ESCAPES[char]!);
}
