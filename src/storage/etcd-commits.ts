/**
 * Commits as one transaction of etcd, all of them or none: every comparison in its one list, every change in another. Nodes own what they
 * write, so comparisons nearly always hold, and this takes etcd and us less than nested transactions with an outcome each; where one
 * does not hold, those are sent after it.
 *
 * Protocol Buffers (etcdserverpb `rpc.proto`), written from the end to the beginning: what a length counts is then there before the length.
 *
 * @module
 */
import type { DriverWrite } from './driver.ts';
import { ETCD_OPERATIONS_MAX } from './etcd-client.ts';

/** Tags of fields: number × 8 + type. */
const TXN_COMPARE = 0x0a;
const TXN_SUCCESS = 0x12;
const COMPARE_TARGET = 0x10;
const COMPARE_KEY = 0x1a;
const COMPARE_MOD_REVISION = 0x30;
const TARGET_MOD = 2;
const OP_PUT = 0x12;
const OP_DELETE_RANGE = 0x1a;
/** Of a put and of a deleted range. */
const FIRST_KEY = 0x0a;
const PUT_VALUE = 0x12;

/** Tags, lengths and numbers of one change or condition, at most: three lengths of up to four bytes, a revision of eight. */
const AROUND_BYTES = 32;
/** Of one UTF-16 unit. */
const UTF8_BYTES_MAX = 3;

/** Whether they may go as one transaction without nested ones. What changes nothing would be answered from what is possibly stale. */
export function isFlat(writes: readonly DriverWrite[]): boolean {
  let changes = 0;
  let conditions = 0;
  for (const write of writes) {
    changes += write.changes.length;
    conditions += write.conditions.length;
  }
  return changes > 0 && changes <= ETCD_OPERATIONS_MAX && conditions <= ETCD_OPERATIONS_MAX;
}

/** A `TxnRequest`. @param prefix - of all keys. */
export function encodeCommits(prefix: Buffer, writes: readonly DriverWrite[]): Buffer {
  const around = prefix.length + AROUND_BYTES;
  let room = 0;
  for (const { changes, conditions } of writes) {
    for (const { key, value } of changes) room += around + UTF8_BYTES_MAX * key.length + (value?.length ?? 0);
    for (const { key } of conditions) room += around + UTF8_BYTES_MAX * key.length;
  }
  const buffer = Buffer.allocUnsafeSlow(room);
  let at = room;
  for (let i = writes.length - 1; i >= 0; i--) {
    const { changes } = writes[i]!;
    for (let j = changes.length - 1; j >= 0; j--) at = putChange(buffer, at, prefix, changes[j]!);
  }
  for (let i = writes.length - 1; i >= 0; i--) {
    const { conditions } = writes[i]!;
    for (let j = conditions.length - 1; j >= 0; j--) at = putCompare(buffer, at, prefix, conditions[j]!);
  }
  return buffer.subarray(at);
}

/** All of these: @param end - where what follows begins. @returns where they begin themselves. */
function putChange(
  into: Buffer,
  end: number,
  prefix: Buffer,
  change: DriverWrite['changes'][number],
): number {
  const { key, value } = change;
  let at = end;
  if (value !== undefined) {
    at -= value.length;
    into.set(value, at);
    at = putHead(into, at, PUT_VALUE, value.length);
  }
  at = putKey(into, at, FIRST_KEY, prefix, key);
  at = putHead(into, at, value === undefined ? OP_DELETE_RANGE : OP_PUT, end - at);
  return putHead(into, at, TXN_SUCCESS, end - at);
}

/** Equal, which is 0 and so left out. */
function putCompare(
  into: Buffer,
  end: number,
  prefix: Buffer,
  { key, version }: DriverWrite['conditions'][number],
): number {
  let at = putVarint(into, end, version);
  into[--at] = COMPARE_MOD_REVISION;
  at = putKey(into, at, COMPARE_KEY, prefix, key);
  into[--at] = TARGET_MOD;
  into[--at] = COMPARE_TARGET;
  return putHead(into, at, TXN_COMPARE, end - at);
}

function putKey(into: Buffer, end: number, tag: number, prefix: Buffer, key: string): number {
  const bytes = Buffer.byteLength(key);
  let at = end - bytes;
  into.write(key, at, bytes, bytes === key.length ? 'latin1' : 'utf8');
  at -= prefix.length;
  into.set(prefix, at);
  return putHead(into, at, tag, prefix.length + bytes);
}

function putHead(into: Buffer, end: number, tag: number, length: number): number {
  const at = putVarint(into, end, length) - 1;
  into[at] = tag;
  return at;
}

/** LEB128. */
function putVarint(into: Buffer, end: number, number: number): number {
  let bytes = 1;
  for (let rest = number; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes++;
  const from = end - bytes;
  let rest = number;
  for (let at = from; at < end - 1; at++, rest = Math.floor(rest / 0x80)) into[at] = (rest % 0x80) | 0x80;
  into[end - 1] = rest;
  return from;
}
