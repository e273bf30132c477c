/**
 * One half of a write-ahead log: its file, and where in it the newest state of each record lies.
 *
 * @module
 */
import { versionOf } from './lmdb-records.ts';
import type { Extent, LogFile, LogRecord } from './log-file.ts';
import { SortedPaths } from './sorted-paths.ts';

/** A record as the store keeps it, with the path that its key spells. */
export interface LoggedRecord extends LogRecord {
  readonly path: string;
}

/** Newest state of one record; version 0: it is gone. */
export interface Held {
  readonly at: number;
  readonly bytes: number;
  readonly version: number;
}

export interface Half {
  readonly file: LogFile;
  readonly held: Map<string, Held>;
  /** Of `held`. */
  readonly paths: SortedPaths;
}

const GONE: Held = { at: 0, bytes: 0, version: 0 };

/** It holds nothing yet. */
export function newHalf(file: LogFile): Half {
  return { file, held: new Map(), paths: new SortedPaths() };
}

/** These were appended. @param extents - where their values lie; undefined of one that is gone. */
export function hold(
  { held, paths }: Half,
  records: readonly LoggedRecord[],
  extents: readonly (Extent | undefined)[],
): void {
  for (let index = 0; index < records.length; index++) {
    const { path, record } = records[index]!;
    const extent = extents[index];
    const before = held.size;
    held.set(
      path,
      extent && record ? { at: extent.at, bytes: extent.bytes, version: versionOf(record) } : GONE,
    );
    if (held.size > before) paths.add(path);
  }
}
