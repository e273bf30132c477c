/**
 * The actor of one KV path, whichever version of the engine wrote it, and how its head rests.
 *
 * A mount that was upgraded from v1 is not rewritten: v2 sees a v1 value as a secret with one version (`adopt`), and the first change
 * stores it as one.
 *
 * @module
 */
import assert from 'node:assert/strict';
import type { ActorContext, ActorKind, ReadRecord, RecordChange } from '../../model/actor.ts';
import { KV_ACTIVE_MAX, KV_IDLE_MS, KV_MAILBOX_MAX } from '../../model/limits.ts';
import { doublesText } from './doubles.ts';
import {
  isHeld,
  NO_SECRET,
  payloadName,
  SECRET_FORMAT,
  type Secret,
  type SecretFields,
  secretOf,
  type Version,
} from './secret.ts';
import {
  decodeValue,
  encodeValue,
  LONG_VALUE,
  readText,
  textOf,
  utf8,
  VALUE_FORMAT,
  type Value,
  withFormat,
} from './value.ts';

/** Undefined: nothing is stored. */
export type KvState = Value | Secret | undefined;

/** Bounds that values of all kinds share. */
export const VALUE_BOUNDS = { activeMax: KV_ACTIVE_MAX, idleMs: KV_IDLE_MS, mailboxMax: KV_MAILBOX_MAX };

/** One path of a KV mount. Its name is the path. */
export const kvSecret: ActorKind<KvState> = {
  kind: 'kv',
  ...VALUE_BOUNDS,
  decode(head, _id, read) {
    if (!head) return undefined;
    if (head[0] === VALUE_FORMAT) return decodeValue(head);
    return decodeSecret(head, read);
  },
  encode: (state) =>
    state && (state.form === VALUE_FORMAT ? encodeValue(state) : withFormat(SECRET_FORMAT, headText(state))),
};

/** Head of a secret: JSON with short names, as most secrets are short themselves. What is 0 or false is left out. */
interface Head {
  at: number;
  to: number;
  n?: number;
  first?: number;
  /** Created, deletion time, flags. */
  v?: [number, number, number][];
  max?: number;
  cas?: 1;
  after?: number;
  custom?: string;
  mn?: number;
  mcas?: 1;
  size?: number;
}

const DELETED = 1;
const DESTROYED = 2;

function headText(secret: Secret): string {
  const head: Head = {
    at: secret.createdAtMs,
    to: secret.updatedAtMs,
    n: secret.currentVersion || undefined,
    first: secret.oldestVersion || undefined,
    v: secret.versions.map((version) => [version.createdAtMs, version.deletionAtMs, flagsOf(version)]),
    max: secret.maxVersions || undefined,
    cas: secret.casRequired ? 1 : undefined,
    after: secret.deleteVersionAfter || undefined,
    custom: secret.customMetadata,
    mn: secret.metadataVersion || undefined,
    mcas: secret.metadataCasRequired ? 1 : undefined,
    size: secret.chars || undefined,
  };
  return JSON.stringify(head);
}

function flagsOf({ deleted, destroyed }: Version): number {
  return (deleted ? DELETED : 0) | (destroyed ? DESTROYED : 0);
}

async function decodeSecret(bytes: Uint8Array, read: ReadRecord): Promise<Secret> {
  assert.equal(bytes[0], SECRET_FORMAT, 'a later release wrote this');
  const head: Head = JSON.parse(utf8(bytes.subarray(1)));
  const fields: SecretFields = {
    createdAtMs: head.at,
    updatedAtMs: head.to,
    currentVersion: head.n ?? 0,
    oldestVersion: head.first ?? 0,
    versions: (head.v ?? []).map(([createdAtMs, deletionAtMs, flags]) => ({
      createdAtMs,
      deletionAtMs,
      deleted: (flags & DELETED) !== 0,
      destroyed: (flags & DESTROYED) !== 0,
    })),
    maxVersions: head.max ?? 0,
    casRequired: head.cas === 1,
    deleteVersionAfter: head.after ?? 0,
    customMetadata: head.custom,
    metadataVersion: head.mn ?? 0,
    metadataCasRequired: head.mcas === 1,
    chars: head.size ?? 0,
  };
  if (!isHeld(fields)) return secretOf(fields, undefined);
  const payload = await read(payloadName(fields.currentVersion));
  assert(payload, 'a payload that the head names is missing');
  return secretOf(fields, utf8(payload));
}

/** v1 values as v2 sees them, as long as their states live: reading an upgraded secret parses it once. */
const seen = new WeakMap<Value, Secret>();

/** What is stored, as a versioned secret. */
export function asSecret(state: KvState): Secret | undefined {
  if (!state || state.form === SECRET_FORMAT) return state;
  let secret = seen.get(state);
  if (!secret) {
    const text = state.text === undefined ? undefined : doublesText(state.text);
    // A long one counts as too long to be held, whatever its length after conversion.
    secret = secretOf(fieldsOfValue(state, text?.length ?? Number.MAX_SAFE_INTEGER), text, true);
    seen.set(state, secret);
  }
  return secret;
}

/** As Vault's upgrade leaves it: one version, and `oldest_version` moved already. */
function fieldsOfValue({ writtenAtMs }: Value, chars: number): SecretFields {
  const version = { createdAtMs: writtenAtMs, deletionAtMs: 0, deleted: false, destroyed: false };
  return {
    ...NO_SECRET,
    createdAtMs: writtenAtMs,
    updatedAtMs: writtenAtMs,
    currentVersion: 1,
    oldestVersion: 1,
    versions: [version],
    chars,
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
  return {
    secret: secretOf(fieldsOfValue(value, text.length), text),
    records: [{ name: LONG_VALUE, value: Buffer.from(text) }],
    text,
  };
}

/** Payload of a version that is not gone. @throws RecordGone where it went away meanwhile. */
export function payloadOf(secret: Secret, version: number, ctx: ActorContext): string | Promise<string> {
  if (version === secret.currentVersion && secret.text !== undefined) return secret.text;
  const text = readText(ctx, payloadName(version));
  return secret.isFromV1 ? text.then(doublesText) : text;
}
