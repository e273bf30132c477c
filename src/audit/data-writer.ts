/**
 * Request and response data as JSON with every string hidden (contract §17): strings become their HMAC at any depth; names,
 * numbers, booleans and null stay; so do RFC 3339 times, and strings directly under names that the mount exempts.
 *
 * @module
 */

import { type Encodable, type Json, JsonNumber, RawJson } from '../model/json.ts';
import { encodeString, sortUtf8 } from '../model/json-encoder.ts';
import { parseJson } from '../model/json-parser.ts';
import {
  AUDIT_INLINE_CHARS_MAX,
  AUDIT_INLINE_VALUES_MAX,
  AUDIT_SLICE_MS,
  AUDIT_SORTED_MEMBERS_MAX,
  JSON_DEPTH_MAX,
} from '../model/limits.ts';

/** What becomes of a string that stands directly, or in a list, under `name`. The result is written as a JSON string. */
export type HideString = (text: string, name: string) => string;

/** A guess at how many characters of JSON text one value takes. */
const RAW_CHARS_PER_VALUE = 16;
/** A guess at what one value of a long list or object takes. */
const CHARS_PER_VALUE = 64;
/** Text that this program made itself: it was within bounds when it came in, and lists of names may be longer. */
const RAW_LIMITS = { depthMax: 2 * JSON_DEPTH_MAX, valuesMax: Number.MAX_SAFE_INTEGER };

/** Is this more than may be rendered without giving others a turn? Looks at no more than the bounds allow. */
export function isLarge(data: Encodable): boolean {
  if (data === undefined) return false;
  if (data instanceof RawJson) return 1 + valuesIn(data) > AUDIT_INLINE_VALUES_MAX;
  let values = 0;
  let chars = 0;
  const waiting: Encodable[] = [data];
  while (waiting.length > 0) {
    const value = waiting.pop();
    values += 1;
    if (typeof value === 'string') chars += value.length;
    else if (value instanceof JsonNumber) chars += value.text.length;
    else if (value instanceof RawJson) values += valuesIn(value);
    else if (value instanceof Map) {
      values += value.size;
      if (values <= AUDIT_INLINE_VALUES_MAX) {
        waiting.push(...value.values());
        for (const name of value.keys()) chars += name.length;
      }
    } else if (Array.isArray(value)) {
      values += value.length;
      if (values <= AUDIT_INLINE_VALUES_MAX) waiting.push(...value);
    } else if (typeof value === 'object' && value !== null) {
      const members = Object.entries(value as { [key: string]: Encodable });
      values += members.length;
      if (values <= AUDIT_INLINE_VALUES_MAX) {
        for (const [name, member] of members) {
          waiting.push(member);
          chars += name.length;
        }
      }
    }
    if (values > AUDIT_INLINE_VALUES_MAX || chars > AUDIT_INLINE_CHARS_MAX) return true;
  }
  return false;
}

function valuesIn({ text }: RawJson): number {
  return Math.ceil(text.length / RAW_CHARS_PER_VALUE);
}

/** About how many characters data takes. Looks at its first two levels only: what is large there is text, or a long list. */
export function weightOf(data: Encodable, depth = 0): number {
  if (typeof data === 'string') return data.length;
  if (data instanceof RawJson) return data.text.length;
  if (data instanceof JsonNumber) return CHARS_PER_VALUE + data.text.length;
  if (typeof data !== 'object' || data === null) return CHARS_PER_VALUE;
  const values = data instanceof Map ? [...data.values()] : Array.isArray(data) ? data : Object.values(data);
  if (depth > 1 || values.length > AUDIT_INLINE_VALUES_MAX) return values.length * CHARS_PER_VALUE;
  return values.reduce((sum: number, value) => sum + weightOf(value as Encodable, depth + 1), 0);
}

/** JSON of `data`, at once. */
export function writeData(data: Encodable, hide: HideString): string {
  const walk = startWalk(data, hide);
  continueWalk(walk, Number.POSITIVE_INFINITY);
  return walk.text;
}

/** JSON of `data`, with a turn for others every few milliseconds. `data` must not change meanwhile. */
export async function writeLargeData(data: Encodable, hide: HideString): Promise<string> {
  const walk = startWalk(data, hide);
  while (!continueWalk(walk, performance.now() + AUDIT_SLICE_MS)) await nextTurn();
  return walk.text;
}

export function parseRaw(value: RawJson): Json {
  return parseJson(value.text, RAW_LIMITS);
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A list or object that is being written. Not the call stack: data may be nested deeper than that is long. */
interface Frame {
  /** Names of an object's members in the order they are written; undefined for a list. */
  readonly names: readonly string[] | undefined;
  readonly length: number;
  get(at: number): Encodable;
  at: number;
  /** Whether a member has been written, so that a comma goes before the next. */
  begun: boolean;
  /** The innermost name: a list's own, or that of the member being written. */
  name: string;
}

interface Walk {
  text: string;
  readonly frames: Frame[];
  readonly hide: HideString;
}

/** The clock is looked at after so many values. */
const VALUES_PER_LOOK = 128;

function startWalk(data: Encodable, hide: HideString): Walk {
  const walk: Walk = { text: '', frames: [], hide };
  writeValue(walk, data, '');
  return walk;
}

/** @returns true when all is written; false when `untilMs` has passed. */
function continueWalk(walk: Walk, untilMs: number): boolean {
  const { frames } = walk;
  let looked = 0;
  for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
    if (frame.at === frame.length) {
      walk.text += frame.names ? '}' : ']';
      frames.pop();
      continue;
    }
    const at = frame.at++;
    const value = frame.get(at);
    if (frame.names) {
      if (value === undefined) continue;
      frame.name = frame.names[at]!;
      walk.text += `${frame.begun ? ',' : ''}${encodeString(frame.name)}:`;
    } else if (frame.begun) {
      walk.text += ',';
    }
    frame.begun = true;
    writeValue(walk, value, frame.name);
    looked += 1;
    if (looked % VALUES_PER_LOOK === 0 && performance.now() > untilMs) return false;
  }
  return true;
}

function writeValue(walk: Walk, value: Encodable, name: string): void {
  if (typeof value === 'string') {
    walk.text += encodeString(isTime(value) ? value : walk.hide(value, name));
  } else if (value === null || value === undefined) {
    walk.text += 'null';
  } else if (typeof value !== 'object') {
    walk.text += String(value);
  } else if (value instanceof JsonNumber) {
    walk.text += value.text;
  } else if (value instanceof RawJson) {
    writeValue(walk, parseRaw(value), name);
  } else {
    const frame = frameOf(value, name);
    walk.text += frame.names ? '{' : '[';
    walk.frames.push(frame);
  }
}

type Container =
  | readonly Encodable[]
  | ReadonlyMap<string, Encodable>
  | { readonly [key: string]: Encodable };

function frameOf(value: Container, name: string): Frame {
  const start = { at: 0, begun: false, name };
  if (Array.isArray(value))
    return { ...start, names: undefined, length: value.length, get: (at) => value[at] };
  const isMap = value instanceof Map;
  const names: string[] = isMap ? [...value.keys()] : Object.keys(value);
  if (names.length > 1 && names.length <= AUDIT_SORTED_MEMBERS_MAX) sortUtf8(names);
  const get = isMap
    ? (at: number) => value.get(names[at]!)
    : (at: number) => (value as { [key: string]: Encodable })[names[at]!];
  return { ...start, names, length: names.length, get };
}

const MONTH_LASTS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const TIME = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/;

/**
 * Is this an RFC 3339 time as Go writes one? Stricter than Go's reader (at most nine digits of a second, real days), since what
 * passes stays readable.
 */
export function isTime(text: string): boolean {
  if (text.length < 20 || text.length > 35) return false;
  const found = TIME.exec(text);
  if (!found) return false;
  const [year, month, day] = [Number(found[1]), Number(found[2]), Number(found[3])];
  if (Number(found[4]) > 23 || Number(found[5]) > 59 || Number(found[6]) > 59) return false;
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const monthLast = month === 2 && isLeap ? 29 : MONTH_LASTS[month - 1];
  return monthLast !== undefined && day >= 1 && day <= monthLast;
}
