/**
 * Is there room on the disk for what is to be written?
 *
 * Asked before each transaction of LMDB: the one inside lmdb-js 3.5 writes the text of a page that could not be written into a buffer that
 * may be too short for it, which damages our memory. Nothing is written then, so the outcome is known.
 *
 * @module
 */
import { statfsSync } from 'node:fs';
import { ROOM_LOOK_MS, ROOM_SPARE_BYTES, STORAGE_ROOM_BYTES_MIN } from '../model/limits.ts';
import { StorageFailed } from '../model/storage.ts';
import type { Write } from './group-commit.ts';

const PAGE_BYTES = 4096;
/** New pages that one change may take: its way through the tree, and splits. */
const PAGES_PER_CHANGE_MAX = 4;

export interface Room {
  /** @throws StorageFailed */
  refuseFull(writes: readonly Write[]): void;
  /**
   * The same of what goes into a log before LMDB: what cannot be written there does no harm, so that a look at a disk with much room counts
   * for a while.
   * @param alsoWanted - bytes.
   */
  refuseFullLog(writes: readonly Write[], alsoWanted: number): void;
}

export interface RoomParts {
  readonly folder: string;
  /** Monotonic, ms. */
  now(): number;
  /** Bytes that the disk of the folder has room for. */
  freeBytes(): number;
}

/** On the machine's own clock and disk. */
export function roomIn(folder: string): Room {
  return makeRoom({
    folder,
    now: () => performance.now(),
    freeBytes() {
      const { bavail, bsize } = statfsSync(folder);
      return bavail * bsize;
    },
  });
}

export function makeRoom({ folder, now, freeBytes }: RoomParts): Room {
  /** Bytes that may still be written before the next look, which is due at `untilMs`. */
  let spare = 0;
  let untilMs = 0;

  function look(wanted: number): number {
    const room = freeBytes();
    if (room >= wanted) return room;
    throw new StorageFailed(`the disk that holds ${folder} is full; nothing was written`, true);
  }

  return {
    refuseFull: (writes) => void look(bytesOf(writes)),
    refuseFullLog(writes, alsoWanted) {
      const wanted = bytesOf(writes) + alsoWanted;
      const nowMs = now();
      if (spare < wanted || nowMs >= untilMs) {
        spare = look(wanted) - ROOM_SPARE_BYTES;
        untilMs = nowMs + ROOM_LOOK_MS;
      }
      spare -= wanted;
    },
  };
}

function bytesOf(writes: readonly Write[]): number {
  let wanted = STORAGE_ROOM_BYTES_MIN;
  for (const { bytes, count } of writes) wanted += bytes + count * PAGES_PER_CHANGE_MAX * PAGE_BYTES;
  return wanted;
}
