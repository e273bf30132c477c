/**
 * What an actor remembers of the messages that changed it: of each entry node the last number and its outcome, so that a message that comes
 * twice takes effect once (protocol §9). It lies in front of the head record, in the same commit; of a deleted actor, in its `gone/` record.
 *
 *   0xFE, length of the memory (LEB128), memory, what the kind encoded            a head; one that begins otherwise has no memory
 *   time of the deletion (LEB128), memory                                          a `gone/` record
 *
 * @module
 */
import { CLIENT_ENTRIES_MAX, OUTCOME_BYTES_MAX, REMEMBER_MS } from '../model/limits.ts';

/** Who let a message in, and the how manieth change of it it is. */
export interface Entry {
  /** Of the entry node's life; or of a client's own request. */
  readonly inc: string;
  /** Rises from one change to the next. */
  readonly n: number;
}

export interface Remembered {
  readonly n: number;
  /** Cluster time of the commit, ms. */
  readonly atMs: number;
  /** Encoded, its bytes as Latin-1; undefined: it took effect, and its reply is too large to be kept. */
  readonly reply: string | undefined;
}

/** By entry's `inc`. Never changed in place. */
export type Memory = ReadonlyMap<string, Remembered>;

export const NO_MEMORY: Memory = new Map();

/** The first byte of a head with a memory; nothing that a kind encodes begins with it. */
const MARK = 0xfe;

/** A copy of `before` for the outcomes of a commit, without what nobody can ask for any more. */
export function stillAsked(before: Memory, nowMs: number): Map<string, Remembered> {
  const next = new Map<string, Remembered>();
  before.forEach((remembered, inc) => {
    if (nowMs - remembered.atMs <= REMEMBER_MS) next.set(inc, remembered);
  });
  return next;
}

/** Begins the `inc` of entries that clients number. Their number is theirs to choose, so they are bounded; entry nodes are few. */
export const CLIENT_ENTRIES = 'id:';

export function isOfClient(entry: Entry): boolean {
  return entry.inc.startsWith(CLIENT_ENTRIES);
}

/** Is there room for one more that is not remembered yet? */
export function hasRoom(memory: Memory, entry: Entry, nowMs: number): boolean {
  if (!isOfClient(entry) || memory.size < CLIENT_ENTRIES_MAX) return true;
  let size = 0;
  for (const [inc, { atMs }] of memory)
    if (inc.startsWith(CLIENT_ENTRIES) && nowMs - atMs <= REMEMBER_MS) size++;
  return size < CLIENT_ENTRIES_MAX;
}

/** A text, since it stays as long as the actor does: a short Buffer would keep the whole block that it was cut from, 64 KiB of it. */
export function keptReply(reply: Buffer): string | undefined {
  return reply.length <= OUTCOME_BYTES_MAX ? reply.toString('latin1') : undefined;
}

/** What was encoded. */
export function replyBytes(kept: string): Buffer {
  return Buffer.from(kept, 'latin1');
}

export function encodeHead(memory: Memory, head: Uint8Array): Uint8Array {
  if (memory.size === 0) return head;
  const bytes = bytesOf(memory);
  const record = Buffer.allocUnsafe(1 + lengthOf(bytes) + bytes + head.length);
  record[0] = MARK;
  const at = putMemory(record, putNumber(record, 1, bytes), memory);
  record.set(head, at);
  return record;
}

/** @throws Error where it is damaged. */
export function decodeHead(record: Uint8Array): { readonly memory: Memory; readonly head: Uint8Array } {
  if (record[0] !== MARK) return { memory: NO_MEMORY, head: record };
  const reader = makeReader(record, 1);
  const length = reader.number();
  const memory = decodeMemory(reader.bytes(length));
  return { memory, head: reader.rest() };
}

/** What the kind encoded, whether there is a memory in front of it or not. */
export function headOf(record: Uint8Array): Uint8Array {
  if (record[0] !== MARK) return record;
  const reader = makeReader(record, 1);
  reader.bytes(reader.number());
  return reader.rest();
}

export function encodeGone(deletedAtMs: number, memory: Memory): Uint8Array {
  const record = Buffer.allocUnsafe(lengthOf(deletedAtMs) + bytesOf(memory));
  putMemory(record, putNumber(record, 0, deletedAtMs), memory);
  return record;
}

/** @throws Error where it is damaged. */
export function decodeGone(record: Uint8Array): { readonly deletedAtMs: number; readonly memory: Memory } {
  const reader = makeReader(record, 0);
  return { deletedAtMs: reader.number(), memory: decodeMemory(reader.rest()) };
}

function bytesOf(memory: Memory): number {
  let bytes = 0;
  for (const [inc, { n, atMs, reply }] of memory) {
    const name = Buffer.byteLength(inc);
    bytes += lengthOf(name) + name + lengthOf(n) + lengthOf(atMs);
    bytes += reply === undefined ? 1 : lengthOf(reply.length + 1) + reply.length;
  }
  return bytes;
}

/** @returns where it ends. */
function putMemory(into: Buffer, from: number, memory: Memory): number {
  let at = from;
  for (const [inc, { n, atMs, reply }] of memory) {
    at = putNumber(into, at, Buffer.byteLength(inc));
    at += into.write(inc, at);
    at = putNumber(into, putNumber(into, at, n), atMs);
    at = putNumber(into, at, reply === undefined ? 0 : reply.length + 1);
    if (reply !== undefined) at += into.write(reply, at, 'latin1');
  }
  return at;
}

function decodeMemory(bytes: Uint8Array): Memory {
  const memory = new Map<string, Remembered>();
  const reader = makeReader(bytes, 0);
  while (!reader.isAtEnd()) {
    const inc = Buffer.from(reader.bytes(reader.number())).toString();
    const [n, atMs, length] = [reader.number(), reader.number(), reader.number()];
    const reply = length === 0 ? undefined : Buffer.from(reader.bytes(length - 1)).toString('latin1');
    memory.set(inc, { n, atMs, reply });
  }
  return memory;
}

/** Bytes of a number as LEB128. */
function lengthOf(value: number): number {
  let bytes = 1;
  for (let left = value; left >= 0x80; left = Math.floor(left / 0x80)) bytes++;
  return bytes;
}

/** As LEB128. @returns where it ends. */
function putNumber(into: Buffer, from: number, value: number): number {
  let at = from;
  let left = value;
  for (; left >= 0x80; left = Math.floor(left / 0x80)) into[at++] = (left % 0x80) | 0x80;
  into[at++] = left;
  return at;
}

function makeReader(bytes: Uint8Array, from: number) {
  let at = from;
  const take = (length: number): Uint8Array => {
    if (length > bytes.length - at) throw new Error('the memory in a head record is damaged');
    at += length;
    return bytes.subarray(at - length, at);
  };
  return {
    isAtEnd: () => at === bytes.length,
    bytes: take,
    rest: () => take(bytes.length - at),
    number(): number {
      let value = 0;
      for (let scale = 1; ; scale *= 0x80) {
        const byte = take(1)[0]!;
        value += (byte % 0x80) * scale;
        if (value > Number.MAX_SAFE_INTEGER) throw new Error('a number in a head record is damaged');
        if (byte < 0x80) return value;
      }
    },
  };
}
