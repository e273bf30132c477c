/**
 * How records rest in LMDB, and what a group of commits makes of them.
 *
 * A record is stored as its version (8 bytes, big-endian) and then its value. The version comes from one counter of the whole store, kept
 * under a key that is no path, so it is never used twice.
 *
 * @module
 */
import { CodedError } from '../model/errors.ts';
import { STORAGE_VALUE_BYTES_MAX } from '../model/limits.ts';
import { type Change, type Condition, Conflict } from '../model/storage.ts';
import type { Outcome, Write } from './group-commit.ts';
import { pathBytes } from './path.ts';

export const VERSION_BYTES = 8;
/** What each half of a version counts. */
const HALF = 2 ** 32;
/** 0xFF begins no UTF-8 text, so no path is before or behind this by accident, and no listing shows it. */
export const COUNTER_KEY = Buffer.from([0xff]);

export interface Entry {
  readonly path: string;
  readonly key: Buffer;
  /** Version bytes still zero, then the value; undefined: delete. */
  readonly record: Buffer | undefined;
}

export interface LmdbWrite extends Write {
  readonly changes: readonly Entry[];
  readonly conditions: readonly { readonly key: Buffer; readonly path: string; readonly version: number }[];
}

export interface Plan {
  readonly outcomes: Outcome[];
  /** With their versions. */
  readonly records: readonly Entry[];
  /** The store's version afterwards; as before where no write of the group changes anything. */
  readonly version: number;
}

/**
 * Looks at the conditions of a group and gives out versions.
 * @param before - the store's version.
 * @param storedVersion - of the record under a key, as things are stored now; 0: nothing is.
 */
export function planGroup(
  group: readonly LmdbWrite[],
  before: number,
  storedVersion: (key: Buffer, path: string) => number,
): Plan {
  let version = before;
  /** What earlier writes of the group leave, as versions; conditions of later ones see it. */
  const changed = new Map<string, number>();
  const records: Entry[] = [];
  const outcomes = group.map((write): Outcome => {
    for (const { path, key, version } of write.conditions) {
      if ((changed.get(path) ?? storedVersion(key, path)) !== version) return new Conflict(path);
    }
    if (write.changes.length === 0) return version;
    version++;
    for (const change of write.changes) {
      if (change.record) putVersion(change.record, version);
      changed.set(change.path, change.record === undefined ? 0 : version);
      records.push(change);
    }
    return version;
  });
  return { outcomes, records, version };
}

/** Of a record, or of the counter. Versions are whole numbers below 2^53; in two halves, since integers of any size are made anew each time. */
export function versionOf(record: Uint8Array): number {
  return read32(record, 0) * HALF + read32(record, 4);
}

function read32(bytes: Uint8Array, at: number): number {
  return bytes[at]! * 0x1_00_00_00 + ((bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!);
}

function putVersion(record: Buffer, version: number): void {
  record.writeUInt32BE(Math.floor(version / HALF), 0);
  record.writeUInt32BE(version % HALF, 4);
}

/** The counter record: the store's version, and the id of the log that goes on from there. */
export function counterRecord(version: number, id?: Buffer): Buffer {
  const record = Buffer.alloc(VERSION_BYTES + (id?.length ?? 0));
  record.writeBigUInt64BE(BigInt(version));
  id?.copy(record, VERSION_BYTES);
  return record;
}

/** Copies the values: the caller may change or wipe its own once the call returns. */
export function encodeWrite(changes: readonly Change[], conditions: readonly Condition[]): LmdbWrite {
  let bytes = 0;
  const encoded = changes.map(({ path, value }) => {
    const key = pathBytes(path);
    bytes += key.length + (value?.length ?? 0);
    if (value === undefined) return { path, key, record: undefined };
    if (value.length > STORAGE_VALUE_BYTES_MAX) {
      throw new CodedError('too_large', `a record may have at most ${STORAGE_VALUE_BYTES_MAX} bytes`);
    }
    const record = Buffer.allocUnsafe(VERSION_BYTES + value.length);
    record.set(value, VERSION_BYTES);
    return { path, key, record };
  });
  return {
    changes: encoded,
    conditions: conditions.map(({ path, version }) => {
      const key = encoded.find((entry) => entry.path === path)?.key ?? pathBytes(path);
      return { key, path, version };
    }),
    count: changes.length,
    bytes,
  };
}
