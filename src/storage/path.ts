/**
 * Storage paths as bytes. One path has one spelling: what would become another path in UTF-8 is refused.
 *
 * @module
 */
import { CodedError } from '../model/errors.ts';
import { STORAGE_PATH_BYTES_MAX } from '../model/limits.ts';

/**
 * UTF-8 of `path`, 1 to STORAGE_PATH_BYTES_MAX bytes. Comparing these bytes gives the order of `Storage.list`.
 * @throws CodedError `bad_request` for an empty or overlong path and for lone surrogates, which UTF-8 would merge into one character.
 */
export function pathBytes(path: string): Buffer {
  if (path === '') throw new CodedError('bad_request', 'a storage path is empty');
  const bytes = prefixBytes(path);
  if (bytes.length > STORAGE_PATH_BYTES_MAX) {
    throw new CodedError('bad_request', `the path is longer than ${STORAGE_PATH_BYTES_MAX} bytes`);
  }
  return bytes;
}

/** As pathBytes, for who needs no bytes. */
export function checkPath(path: string): void {
  // No UTF-16 unit takes more than three bytes.
  if (path === '' || 3 * path.length > STORAGE_PATH_BYTES_MAX || !path.isWellFormed()) pathBytes(path);
}

/** As pathBytes, for where a listing starts: may be empty, and as long as it likes. */
export function prefixBytes(prefix: string): Buffer {
  if (!prefix.isWellFormed()) throw new CodedError('bad_request', 'the path is not valid Unicode');
  return Buffer.from(prefix, 'utf8');
}

/** The first key after all that begin with `prefix`; undefined: there is none (the prefix is empty or all 0xFF). */
export function afterPrefix(prefix: Uint8Array): Buffer | undefined {
  for (let last = prefix.length - 1; last >= 0; last--) {
    if (prefix[last] === 0xff) continue;
    const end = Buffer.from(prefix.subarray(0, last + 1));
    end[last] = prefix[last]! + 1;
    return end;
  }
  return undefined;
}

/** Order of the UTF-8 bytes, as Go sorts. Code units differ from it only where surrogates meet U+E000 and above. */
export function byBytes(a: string, b: string): number {
  if (a === b) return 0;
  if (isAscii(a) && isAscii(b)) return a < b ? -1 : 1;
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

export const isAscii = (text: string): boolean => !/[^\x00-\x7f]/.test(text);
