/**
 * A record as etcd and Consul hold it: one byte that says which form, eight that no other commit uses, then the value or where its chunks are.
 *
 * The eight bytes make each put differ from what was there: Consul keeps the index of a record that is put again as it was, and our
 * versions must rise with every put.
 *
 * @module
 */
import { StorageFailed } from '../model/storage.ts';

const STAMP_BYTES = 8;
const WHOLE = 1;
const CHUNKED = 2;
const HEAD_BYTES = 1 + STAMP_BYTES;
const ID_BYTES = 16;
const POINTER_BYTES = HEAD_BYTES + ID_BYTES + 8;

/** Where a large value is. */
export interface Chunked {
  /** 32 hexadecimal digits: the chunks of one commit. */
  readonly id: string;
  /** Number of the first chunk; the others follow. */
  readonly first: number;
  readonly bytes: number;
}

/** Stamps, each unlike all others: they count up from a random number. The one given is the same bytes as the one before: copy it. */
export function makeStamps(randomBytes: (bytes: number) => Uint8Array): () => Uint8Array {
  const stamp = Buffer.from(randomBytes(STAMP_BYTES));
  return () => {
    for (let at = STAMP_BYTES - 1; at >= 0; at--) {
      stamp[at] = (stamp[at]! + 1) & 0xff;
      if (stamp[at] !== 0) break;
    }
    return stamp;
  };
}

export function wholeRecord(stamp: Uint8Array, value: Uint8Array): Buffer {
  const record = Buffer.allocUnsafe(HEAD_BYTES + value.length);
  record[0] = WHOLE;
  record.set(stamp, 1);
  record.set(value, HEAD_BYTES);
  return record;
}

export function chunkedRecord(stamp: Uint8Array, { id, first, bytes }: Chunked): Buffer {
  const record = Buffer.alloc(POINTER_BYTES);
  record[0] = CHUNKED;
  record.set(stamp, 1);
  record.write(id, HEAD_BYTES, 'hex');
  record.writeUInt32BE(first, HEAD_BYTES + ID_BYTES);
  record.writeUInt32BE(bytes, HEAD_BYTES + ID_BYTES + 4);
  return record;
}

/**
 * The value, or where it is. The value shares its memory with `record`.
 * @throws StorageFailed when these are not bytes of ours.
 */
export function readRecord(bytes: Uint8Array): Uint8Array | Chunked {
  const record = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (record[0] === WHOLE && record.length >= HEAD_BYTES) return record.subarray(HEAD_BYTES);
  if (record[0] === CHUNKED && record.length === POINTER_BYTES) {
    return {
      id: record.toString('hex', HEAD_BYTES, HEAD_BYTES + ID_BYTES),
      first: record.readUInt32BE(HEAD_BYTES + ID_BYTES),
      bytes: record.readUInt32BE(HEAD_BYTES + ID_BYTES + 4),
    };
  }
  throw new StorageFailed('a record of the store has a form that this version of Coffer does not know', true);
}
