/**
 * One file of the write-ahead log: groups of records, one behind the other, each with a checksum. The file is written over when all it holds
 * has been moved, so behind the newest group lies what is left of older ones; a group's number tells them apart.
 *
 * A group begins at a multiple of LOG_ALIGN_BYTES: magic (4 bytes), bytes that follow the head (4), CRC-32 of all behind this field (4), records
 * (4), the store's version before and after the group (8 each), the log's id (16). Then each record: bytes of its key (2), bytes of its
 * value or GONE (4), key, value. Integers are little-endian.
 *
 * @module
 */
import {
  closeSync,
  constants,
  fdatasync,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  statSync,
  write,
} from 'node:fs';
import { crc32 } from 'node:zlib';
import { LOG_FILE_BYTES, LOG_STEP_BYTES } from '../model/limits.ts';

/** A key and what is stored under it now; undefined: nothing. */
export interface LogRecord {
  readonly key: Buffer;
  readonly record: Buffer | undefined;
}

/** What one group brought: the store went from version `from` to `to`. */
export interface LoggedGroup {
  /** Of the log it belongs to. */
  readonly id: Buffer;
  readonly from: number;
  readonly to: number;
  readonly records: readonly LogRecord[];
}

/** Where a value lies in the bytes of a log file. */
export interface Extent {
  readonly at: number;
  readonly bytes: number;
}

export const LOG_ID_BYTES = 16;
const MAGIC = 0x31676f4c;
const HEAD_BYTES = 48;
const CHECKED_FROM = 12;
const RECORD_HEAD_BYTES = 6;
const GONE = 0xffff_ffff;
const LOG_ALIGN_BYTES = 512;

/** Bytes that a group takes, with what fills it up. */
export function groupBytes(records: readonly LogRecord[]): number {
  let bytes = HEAD_BYTES;
  for (const { key, record } of records) bytes += RECORD_HEAD_BYTES + key.length + (record?.length ?? 0);
  return aligned(bytes);
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / LOG_ALIGN_BYTES) * LOG_ALIGN_BYTES;
}

/**
 * Linux: a write returns when it is durable. It is one call of another thread instead of two, each of which waits for its turn of the event
 * loop. macOS' O_DSYNC leaves it in the disk's cache: there a sync follows, which does not.
 */
const DURABLE_WRITES = process.platform === 'linux' ? constants.O_DSYNC : 0;

/** An open log file, and its bytes in memory. */
export class LogFile {
  readonly #path: string;
  readonly #fd: number;
  readonly #inode: number;
  readonly #bytes = Buffer.allocUnsafeSlow(LOG_FILE_BYTES);
  /** Where the next group goes. */
  #end = 0;
  #fileBytes = 0;

  /** Makes the file, or empties it. The caller syncs its folder. @throws what the system says */
  constructor(path: string) {
    const { O_WRONLY, O_CREAT, O_TRUNC } = constants;
    this.#path = path;
    this.#fd = openSync(path, O_WRONLY | O_CREAT | O_TRUNC | DURABLE_WRITES, 0o600);
    this.#inode = fstatSync(this.#fd).ino;
  }

  get usedBytes(): number {
    return this.#end;
  }

  hasRoom(bytes: number): boolean {
    return this.#end + bytes <= LOG_FILE_BYTES;
  }

  /** Starts again from the front: all the file holds has been moved. */
  empty(): void {
    this.#end = 0;
  }

  /**
   * Writes the group behind the others; it must have room. Resolves when it is durable, and in the file that the next start will read.
   * @returns where each record's value lies; undefined for one that is gone.
   */
  async append({ id, from, to, records }: LoggedGroup): Promise<(Extent | undefined)[]> {
    const start = this.#end;
    const bytes = this.#bytes;
    const extents: (Extent | undefined)[] = [];
    let at = start + HEAD_BYTES;
    for (const { key, record } of records) {
      bytes.writeUInt16LE(key.length, at);
      bytes.writeUInt32LE(record === undefined ? GONE : record.length, at + 2);
      at += RECORD_HEAD_BYTES;
      bytes.set(key, at);
      at += key.length;
      if (record !== undefined) {
        bytes.set(record, at);
        extents.push({ at, bytes: record.length });
        at += record.length;
      } else {
        extents.push(undefined);
      }
    }
    const end = start + aligned(at - start);
    bytes.fill(0, at, end);
    bytes.writeUInt32LE(MAGIC, start);
    bytes.writeUInt32LE(at - start - HEAD_BYTES, start + 4);
    bytes.writeUInt32LE(records.length, start + 12);
    bytes.writeBigUInt64LE(BigInt(from), start + 16);
    bytes.writeBigUInt64LE(BigInt(to), start + 24);
    id.copy(bytes, start + 32);
    bytes.writeUInt32LE(crc32(bytes.subarray(start + CHECKED_FROM, at)), start + 8);
    await writeAll(this.#fd, bytes, start, this.#grown(end));
    if (!DURABLE_WRITES) await sync(this.#fd);
    this.#refuseRemoved();
    this.#end = end;
    return extents;
  }

  /** Not a copy: it is written over when the file begins anew. */
  view({ at, bytes }: Extent): Buffer {
    return this.#bytes.subarray(at, at + bytes);
  }

  /** Up to where a write that ends at `end` goes: the file grows in steps of zeros, so that most writes leave its length as it is. */
  #grown(end: number): number {
    if (end <= this.#fileBytes) return end;
    const grown = Math.min(Math.ceil(end / LOG_STEP_BYTES) * LOG_STEP_BYTES, LOG_FILE_BYTES);
    this.#bytes.fill(0, end, grown);
    this.#fileBytes = grown;
    return grown;
  }

  /** A file that lost its name takes writes as before, and no start finds them. */
  #refuseRemoved(): void {
    if (statSync(this.#path, { throwIfNoEntry: false })?.ino === this.#inode) return;
    throw new Error(`its log file ${this.#path} was removed or replaced under the server`);
  }

  close(): void {
    closeSync(this.#fd);
  }
}

async function writeAll(fd: number, bytes: Buffer, start: number, end: number): Promise<void> {
  for (let at = start; at < end; ) {
    const from = at;
    at += await new Promise<number>((resolve, reject) => {
      write(fd, bytes, from, end - from, from, (error, written) =>
        error ? reject(error) : resolve(written),
      );
    });
  }
}

function sync(fd: number): Promise<void> {
  return new Promise((resolve, reject) => fdatasync(fd, (error) => (error ? reject(error) : resolve())));
}

/**
 * All whole groups in a file, older ones that were not written over among them. A group that was cut off or damaged is not among them.
 * @param id - which log's groups are looked for where the file does not tell by its first one.
 * @throws what the system says, ENOENT too
 */
export function readGroups(path: string, id: Buffer | undefined): LoggedGroup[] {
  const bytes = readDurably(path);
  const groups: LoggedGroup[] = [];
  for (let at = 0; at + HEAD_BYTES <= bytes.length; ) {
    const group = groupAt(bytes, at);
    if (group === undefined) {
      at += LOG_ALIGN_BYTES;
      continue;
    }
    groups.push(group);
    at += groupBytes(group.records);
  }
  // Any other id lies in the bytes of a value, whose own group was cut off or written over in part.
  const own = groupAt(bytes, 0)?.id ?? id;
  return groups.filter((group) => own?.equals(group.id));
}

/** Whoever wrote the newest group may have been killed before its sync: nobody is to see it before it is durable. */
function readDurably(path: string): Buffer {
  const fd = openSync(path, 'r+');
  try {
    fsyncSync(fd);
    return readFileSync(fd);
  } finally {
    closeSync(fd);
  }
}

function groupAt(bytes: Buffer, at: number): LoggedGroup | undefined {
  if (at + HEAD_BYTES > bytes.length || bytes.readUInt32LE(at) !== MAGIC) return undefined;
  const end = at + HEAD_BYTES + bytes.readUInt32LE(at + 4);
  if (end > bytes.length) return undefined;
  if (crc32(bytes.subarray(at + CHECKED_FROM, end)) !== bytes.readUInt32LE(at + 8)) return undefined;
  const records: LogRecord[] = [];
  let next = at + HEAD_BYTES;
  for (let count = bytes.readUInt32LE(at + 12); count > 0; count--) {
    if (next + RECORD_HEAD_BYTES > end) return undefined;
    const keyEnd = next + RECORD_HEAD_BYTES + bytes.readUInt16LE(next);
    const valueBytes = bytes.readUInt32LE(next + 2);
    const valueEnd = valueBytes === GONE ? keyEnd : keyEnd + valueBytes;
    records.push({
      key: bytes.subarray(next + RECORD_HEAD_BYTES, keyEnd),
      record: valueBytes === GONE ? undefined : bytes.subarray(keyEnd, valueEnd),
    });
    next = valueEnd;
  }
  return {
    id: bytes.subarray(at + 32, at + HEAD_BYTES),
    from: Number(bytes.readBigUInt64LE(at + 16)),
    to: Number(bytes.readBigUInt64LE(at + 24)),
    records,
  };
}
