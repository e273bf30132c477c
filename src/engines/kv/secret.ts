/**
 * A versioned secret: what its head says of all versions, and the pure steps from one state to the next.
 *
 * Invariant: the record `v/<n>` is stored exactly while version n is listed in `versions` and not destroyed. So what cannot be read is
 * erased, by the very commit that says so, and no record is ever without a head that names it.
 *
 * @module
 */
import type { RecordChange } from '../../model/actor.ts';
import { KV_HELD_CHARS_MAX } from '../../model/limits.ts';
import { rfc3339 } from '../../model/time.ts';
import type { KvConfig } from './config.ts';

/** First byte of a head. */
export const SECRET_FORMAT = 2;

export interface Version {
  readonly createdAtMs: number;
  /** 0: none. Where `deleted` is false it is the time at which the version will count as deleted. */
  readonly deletionAtMs: number;
  /** By a request, and so whatever any clock says. */
  readonly deleted: boolean;
  readonly destroyed: boolean;
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
  /** UTF-16 units of the current version's payload. */
  readonly chars: number;
}

export interface Secret extends SecretFields {
  readonly form: typeof SECRET_FORMAT;
  /** Payload of the current version, canonical JSON text. Undefined: destroyed, none, or too long to be held. */
  readonly text: string | undefined;
  /** `metadata` of the current version as data replies show it: made once per change, for reads. */
  readonly currentMetadata: string;
  /** Seen through v2, stored by v1: payloads still have v1's numbers. */
  readonly isFromV1: boolean;
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
  chars: 0,
};

export function secretOf(fields: SecretFields, text: string | undefined, isFromV1 = false): Secret {
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
    chars: fields.chars,
    text: isHeld(fields) ? text : undefined,
    currentMetadata: current ? metadataText(fields.customMetadata, fields.currentVersion, current) : '',
    isFromV1,
  };
}

/** Is the current version's payload there, and short enough to be held in memory? */
export function isHeld(fields: SecretFields): boolean {
  const current = fields.versions.at(-1);
  return current !== undefined && !current.destroyed && fields.chars <= KV_HELD_CHARS_MAX;
}

/** Name of the record that holds a version's payload. */
export function payloadName(version: number): string {
  return `v/${version}`;
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

/** Adds the next version. The caller stores its payload, then trims. */
export function addVersion(
  secret: SecretFields,
  config: KvConfig,
  chars: number,
  nowMs: number,
): SecretFields {
  const version: Version = {
    createdAtMs: nowMs,
    deletionAtMs: deletionAt(secret, config, nowMs),
    deleted: false,
    destroyed: false,
  };
  return {
    ...secret,
    createdAtMs: secret.createdAtMs || nowMs,
    updatedAtMs: nowMs,
    currentVersion: secret.currentVersion + 1,
    versions: [...secret.versions, version],
    chars,
  };
}

/** What trimming leaves, and the numbers of the versions that it took away: erase their payloads in the same commit. */
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
  for (let i = 0; i < gone; i++) if (!secret.versions[i]!.destroyed) erased.push(first + i);
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
