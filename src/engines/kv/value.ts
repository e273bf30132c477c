/**
 * One value under one name, as KV v1 and the cubbyhole store it: the text of a JSON object, ready to be sent.
 *
 * Head: a format byte, a line of JSON that describes, then the text. Long texts lie in a record of their own, so that an actor need not
 * hold them; it bears the name of version 1, whose payload it becomes when the mount is upgraded.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { type ActorContext, type Outcome, type RecordChange, RecordGone } from '../../model/actor.ts';
import { badRequest } from '../../model/errors.ts';
import { type Json, type JsonMap, JsonNumber } from '../../model/json.ts';
import { encodeSorted } from '../../model/json-encoder.ts';
import { KV_HELD_CHARS_MAX } from '../../model/limits.ts';
import { toDurationSeconds } from '../../model/params.ts';
import type { LogicalReply } from '../../model/request.ts';

/** First byte of a head. */
export const VALUE_FORMAT = 1;

/** Where the text of a long value lies. */
export const LONG_VALUE = 'v/1';

export interface Value {
  readonly form: typeof VALUE_FORMAT;
  readonly writtenAtMs: number;
  /** Seconds that a read shows as lease_duration; undefined: the mount's default. */
  readonly lease: number | undefined;
  /** Undefined: too long to be held, in the record `LONG_VALUE`. */
  readonly text: string | undefined;
}

export function encodeValue(value: Value): Buffer {
  const about = JSON.stringify({ at: value.writtenAtMs, lease: value.lease, long: value.text === undefined });
  return withFormat(VALUE_FORMAT, `${about}\n${value.text ?? ''}`);
}

/** @param head - begins with the byte `VALUE_FORMAT`. */
export function decodeValue(head: Uint8Array): Value {
  assert.equal(head[0], VALUE_FORMAT);
  const all = utf8(head.subarray(1));
  const end = all.indexOf('\n');
  const { at, lease, long } = JSON.parse(all.slice(0, end));
  return { form: VALUE_FORMAT, writtenAtMs: at, lease, text: long ? undefined : all.slice(end + 1) };
}

/** The text itself, from memory where it is held. */
export function textOf(value: Value, ctx: ActorContext): string | Promise<string> {
  return value.text ?? readText(ctx, LONG_VALUE);
}

/** Stores `sent` as it is. @throws CodedError where nothing was sent. */
export function writeValue(
  before: Value | undefined,
  sent: JsonMap,
  lease: number | undefined,
  ctx: ActorContext,
): Outcome<Value, LogicalReply> {
  if (sent.size === 0) throw badRequest('missing data fields');
  const text = encodeSorted(sent);
  const long = text.length > KV_HELD_CHARS_MAX;
  const state: Value = {
    form: VALUE_FORMAT,
    writtenAtMs: ctx.now(),
    lease,
    text: long ? undefined : text,
  };
  const records = long ? [{ name: LONG_VALUE, value: Buffer.from(text) }] : longGone(before);
  return { reply: {}, next: { state, records } };
}

export function deleteValue(before: Value | undefined): Outcome<Value | undefined, LogicalReply> {
  return before ? { reply: {}, next: { state: undefined, records: longGone(before) } } : { reply: {} };
}

function longGone(before: Value | undefined): RecordChange[] {
  return before && before.text === undefined ? [{ name: LONG_VALUE, value: undefined }] : [];
}

/**
 * Seconds of lease that a value asks for by its field `ttl`, or else `lease`, read as strictly as Vault does: what is not whole seconds
 * or a duration counts as not given.
 */
export function leaseAskedFor(sent: JsonMap): number | undefined {
  const asked: Json | undefined = sent.has('ttl') ? sent.get('ttl') : sent.get('lease');
  if (asked === null || asked === '') return 0;
  const text = asked instanceof JsonNumber ? asked.text : asked;
  if (typeof text !== 'string' || text !== text.trim() || /^[+-]?\d+\.\d*$/.test(text)) return undefined;
  try {
    return Math.trunc(toDurationSeconds(text));
  } catch {
    return undefined;
  }
}

/** A record's text. @throws RecordGone where a change has taken it away. */
export async function readText(ctx: ActorContext, name: string): Promise<string> {
  const bytes = await ctx.record(name);
  if (!bytes) throw new RecordGone(name);
  return utf8(bytes);
}

export function withFormat(format: number, text: string): Buffer {
  const bytes = Buffer.allocUnsafe(1 + Buffer.byteLength(text));
  bytes[0] = format;
  bytes.write(text, 1);
  return bytes;
}

export function utf8(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();
}
