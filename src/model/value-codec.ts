/**
 * Values as they cross between nodes: what operations take and reply, byte for byte the same on the other side. One byte says what
 * follows; lengths and counts are LEB128.
 *
 * Takes undefined, null, booleans, numbers, bigints, strings, bytes, arrays, Maps, plain objects, `JsonNumber` and `RawJson`. Nothing
 * else: what has a class of its own would come out without it. A peer is believed to be honest, not to be free of errors: what is
 * not an encoding is refused, and costs no more than its length.
 *
 * @module
 */
import { JsonNumber, RawJson } from './json.ts';
import { VALUE_DEPTH_MAX } from './limits.ts';

const TAG = {
  undefined: 0,
  null: 1,
  false: 2,
  true: 3,
  /** LEB128; and as -1 - n. */
  integer: 4,
  negative: 5,
  /** 8 bytes, big endian. */
  double: 6,
  /** Its decimal text. */
  bigint: 7,
  text: 8,
  /** UTF-16, little endian: a text that UTF-8 cannot say. */
  text16: 9,
  bytes: 10,
  list: 11,
  map: 12,
  object: 13,
  jsonNumber: 14,
  rawJson: 15,
} as const;

/** Of the scratch space that stays between two encodings. */
const SCRATCH_BYTES = 64 * 1024;
/** The highest length, count or integer that is written as LEB128. */
const VARINT_MAX = 2 ** 31 - 1;

/** The bytes are not what `packValue` made. */
export class BadValue extends Error {
  constructor(why: string) {
    super(`no encoded value: ${why}`);
    this.name = 'BadValue';
  }
}

const resting: Buffer = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
let scratch: Buffer = resting;
let at = 0;

/** @throws TypeError for a value of any other kind, or nested deeper than VALUE_DEPTH_MAX (as one that holds itself is). */
export function packValue(value: unknown): Buffer {
  at = 0;
  try {
    put(value, 0);
    return Buffer.from(scratch.subarray(0, at));
  } finally {
    // Secrets were among it.
    if (scratch === resting) resting.fill(0, 0, at);
    scratch = resting;
  }
}

/**
 * @returns copies: nothing in it refers to `bytes`.
 * @throws BadValue
 */
export function unpackValue(bytes: Uint8Array): unknown {
  const reader = new Reader(bytes);
  const value = reader.take(0);
  if (!reader.isAtEnd) throw new BadValue('more follows');
  return value;
}

function room(bytes: number): void {
  if (at + bytes <= scratch.length) return;
  const larger = Buffer.allocUnsafeSlow(Math.max(2 * scratch.length, at + bytes));
  scratch.copy(larger, 0, 0, at);
  if (scratch === resting) resting.fill(0, 0, at);
  scratch = larger;
}

function putTag(tag: number): void {
  room(1);
  scratch[at++] = tag;
}

function putVarint(number: number): void {
  room(5);
  let rest = number;
  while (rest > 0x7f) {
    scratch[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  scratch[at++] = rest;
}

function putUtf8(text: string): void {
  const { length } = text;
  if (length < 64) {
    // Short ones are mostly ASCII, and one byte of length then suffices.
    room(1 + 3 * length);
    const start = at + 1;
    const written = scratch.write(text, start, 'utf8');
    if (written <= 0x7f) {
      scratch[at] = written;
      at = start + written;
      return;
    }
  }
  const bytes = Buffer.byteLength(text);
  putVarint(bytes);
  room(bytes);
  at += scratch.write(text, at, 'utf8');
}

function putText(tag: number, text: string): void {
  if (text.isWellFormed()) {
    putTag(tag);
    putUtf8(text);
    return;
  }
  if (tag !== TAG.text) throw new TypeError('JSON text that is not well-formed cannot cross');
  putTag(TAG.text16);
  putVarint(2 * text.length);
  room(2 * text.length);
  at += scratch.write(text, at, 'utf16le');
}

function putNumber(number: number): void {
  if (Number.isInteger(number) && number <= VARINT_MAX && number > -VARINT_MAX && !Object.is(number, -0)) {
    putTag(number < 0 ? TAG.negative : TAG.integer);
    putVarint(number < 0 ? -1 - number : number);
    return;
  }
  room(9);
  scratch[at] = TAG.double;
  at = scratch.writeDoubleBE(number, at + 1);
}

function put(value: unknown, depth: number): void {
  if (typeof value === 'string') putText(TAG.text, value);
  else if (value === null) putTag(TAG.null);
  else if (typeof value === 'object') putObject(value, depth);
  else if (typeof value === 'number') putNumber(value);
  else if (typeof value === 'boolean') putTag(value ? TAG.true : TAG.false);
  else if (value === undefined) putTag(TAG.undefined);
  else if (typeof value === 'bigint') putText(TAG.bigint, String(value));
  else throw new TypeError(`a ${typeof value} cannot cross between nodes`);
}

function putObject(value: object, depth: number): void {
  if (depth >= VALUE_DEPTH_MAX) throw new TypeError('a value is nested too deep to cross between nodes');
  if (value instanceof Uint8Array) {
    putTag(TAG.bytes);
    putVarint(value.length);
    room(value.length);
    scratch.set(value, at);
    at += value.length;
  } else if (Array.isArray(value)) {
    putTag(TAG.list);
    putVarint(value.length);
    for (let i = 0; i < value.length; i++) put(value[i], depth + 1);
  } else if (value instanceof Map) {
    putTag(TAG.map);
    putVarint(value.size);
    for (const [key, member] of value) {
      put(key, depth + 1);
      put(member, depth + 1);
    }
  } else if (value instanceof RawJson) {
    putText(TAG.rawJson, value.text);
  } else if (value instanceof JsonNumber) {
    putText(TAG.jsonNumber, value.text);
  } else {
    const prototype = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null) {
      throw new TypeError(`a ${value.constructor?.name ?? 'thing'} cannot cross between nodes`);
    }
    const keys = Object.keys(value);
    putTag(TAG.object);
    putVarint(keys.length);
    for (const key of keys) {
      putText(TAG.text, key);
      put((value as Record<string, unknown>)[key], depth + 1);
    }
  }
}

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  take(depth: number): unknown {
    const tag = this.#byte();
    switch (tag) {
      case TAG.text:
        return this.#utf8();
      case TAG.undefined:
        return undefined;
      case TAG.null:
        return null;
      case TAG.false:
        return false;
      case TAG.true:
        return true;
      case TAG.integer:
        return this.#varint();
      case TAG.negative:
        return -1 - this.#varint();
      case TAG.double: {
        const start = this.#skip(8);
        return this.#bytes.readDoubleBE(start);
      }
      case TAG.bigint: {
        const text = this.#utf8();
        if (!/^-?\d+$/.test(text)) throw new BadValue('a bigint');
        return BigInt(text);
      }
      case TAG.text16: {
        const length = this.#varint();
        const start = this.#skip(length);
        return this.#bytes.toString('utf16le', start, start + length);
      }
      case TAG.bytes: {
        const length = this.#varint();
        const start = this.#skip(length);
        return Buffer.from(this.#bytes.subarray(start, start + length));
      }
      case TAG.jsonNumber:
        return new JsonNumber(this.#utf8());
      case TAG.rawJson:
        return new RawJson(this.#utf8());
      case TAG.list:
      case TAG.map:
      case TAG.object:
        if (depth >= VALUE_DEPTH_MAX) throw new BadValue('nested too deep');
        return this.#members(tag, depth + 1);
      default:
        throw new BadValue(`tag ${tag}`);
    }
  }

  #members(tag: number, depth: number): unknown {
    const count = this.#varint();
    // Each member takes a byte at least.
    if (count > this.#bytes.length - this.#at) throw new BadValue('more members than bytes');
    if (tag === TAG.list) {
      const list: unknown[] = [];
      for (let i = 0; i < count; i++) list.push(this.take(depth));
      return list;
    }
    if (tag === TAG.map) {
      const map = new Map<unknown, unknown>();
      for (let i = 0; i < count; i++) map.set(this.take(depth), this.take(depth));
      return map;
    }
    const object: Record<string, unknown> = {};
    for (let i = 0; i < count; i++) {
      const key = this.take(depth);
      if (typeof key !== 'string') throw new BadValue('a name');
      if (key === '__proto__') {
        const value = this.take(depth);
        Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
      } else {
        object[key] = this.take(depth);
      }
    }
    return object;
  }

  #byte(): number {
    const start = this.#skip(1);
    return this.#bytes[start]!;
  }

  #skip(bytes: number): number {
    const start = this.#at;
    if (bytes > this.#bytes.length - start) throw new BadValue('it ends too soon');
    this.#at = start + bytes;
    return start;
  }

  #varint(): number {
    let number = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#byte();
      number += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) {
        if (number > VARINT_MAX) throw new BadValue('a length');
        return number;
      }
    }
    throw new BadValue('a length');
  }

  #utf8(): string {
    const length = this.#varint();
    const start = this.#skip(length);
    return this.#bytes.toString('utf8', start, start + length);
  }
}
