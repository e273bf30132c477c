/**
 * Protocol Buffers (proto3), as far as etcd's messages need them, from a table of messages. Objects look as in the JSON mapping: 64-bit
 * numbers come out as strings, bytes as base64, and what has its zero value is left out. Bytes may go in as they are.
 *
 * @module
 */
import assert from 'node:assert/strict';

/** A scalar, the names of an enum in their order, or the name of a message. */
export type FieldKind =
  | 'bytes'
  | 'string'
  | 'int'
  | 'bool'
  | readonly string[]
  | { readonly message: string };
/** Number, kind, and whether it is a list. */
export type Field = readonly [number: number, kind: FieldKind, list?: 'list'];
export type Messages = Readonly<Record<string, Readonly<Record<string, Field>>>>;

type Values = Readonly<Record<string, unknown>>;

const VARINT = 0;
const FIXED64 = 1;
const DELIMITED = 2;
const FIXED32 = 5;
const VARINT_BYTES_MAX = 10;

/** `value` as the message `name` of `messages`. Members that the table does not name, or that are undefined, are left out. */
export function encodeMessage(messages: Messages, name: string, value: object): Buffer {
  const writer = makeWriter(scratch ?? Buffer.allocUnsafeSlow(SCRATCH_BYTES));
  // Whoever comes while it is in use makes its own.
  scratch = undefined;
  writeMessage(writer, messages, name, value as Values);
  const message = Buffer.from(writer.bytes());
  scratch = writer.rest();
  return message;
}

/** Space that stays between two messages: a group of commits is about as large as the one before. */
let scratch: Buffer | undefined;
const SCRATCH_BYTES = 4 * 1024;
const SCRATCH_BYTES_MAX = 1024 * 1024;

/**
 * Unknown fields are passed by.
 * @throws Error for bytes that are no message.
 */
export function decodeMessage(messages: Messages, name: string, bytes: Buffer): unknown {
  return readMessage(messages, name, bytes, 0, bytes.length);
}

/** Writes from the end to the beginning: what a length counts is then written before the length. */
interface Writer {
  varint(value: number | bigint): void;
  raw(bytes: Uint8Array): void;
  /** Bytes so far. */
  size(): number;
  /** They share the memory of what `rest` returns. */
  bytes(): Buffer;
  /** The space for the next message, with nothing of this one in it; undefined: it grew too large to be kept. */
  rest(): Buffer | undefined;
}

function makeWriter(space: Buffer): Writer {
  let buffer = space;
  let at = buffer.length;
  function room(bytes: number): void {
    if (at >= bytes) return;
    const used = buffer.length - at;
    const larger = Buffer.allocUnsafeSlow(Math.max(buffer.length * 2, used + bytes));
    buffer.copy(larger, larger.length - used, at);
    buffer = larger;
    at = larger.length - used;
  }
  function varint(value: number | bigint): void {
    room(VARINT_BYTES_MAX);
    const whole = typeof value === 'number' && value >= 0 ? value : BigInt.asUintN(64, BigInt(value));
    let groups = 1;
    if (typeof whole === 'number') {
      for (let rest = whole; rest >= 0x80; rest = Math.floor(rest / 0x80)) groups++;
      at -= groups;
      let rest = whole;
      for (let to = at; to < at + groups; to++, rest = Math.floor(rest / 0x80))
        buffer[to] = (rest % 0x80) | 0x80;
    } else {
      for (let rest = whole; rest >= 0x80n; rest >>= 7n) groups++;
      at -= groups;
      let rest = whole;
      for (let to = at; to < at + groups; to++, rest >>= 7n) buffer[to] = Number(rest & 0x7fn) | 0x80;
    }
    buffer[at + groups - 1]! &= 0x7f;
  }
  return {
    varint,
    raw(bytes) {
      room(bytes.length);
      at -= bytes.length;
      buffer.set(bytes, at);
    },
    size: () => buffer.length - at,
    bytes: () => buffer.subarray(at),
    rest() {
      // A password may be among it.
      buffer.fill(0, at);
      return buffer.length <= SCRATCH_BYTES_MAX ? buffer : undefined;
    },
  };
}

function writeMessage(writer: Writer, messages: Messages, name: string, value: Values): void {
  for (const [member, [number, kind, list]] of Object.entries(messages[name]!).reverse()) {
    const given = value[member];
    if (given === undefined) continue;
    const each = list ? (given as readonly unknown[]) : [given];
    for (let at = each.length - 1; at >= 0; at--) writeField(writer, messages, number, kind, each[at]);
  }
}

function writeField(
  writer: Writer,
  messages: Messages,
  number: number,
  kind: FieldKind,
  value: unknown,
): void {
  if (kind === 'int' || kind === 'bool' || Array.isArray(kind)) {
    writer.varint(numberOf(kind, value));
    writer.varint(number * 8 + VARINT);
    return;
  }
  const before = writer.size();
  if (kind === 'string') writer.raw(Buffer.from(value as string, 'utf8'));
  else if (kind === 'bytes')
    writer.raw(typeof value === 'string' ? Buffer.from(value, 'base64') : (value as Buffer));
  else writeMessage(writer, messages, (kind as { message: string }).message, value as Values);
  writer.varint(writer.size() - before);
  writer.varint(number * 8 + DELIMITED);
}

function numberOf(kind: FieldKind, value: unknown): number | bigint {
  if (kind === 'bool') return value ? 1 : 0;
  if (kind === 'int') {
    const whole = Number(value);
    return Number.isSafeInteger(whole) ? whole : BigInt(value as string);
  }
  const place = (kind as readonly string[]).indexOf(value as string);
  assert(place >= 0, `${value} is none of an enum's names`);
  return place;
}

function readMessage(messages: Messages, name: string, bytes: Buffer, from: number, to: number): unknown {
  const fields = byNumber(messages, name);
  const value: Record<string, unknown> = {};
  let at = from;
  while (at < to) {
    const tag = readVarint(bytes, at, to);
    const wire = Number(tag.value) & 7;
    at = tag.next;
    const content = readContent(bytes, wire, at, to);
    at = content.to;
    const field = fields.get(Math.floor(Number(tag.value) / 8));
    if (field === undefined) continue;
    const { member, kind, isList } = field;
    if ((wire === DELIMITED) !== isDelimited(kind)) throw new Error(`${name}.${member} has another type`);
    const read = readValue(messages, kind, bytes, content);
    if (!isList) value[member] = read;
    else if (value[member] === undefined) value[member] = [read];
    else (value[member] as unknown[]).push(read);
  }
  return value;
}

/** A field's value lies between `from` and `to`; `number`, where it is one. */
interface Content {
  readonly from: number;
  readonly to: number;
  readonly number?: number | bigint;
}

function readContent(bytes: Buffer, wire: number, at: number, end: number): Content {
  if (wire === VARINT) {
    const { value, next } = readVarint(bytes, at, end);
    return { from: at, to: next, number: value };
  }
  let from = at;
  let length = wire === FIXED64 ? 8 : wire === FIXED32 ? 4 : -1;
  if (wire === DELIMITED) {
    const { value, next } = readVarint(bytes, at, end);
    from = next;
    length = Number(value);
  }
  if (length < 0 || from + length > end) throw new Error('a message ends within a field');
  return { from, to: from + length };
}

function readValue(
  messages: Messages,
  kind: FieldKind,
  bytes: Buffer,
  { from, to, number }: Content,
): unknown {
  if (kind === 'bytes') return bytes.toString('base64', from, to);
  if (kind === 'string') return bytes.toString('utf8', from, to);
  if (kind === 'bool') return number !== 0;
  if (kind === 'int') return String(number);
  if (Array.isArray(kind)) return kind[Number(number)];
  return readMessage(messages, (kind as { message: string }).message, bytes, from, to);
}

function isDelimited(kind: FieldKind): boolean {
  return kind === 'bytes' || kind === 'string' || (typeof kind === 'object' && !Array.isArray(kind));
}

function readVarint(bytes: Buffer, from: number, end: number): { value: number | bigint; next: number } {
  let value = 0;
  let scale = 1;
  for (let at = from; at < end; at++) {
    const byte = bytes[at]!;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return { value, next: at + 1 };
    scale *= 0x80;
    // Seven groups are 49 bits: beyond that a number would lose some.
    if (at - from >= 6) return readLongVarint(bytes, from, end);
  }
  throw new Error('a message ends within a number');
}

function readLongVarint(bytes: Buffer, from: number, end: number): { value: bigint; next: number } {
  let value = 0n;
  for (let at = from; at < Math.min(end, from + VARINT_BYTES_MAX); at++) {
    const byte = bytes[at]!;
    value |= BigInt(byte & 0x7f) << BigInt(7 * (at - from));
    if (byte < 0x80) return { value: BigInt.asIntN(64, value), next: at + 1 };
  }
  throw new Error('a message ends within a number');
}

interface NumberedField {
  readonly member: string;
  readonly kind: FieldKind;
  readonly isList: boolean;
}

const tables = new WeakMap<object, Map<number, NumberedField>>();

function byNumber(messages: Messages, name: string): Map<number, NumberedField> {
  const fields = messages[name]!;
  let table = tables.get(fields);
  if (table === undefined) {
    table = new Map(
      Object.entries(fields).map(([member, [number, kind, list]]) => [
        number,
        { member, kind, isList: list !== undefined },
      ]),
    );
    tables.set(fields, table);
  }
  return table;
}
