/**
 * Identifiers in the form of UUIDs, as Vault's clients know role ids, secret ids and their accessors.
 *
 * @module
 */

/** @param bytes - 16 at least; the first 16 count, all of them but for the six bits that mark a UUID v4. */
export function uuidOf(bytes: Uint8Array): string {
  return uuidOfHex(Buffer.from(bytes.subarray(0, 16)).toString('hex'));
}

/** As `uuidOf`. @param hex - 32 hexadecimal digits at least. */
export function uuidOfHex(hex: string): string {
  const variant = '89ab'[Number.parseInt(hex[16]!, 16) & 3];
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
