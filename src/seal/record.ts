/**
 * A sealed record, byte for byte Vault's (vault-data-format.md §2):
 *
 *   0  key term, 4 bytes big-endian
 *   4  version: 2, the additional data is the complete storage path
 *   5  nonce, 12 bytes
 *  17  ciphertext, then a tag of 16 bytes
 *
 * Because of the path, a record that was moved or copied to another place does not open there.
 *
 * @module
 */
import { CodedError } from '../model/errors.ts';
import { gcmOpen, gcmOpenKeys, gcmSeal, NONCE_BYTES, TAG_BYTES } from './aead.ts';

const PATH_VERSION = 2;
const HEADER_BYTES = 5;
const RECORD_BYTES_MIN = HEADER_BYTES + NONCE_BYTES + TAG_BYTES;

/** @param key - 32 bytes. @param nonce - 12 random bytes. @returns 33 bytes more than `plaintext`. */
export function sealRecord(
  key: Uint8Array,
  term: number,
  path: string,
  nonce: Uint8Array,
  plaintext: Uint8Array,
): Buffer {
  header.writeUInt32BE(term, 0);
  return gcmSeal(key, nonce, Buffer.from(path, 'utf8'), plaintext, header);
}

/** Filled in anew for each record, which takes a copy of it. */
const header = Buffer.alloc(HEADER_BYTES);
header[4] = PATH_VERSION;

/** Which key a record needs. @throws CodedError `internal` when it is too short or of an unknown version. */
export function termOf(record: Uint8Array): number {
  if (record.length < RECORD_BYTES_MIN) throw damaged('invalid ciphertext');
  if (record[4] !== PATH_VERSION) throw damaged('version bytes mis-match');
  return Buffer.from(record.buffer, record.byteOffset, HEADER_BYTES).readUInt32BE(0);
}

/**
 * The plaintext of a record whose term has been looked at.
 * @throws CodedError `internal` when it was not sealed with `key` for `path`, or was changed since.
 */
export function openRecord(key: Uint8Array, path: string, record: Uint8Array): Buffer {
  const plaintext = gcmOpen(key, Buffer.from(path, 'utf8'), record.subarray(HEADER_BYTES));
  if (plaintext === undefined) throw damaged('cipher: message authentication failed');
  return plaintext;
}

/** openRecord for a plaintext with keys in it, of which nothing may stay in memory. The caller wipes what it gets. */
export function openKeyRecord(key: Uint8Array, path: string, record: Uint8Array): Buffer {
  const plaintext = gcmOpenKeys(key, Buffer.from(path, 'utf8'), record.subarray(HEADER_BYTES));
  if (plaintext === undefined) throw damaged('cipher: message authentication failed');
  return plaintext;
}

export function damaged(why: string): CodedError {
  return new CodedError('internal', `decryption failed: ${why}`);
}
