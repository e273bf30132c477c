/**
 * JSON text → `Json`, bounded in depth and count, without recursion, in linear time (RFC 8259).
 *
 * Our own because `JSON.parse` loses what Vault keeps (the text of numbers, `__proto__` as a key) and bounds nothing. Where RFC 8259
 * leaves a choice we do as Go's encoding/json: bytes that are not UTF-8 and lone surrogate escapes become U+FFFD, the last of equal
 * keys wins, a byte order mark is refused. Unlike Go's stream decoder, anything but blanks after the value is refused too.
 *
 * @module
 */
import { isUtf8 } from 'node:buffer';
import { badRequest, CodedError } from './errors.ts';
import { type Json, type JsonMap, JsonNumber } from './json.ts';
import {
  JSON_CONTAINER_BYTES,
  JSON_DEPTH_MAX,
  JSON_SCALAR_BYTES,
  JSON_SHARED_TEXT_CHARS_MAX,
  JSON_VALUES_MAX,
} from './limits.ts';

export interface JsonLimits {
  /** How many lists and objects may be open at once. */
  readonly depthMax: number;
  /** How many values there may be in all: scalars, lists, objects. */
  readonly valuesMax: number;
}

const DEFAULT_LIMITS: JsonLimits = { depthMax: JSON_DEPTH_MAX, valuesMax: JSON_VALUES_MAX };

/**
 * Parses one JSON value.
 * @param input - bytes, read as UTF-8, or text.
 * @returns strings that do not keep a large input alive.
 * @throws CodedError `bad_request` with a position at most: the input may be secret, so nothing of it is echoed.
 */
export function parseJson(input: Uint8Array | string, limits: JsonLimits = DEFAULT_LIMITS): Json {
  return new Parser(wellFormed(input), limits, Number.POSITIVE_INFINITY).document();
}

/**
 * As `parseJson`, for input that nobody vouches for: says how much memory the value takes besides the text of its strings. Two bytes of
 * JSON may be two hundred in memory.
 * @param memoryMax - bytes. @throws CodedError `overloaded` as soon as it would be more.
 */
export function parseJsonWithin(
  input: Uint8Array | string,
  limits: JsonLimits,
  memoryMax: number,
): { value: Json; memory: number } {
  const parser = new Parser(wellFormed(input), limits, memoryMax);
  return { value: parser.document(), memory: parser.memory };
}

function wellFormed(input: Uint8Array | string): string {
  return typeof input === 'string' ? input.toWellFormed() : decodeUtf8(input);
}

/** UTF-8 → text as Go decodes it: each byte that is no part of a valid sequence becomes one U+FFFD. */
export function decodeUtf8(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (isUtf8(buffer)) return buffer.toString('utf8');
  const parts: string[] = [];
  let from = 0;
  for (let at = 0; at < buffer.length; ) {
    const length = sequenceLength(buffer, at);
    if (length > 0) {
      at += length;
      continue;
    }
    parts.push(buffer.toString('utf8', from, at), '\ufffd');
    from = ++at;
  }
  parts.push(buffer.toString('utf8', from));
  return parts.join('');
}

/**
 * Bytes of the sequence at `at`: a lead byte and as many continuation bytes as it announces; 0 where there is none. Overlong forms,
 * surrogates and what lies above U+10FFFF pass, since Buffer turns each of their bytes into one U+FFFD, as Go does. Only where a
 * sequence breaks off do the two differ.
 */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const lead = bytes[at]!;
  if (lead < 0x80) return 1;
  const length = lead < 0xc0 || lead > 0xf7 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  for (let i = 1; i < length; i++) if (((bytes[at + i] ?? 0) & 0xc0) !== 0x80) return 0;
  return length;
}

/** V8's `SlicedString::kMinLength`. */
const CUT_CHARS_MIN = 13;

const CONTROL = /[\u0000-\u001f]/;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** V8 gives a list that grows from one value room for so many. */
const LIST_ROOM = 17;

class Parser {
  /** Bytes that what was parsed so far takes, about. */
  memory = 0;
  private readonly text: string;
  private readonly limits: JsonLimits;
  private readonly memoryMax: number;
  private readonly controls: boolean;
  private at = 0;
  /** The first backslash at or after the place it was last looked for. Looked for anew only once passed, so linear in all. */
  private backslash: number;

  constructor(text: string, limits: JsonLimits, memoryMax: number) {
    this.text = text;
    this.limits = limits;
    this.memoryMax = memoryMax;
    this.controls = CONTROL.test(text);
    this.backslash = this.findBackslash(0);
  }

  document(): Json {
    // What is open, by depth: an object with the name that is to get a value, or a list, which is made with its first value.
    const maps: (JsonMap | undefined)[] = [];
    const lists: (Json[] | undefined)[] = [];
    const keys: string[] = [];
    let depth = 0;
    for (let values = 1; ; values++) {
      if (values > this.limits.valuesMax) throw refused(`more than ${this.limits.valuesMax} values`);
      let value: Json;
      const first = this.peek();
      const isContainer = first === OPEN_LIST || first === OPEN_OBJECT;
      this.memory += isContainer ? JSON_CONTAINER_BYTES : JSON_SCALAR_BYTES;
      if (this.memory > this.memoryMax) throw new CodedError('overloaded');
      if (isContainer) {
        if (depth >= this.limits.depthMax) throw refused(`nested deeper than ${this.limits.depthMax}`);
        this.at++;
        if (this.peek() !== (first === OPEN_LIST ? CLOSE_LIST : CLOSE_OBJECT)) {
          maps[depth] = first === OPEN_LIST ? undefined : new Map();
          lists[depth] = undefined;
          if (first === OPEN_OBJECT) keys[depth] = this.key();
          depth++;
          continue;
        }
        this.at++;
        value = first === OPEN_LIST ? [] : new Map();
      } else value = first === QUOTE ? this.string() : this.numberOrLiteral(first);

      // The value is whole: it goes where it belongs, and so does each container that ends right after it.
      for (;;) {
        const next = this.peek();
        if (depth === 0) {
          if (this.at < this.text.length) throw this.unexpected();
          return value;
        }
        const map = maps[depth - 1];
        const list = lists[depth - 1];
        if (map !== undefined) map.set(keys[depth - 1]!, value);
        else if (list !== undefined) list.push(value);
        else lists[depth - 1] = [value];
        if (next !== COMMA && next !== (map === undefined ? CLOSE_LIST : CLOSE_OBJECT)) {
          throw this.unexpected();
        }
        this.at++;
        if (next === COMMA) {
          if (map !== undefined) keys[depth - 1] = this.key();
          break;
        }
        depth--;
        value = map ?? trimmed(lists[depth]!);
      }
    }
  }

  /** Skips blanks; the code of the character that follows, NaN at the end. */
  private peek(): number {
    for (;;) {
      const code = this.text.charCodeAt(this.at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return code;
      this.at++;
    }
  }

  private key(): string {
    if (this.peek() !== QUOTE) throw this.unexpected();
    const key = this.string();
    this.memory += JSON_SCALAR_BYTES;
    if (this.peek() !== COLON) throw this.unexpected();
    this.at++;
    return key;
  }

  private string(): string {
    const start = this.at + 1;
    if (this.backslash < start) this.backslash = this.findBackslash(start);
    let end = this.findQuote(start);
    if (this.backslash > end) {
      this.at = end + 1;
      const plain = this.text.slice(start, end);
      if (this.controls && CONTROL.test(plain)) throw this.unexpected();
      return this.own(plain);
    }
    while (this.backslash < end) {
      const after = this.backslash + 2;
      this.backslash = this.findBackslash(after);
      if (end < after) end = this.findQuote(after);
    }
    this.at = end + 1;
    try {
      // V8 undoes the escapes by RFC 8259 and refuses control characters. Its error text quotes the input: dropped.
      return (JSON.parse(this.text.slice(start - 1, end + 1)) as string).toWellFormed();
    } catch {
      throw this.unexpected();
    }
  }

  private numberOrLiteral(first: number): Json {
    NUMBER.lastIndex = this.at;
    if (NUMBER.test(this.text)) {
      const number = new JsonNumber(this.own(this.text.slice(this.at, NUMBER.lastIndex)));
      this.at = NUMBER.lastIndex;
      return number;
    }
    const word = first === 0x74 ? 'true' : first === 0x66 ? 'false' : 'null';
    if (!this.text.startsWith(word, this.at)) throw this.unexpected();
    this.at += word.length;
    return word === 'null' ? null : word === 'true';
  }

  /** V8 cuts strings by reference, short ones aside: what is kept of a large body would keep all of it. */
  private own(part: string): string {
    if (part.length < CUT_CHARS_MIN || this.text.length <= JSON_SHARED_TEXT_CHARS_MAX) return part;
    return Buffer.from(part).toString('utf8');
  }

  private findBackslash(from: number): number {
    const found = this.text.indexOf('\\', from);
    return found < 0 ? this.text.length : found;
  }

  private findQuote(from: number): number {
    const found = this.text.indexOf('"', from);
    if (found < 0) throw refused('unexpected end');
    return found;
  }

  private unexpected(): CodedError {
    return refused(
      this.at < this.text.length ? `unexpected character at position ${this.at}` : 'unexpected end',
    );
  }
}

/** A short list in no more room than it needs. */
function trimmed(list: Json[]): Json[] {
  return list.length > 1 && list.length < LIST_ROOM ? list.slice() : list;
}

function refused(why: string): CodedError {
  return badRequest(`failed to parse JSON input: ${why}`);
}
