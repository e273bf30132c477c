/**
 * A commit on its way from what was asked for to what a store behind the network is sent.
 *
 * @module
 */
import { CodedError } from '../model/errors.ts';
import { STORAGE_VALUE_BYTES_MAX } from '../model/limits.ts';
import type { Change, Condition } from '../model/storage.ts';
import type { DriverWrite } from './driver.ts';
import type { Upload } from './large-values.ts';
import { checkPath } from './path.ts';
import { chunkedRecord, wholeRecord } from './record-form.ts';

const RECORDS = 'records/';
export const recordKey = (path: string): string => RECORDS + path;
export const pathOfRecord = (key: string): string => key.slice(RECORDS.length);

export interface RemoteWrite extends DriverWrite {
  /** Of the conditions the caller gave; one on a marker may follow. */
  readonly paths: readonly string[];
}

/** A commit as it was asked for, checked. */
export interface Draft {
  readonly changes: readonly {
    readonly path: string;
    readonly value: Uint8Array | undefined;
    readonly isLarge: boolean;
  }[];
  readonly conditions: readonly Condition[];
}

/**
 * Checks. The largest values go in chunks until the rest fits; all values are copied then, since the caller may change its bytes once the
 * call returns. One without them is to be encoded in the same turn, which copies too.
 * @throws CodedError `bad_request`, `too_large`
 */
export function draftOf(
  changes: readonly Change[],
  conditions: readonly Condition[],
  inlineBytes: number,
): Draft {
  for (const { path } of conditions) checkPath(path);
  let bytes = 0;
  for (const { path, value } of changes) {
    checkPath(path);
    if (value === undefined) continue;
    if (value.length > STORAGE_VALUE_BYTES_MAX) {
      throw new CodedError('too_large', `a record may have at most ${STORAGE_VALUE_BYTES_MAX} bytes`);
    }
    bytes += value.length;
  }
  if (changes.length === 1 && bytes <= inlineBytes) {
    const { path, value } = changes[0]!;
    return { changes: [{ path, value, isLarge: false }], conditions };
  }
  // Of several changes of one path the last one counts.
  const last = new Map(changes.map(({ path, value }) => [path, value]));
  bytes = 0;
  for (const value of last.values()) bytes += value?.length ?? 0;
  const large = new Set<string>();
  if (bytes > inlineBytes) {
    const sizes = [...last].map(([path, value]) => ({ path, size: value?.length ?? 0 }));
    for (const { path, size } of sizes.sort((a, b) => b.size - a.size)) {
      if (bytes <= inlineBytes) break;
      large.add(path);
      bytes -= size;
    }
  }
  const drafted = [...last].map(([path, value]) => ({
    path,
    value: large.size > 0 && value !== undefined ? Buffer.from(value) : value,
    isLarge: large.has(path),
  }));
  return { changes: drafted, conditions: large.size > 0 ? [...conditions] : conditions };
}

export function tooLarge({ changes, conditions }: Draft): CodedError {
  return new CodedError(
    'too_large',
    `a commit of ${changes.length} changes and ${conditions.length} conditions is more than the store takes at once`,
  );
}

/** @param stamp - unlike all others; copied. @param upload - of the draft's large values. */
export function encodeDraft(
  { changes, conditions }: Draft,
  stamp: Uint8Array,
  upload: Upload | undefined,
): RemoteWrite {
  let place = 0;
  let bytes = 0;
  const encoded = changes.map(({ path, value, isLarge }) => {
    const record =
      value === undefined
        ? undefined
        : isLarge
          ? chunkedRecord(stamp, upload!.places[place++]!)
          : wholeRecord(stamp, value);
    const key = recordKey(path);
    bytes += key.length + (record?.length ?? 0);
    return { key, value: record };
  });
  const compared = conditions.map(({ path, version }) => {
    // Mostly it is what is changed too: one text, whose hash is known once it was asked for.
    const same = changes.findIndex((change) => change.path === path);
    return { key: same < 0 ? recordKey(path) : encoded[same]!.key, version };
  });
  if (upload !== undefined) compared.push(upload.marker);
  for (const { key } of compared) bytes += 2 * key.length;
  return {
    changes: encoded,
    conditions: compared,
    paths: conditions.map(({ path }) => path),
    count: Math.max(changes.length, compared.length),
    bytes,
  };
}
