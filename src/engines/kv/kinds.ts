/**
 * The actor of one KV path, whichever version of the engine wrote it, and how its head rests.
 *
 * A mount that was upgraded from v1 is not rewritten: v2 sees a v1 value as a secret with one version (`adopt`), and the first change
 * stores it as one.
 *
 * @module
 */
import assert from 'node:assert/strict';
import type { ActorContext, ActorKind, RecordChange } from '../../model/actor.ts';
import { KV_ACTIVE_MAX, KV_IDLE_MS, KV_MAILBOX_MAX } from '../../model/limits.ts';
import { doublesText } from './doubles.ts';
import {
  NO_SECRET,
  payloadFrom,
  payloadName,
  payloadRecord,
  SECRET_FORMAT,
  type Secret,
  type SecretFields,
  secretOf,
  type Version,
  versionAt,
} from './secret.ts';
import { decodeValue, encodeValue, readText, textOf, utf8, VALUE_FORMAT, type Value } from './value.ts';

/** Undefined: nothing is stored. */
export type KvState = Value | Secret | undefined;

/** Bounds that values of all kinds share. */
export const VALUE_BOUNDS = { activeMax: KV_ACTIVE_MAX, idleMs: KV_IDLE_MS, mailboxMax: KV_MAILBOX_MAX };

/** One path of a KV mount. Its name is the path. */
export const kvSecret: ActorKind<KvState> = {
  kind: 'kv',
  replicas: 'hot',
  ...VALUE_BOUNDS,
  decode(head) {
    if (!head) return undefined;
    return head[0] === VALUE_FORMAT ? decodeValue(head) : decodeSecret(head);
  },
  encode: (state) => state && (state.form === VALUE_FORMAT ? encodeValue(state) : encodeSecret(state)),
};

/** The line of JSON that describes a secret, with short names, as most secrets are short themselves. What is 0 or false is left out. */
interface Head {
  at: number;
  to: number;
  n?: number;
  first?: number;
  /**
   * Four numbers a version: created, deletion time, flags, and bytes of its payload, which follows the line in the order of the versions; -1:
   * it does not.
   */
  v?: number[];
  max?: number;
  cas?: 1;
  after?: number;
  custom?: string;
  mn?: number;
  mcas?: 1;
}

const DELETED = 1;
const DESTROYED = 2;

/** A format byte, the line, the payloads. */
function encodeSecret(secret: Secret): Buffer {
  const numbers: number[] = [];
  let payloadBytes = 0;
  for (const version of secret.versions) {
    const bytes = version.payload?.bytes ?? -1;
    numbers.push(version.createdAtMs, version.deletionAtMs, flagsOf(version), bytes);
    if (bytes > 0) payloadBytes += bytes;
  }
  const head: Head = {
    at: secret.createdAtMs,
    to: secret.updatedAtMs,
    n: secret.currentVersion || undefined,
    first: secret.oldestVersion || undefined,
    v: numbers,
    max: secret.maxVersions || undefined,
    cas: secret.casRequired ? 1 : undefined,
    after: secret.deleteVersionAfter || undefined,
    custom: secret.customMetadata,
    mn: secret.metadataVersion || undefined,
    mcas: secret.metadataCasRequired ? 1 : undefined,
  };
  const line = `${JSON.stringify(head)}\n`;
  // One long text takes less than ten short ones.
  let text = line;
  for (const { payload } of secret.versions) if (payload) text += payload.text;
  const length = Buffer.byteLength(line) + payloadBytes;
  const bytes = Buffer.allocUnsafe(1 + length);
  bytes[0] = SECRET_FORMAT;
  bytes.write(text, 1, length, length === text.length ? 'latin1' : 'utf8');
  return bytes;
}

function flagsOf({ deleted, destroyed }: Version): number {
  return (deleted ? DELETED : 0) | (destroyed ? DESTROYED : 0);
}

function decodeSecret(bytes: Uint8Array): Secret {
  assert(bytes[0] === OLD_SECRET_FORMAT || bytes[0] === SECRET_FORMAT, 'a later release wrote this');
  const end = bytes.indexOf(LINE_END);
  const head: Head = JSON.parse(utf8(bytes.subarray(1, end < 0 ? undefined : end)));
  return secretOf({
    createdAtMs: head.at,
    updatedAtMs: head.to,
    currentVersion: head.n ?? 0,
    oldestVersion: head.first ?? 0,
    versions: decodeVersions(
      bytes[0] === SECRET_FORMAT ? head.v : fromOldFormat(head.v),
      bytes.subarray(end + 1),
    ),
    maxVersions: head.max ?? 0,
    casRequired: head.cas === 1,
    deleteVersionAfter: head.after ?? 0,
    customMetadata: head.custom,
    metadataVersion: head.mn ?? 0,
    metadataCasRequired: head.mcas === 1,
  });
}

const LINE_END = 0x0a;

function decodeVersions(numbers: readonly number[] = [], payloads: Uint8Array): Version[] {
  const versions: Version[] = [];
  let payloadAt = 0;
  for (let at = 0; at < numbers.length; at += 4) {
    const flags = numbers[at + 2]!;
    const bytes = numbers[at + 3]!;
    const text = bytes < 0 ? undefined : utf8(payloads.subarray(payloadAt, payloadAt + bytes));
    versions.push({
      createdAtMs: numbers[at]!,
      deletionAtMs: numbers[at + 1]!,
      deleted: (flags & DELETED) !== 0,
      destroyed: (flags & DESTROYED) !== 0,
      payload: text === undefined ? undefined : { text, bytes },
    });
    payloadAt += Math.max(0, bytes);
  }
  return versions;
}

/** Its heads had a list of three numbers a version, and no payloads. */
const OLD_SECRET_FORMAT = 2;

function fromOldFormat(versions: unknown = []): number[] {
  return (versions as [number, number, number][]).flatMap((version) => [...version, -1]);
}

/** v1 values as v2 sees them, as long as their states live: reading an upgraded secret parses it once. */
const seen = new WeakMap<Value, Secret>();

/** What is stored, as a versioned secret. */
export function asSecret(state: KvState): Secret | undefined {
  if (!state || state.form === SECRET_FORMAT) return state;
  let secret = seen.get(state);
  if (!secret) {
    const text = state.text === undefined ? undefined : doublesText(state.text);
    secret = secretOf(fieldsOfValue(state, text), true);
    seen.set(state, secret);
  }
  return secret;
}

/** As Vault's upgrade leaves it: one version, and `oldest_version` moved already. */
function fieldsOfValue({ writtenAtMs }: Value, text: string | undefined): SecretFields {
  const payload = text === undefined ? undefined : payloadFrom(text);
  const version = { createdAtMs: writtenAtMs, deletionAtMs: 0, deleted: false, destroyed: false, payload };
  return {
    ...NO_SECRET,
    createdAtMs: writtenAtMs,
    updatedAtMs: writtenAtMs,
    currentVersion: 1,
    oldestVersion: 1,
    versions: [version],
  };
}

/** A secret that is about to change, with the records that its first change as a versioned one must write along. */
export interface Adopted {
  readonly secret: Secret | undefined;
  readonly records: readonly RecordChange[];
  /** The adopted payload, which no record holds yet. */
  readonly text?: string;
}

/** Runs a change on what is stored, adopting a v1 value first. Stays synchronous where there is none. */
export function adopt<R>(
  state: KvState,
  ctx: ActorContext,
  change: (adopted: Adopted) => R | Promise<R>,
): R | Promise<R> {
  if (!state || state.form === SECRET_FORMAT) return change({ secret: state, records: [] });
  return adoptValue(state, ctx).then(change);
}

async function adoptValue(value: Value, ctx: ActorContext): Promise<Adopted> {
  const text = doublesText(await textOf(value, ctx));
  if (value.text !== undefined) return { secret: secretOf(fieldsOfValue(value, text)), records: [], text };
  // It stays in its record, with v2's numbers.
  return { secret: secretOf(fieldsOfValue(value, undefined)), records: [payloadRecord(1, text)], text };
}

/** Payload of a version that is not gone. @throws RecordGone where it went away meanwhile. */
export function payloadOf(secret: Secret, version: number, ctx: ActorContext): string | Promise<string> {
  const held = versionAt(secret, version)?.payload?.text;
  if (held !== undefined) return held;
  const text = readText(ctx, payloadName(version));
  return secret.isFromV1 ? text.then(doublesText) : text;
}
