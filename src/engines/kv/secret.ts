/**
 * A versioned secret: what its head says of all versions, and the pure steps from one state to the next.
 *
 * Payloads of the newest versions rest in the head itself, as far as they are short: one record is written then, and not two, and read
 * in one piece. Invariant: the record `v/<n>` is stored exactly while version n is listed in `versions`, not destroyed, and its payload
 * not in the head. So what cannot be read is erased, by the very commit that says so, and no record is ever without a head that names it.
 *
 * @module
 */
import type { RecordChange } from '../../model/actor.ts';
import type { RawJson } from '../../model/json.ts';
import {
  KV_HEAD_BYTES_MAX,
  KV_HEAD_PAYLOADS_MAX,
  KV_HELD_CHARS_MAX,
  KV_MOVED_PER_CHANGE,
} from '../../model/limits.ts';
import { rfc3339 } from '../../model/time.ts';
import type { KvConfig } from './config.ts';

/** First byte of a head. */
export const SECRET_FORMAT = 3;

export interface Version {
  readonly createdAtMs: number;
  /** 0: none. Where `deleted` is false it is the time at which the version will count as deleted. */
  readonly deletionAtMs: number;
  /** By a request, and so whatever any clock says. */
  readonly deleted: boolean;
  readonly destroyed: boolean;
  /** Payload, where the head holds it. Undefined: destroyed, or in a record of its own. */
  readonly payload: Payload | undefined;
}

/** Canonical JSON text, and its length in UTF-8. */
export interface Payload {
  readonly text: string;
  readonly bytes: number;
}

export interface SecretFields {
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  /** 0: only metadata was ever written. */
  readonly currentVersion: number;
  /** As the wire shows it: 0 until `max_versions` was reached for the first time. */
  readonly oldestVersion: number;
  /** In order, without gaps, the last is `currentVersion`. */
  readonly versions: readonly Version[];
  /** 0: the mount's, or 10. */
  readonly maxVersions: number;
  readonly casRequired: boolean;
  /** Seconds; 0: the mount's. */
  readonly deleteVersionAfter: number;
  /** Canonical JSON text of an object of strings; undefined: none. */
  readonly customMetadata: string | undefined;
  readonly metadataVersion: number;
  readonly metadataCasRequired: boolean;
}

export interface Secret extends SecretFields {
  readonly form: typeof SECRET_FORMAT;
  /** `metadata` of the current version as data replies show it: made once per change, for reads. */
  readonly currentMetadata: string;
  /** Seen through v2, stored by v1: payloads still have v1's numbers. */
  readonly isFromV1: boolean;
  /** What a read of the current version shows, made by the first one: the audit devices keep their text of it with it. */
  currentReply: RawJson | undefined;
}

export const NO_SECRET: SecretFields = {
  createdAtMs: 0,
  updatedAtMs: 0,
  currentVersion: 0,
  oldestVersion: 0,
  versions: [],
  maxVersions: 0,
  casRequired: false,
  deleteVersionAfter: 0,
  customMetadata: undefined,
  metadataVersion: 0,
  metadataCasRequired: false,
};

export function secretOf(fields: SecretFields, isFromV1 = false): Secret {
  const current = fields.versions.at(-1);
  return {
    form: SECRET_FORMAT,
    createdAtMs: fields.createdAtMs,
    updatedAtMs: fields.updatedAtMs,
    currentVersion: fields.currentVersion,
    oldestVersion: fields.oldestVersion,
    versions: fields.versions,
    maxVersions: fields.maxVersions,
    casRequired: fields.casRequired,
    deleteVersionAfter: fields.deleteVersionAfter,
    customMetadata: fields.customMetadata,
    metadataVersion: fields.metadataVersion,
    metadataCasRequired: fields.metadataCasRequired,
    currentMetadata: current ? metadataText(fields.customMetadata, fields.currentVersion, current) : '',
    isFromV1,
    currentReply: undefined,
  };
}

/** Name of the record that holds a version's payload. */
export function payloadName(version: number): string {
  return `v/${version}`;
}

/** Does a record of its own hold this version's payload? */
export function hasRecord({ payload, destroyed }: Version): boolean {
  return payload === undefined && !destroyed;
}

/** The changes that erase payloads. */
export function erasing(versions: readonly number[]): RecordChange[] {
  return versions.map((version) => ({ name: payloadName(version), value: undefined }));
}

/** Number of the first version that is still listed; one more than the current where none is. */
export function firstVersion(secret: SecretFields): number {
  return secret.currentVersion - secret.versions.length + 1;
}

export function versionAt(secret: SecretFields, version: number): Version | undefined {
  return secret.versions[version - firstVersion(secret)];
}

/** Deleted or destroyed, as things stand at `nowMs`. */
export function isGone(version: Version, nowMs: number): boolean {
  return (
    version.destroyed || version.deleted || (version.deletionAtMs !== 0 && version.deletionAtMs <= nowMs)
  );
}

/** `metadata` of one version, members in the order of their names. */
export function metadataText(customMetadata: string | undefined, number: number, version: Version): string {
  const { createdAtMs, deletionAtMs, destroyed } = version;
  return (
    `{"created_time":"${rfc3339(createdAtMs)}","custom_metadata":${customMetadata ?? 'null'},` +
    `"deletion_time":"${timeText(deletionAtMs)}","destroyed":${destroyed},"version":${number}}`
  );
}

/** `''` where there is none. */
export function timeText(ms: number): string {
  return ms === 0 ? '' : rfc3339(ms);
}

/** How many versions are kept where neither the secret nor the mount says. */
const MAX_VERSIONS_DEFAULT = 10;

/** A secret's own limit counts beside the mount's, the larger one wins. */
export function maxVersionsOf(secret: SecretFields, config: KvConfig): number {
  return Math.max(secret.maxVersions, config.maxVersions) || MAX_VERSIONS_DEFAULT;
}

/** When a version made at `fromMs` will count as deleted; 0: never. The shorter of the secret's and the mount's time. */
export function deletionAt(secret: SecretFields, config: KvConfig, fromMs: number): number {
  if (config.deleteVersionAfter < 0) return 0;
  const [own, mounts] = [secret.deleteVersionAfter, config.deleteVersionAfter];
  const seconds = own === 0 || mounts === 0 ? own + mounts : Math.min(own, mounts);
  return seconds === 0 ? 0 : fromMs + seconds * 1_000;
}

/** A secret with one version more, and the payloads that do not rest in its head: store them in the same commit. */
export interface Added {
  readonly fields: SecretFields;
  readonly records: RecordChange[];
}

/** Adds the next version. The caller trims. */
export function addVersion(secret: SecretFields, config: KvConfig, text: string, nowMs: number): Added {
  const version: Version = {
    createdAtMs: nowMs,
    deletionAtMs: deletionAt(secret, config, nowMs),
    deleted: false,
    destroyed: false,
    payload: text.length <= KV_HELD_CHARS_MAX ? payloadFrom(text) : undefined,
  };
  const added = {
    ...secret,
    createdAtMs: secret.createdAtMs || nowMs,
    updatedAtMs: nowMs,
    currentVersion: secret.currentVersion + 1,
    versions: [...secret.versions, version],
  };
  const records = moveOut(added.versions, firstVersion(added));
  if (version.payload === undefined) records.push(payloadRecord(added.currentVersion, text));
  return { fields: added, records };
}

/** Measuring has a side effect that is wanted: a text that was put together is a tree to V8, and becomes one piece. */
export function payloadFrom(text: string): Payload {
  return { text, bytes: Buffer.byteLength(text) };
}

/**
 * Moves the oldest payloads out of a head that grew too large, in place, but never the last version's.
 * @returns the records to store.
 */
function moveOut(versions: Version[], first: number): RecordChange[] {
  let bytes = 0;
  let payloads = 0;
  let oldest = versions.length;
  for (let at = versions.length - 1; at >= 0; at--) {
    const { payload } = versions[at]!;
    if (payload === undefined) continue;
    bytes += payload.bytes;
    payloads++;
    oldest = at;
  }
  const records: RecordChange[] = [];
  for (let at = oldest; at < versions.length - 1 && records.length < KV_MOVED_PER_CHANGE; at++) {
    if (bytes <= KV_HEAD_BYTES_MAX && payloads <= KV_HEAD_PAYLOADS_MAX) break;
    const version = versions[at]!;
    if (version.payload === undefined) continue;
    bytes -= version.payload.bytes;
    payloads--;
    records.push(payloadRecord(first + at, version.payload.text));
    versions[at] = { ...version, payload: undefined };
  }
  return records;
}

export function payloadRecord(version: number, text: string): RecordChange {
  return { name: payloadName(version), value: Buffer.from(text) };
}

/** What trimming leaves, and the numbers of the versions that it took away with their records: erase those in the same commit. */
export interface Trimmed {
  readonly fields: SecretFields;
  readonly erased: readonly number[];
  /** More are to go than one change may erase. */
  readonly isMore: boolean;
}

/** Takes the oldest versions away until `max` are left, at most `limit` of them. */
export function trimVersions(secret: SecretFields, max: number, limit: number): Trimmed {
  if (secret.currentVersion - secret.oldestVersion < max)
    return { fields: secret, erased: [], isMore: false };
  const first = firstVersion(secret);
  const excess = Math.max(0, secret.versions.length - max);
  const gone = Math.min(excess, limit);
  const erased: number[] = [];
  for (let i = 0; i < gone; i++) if (hasRecord(secret.versions[i]!)) erased.push(first + i);
  const fields = { ...secret, versions: secret.versions.slice(gone), oldestVersion: first + gone };
  return { fields, erased, isMore: gone < excess };
}

/** `versions` with some replaced by what `change` makes of them; the same list where nothing changed. Unknown numbers have no effect. */
export function mapVersions(
  secret: SecretFields,
  numbers: Iterable<number>,
  change: (version: Version) => Version,
): readonly Version[] {
  const first = firstVersion(secret);
  let copy: Version[] | undefined;
  for (const number of numbers) {
    const version = (copy ?? secret.versions)[number - first];
    if (!version) continue;
    const changed = change(version);
    if (changed === version) continue;
    copy ??= [...secret.versions];
    copy[number - first] = changed;
  }
  return copy ?? secret.versions;
}
