/**
 * Identifiers in the form of UUIDs, as Vault's clients know role ids, secret ids and their accessors.
 *
 * @module
 */

/** @param bytes - 16 at least; the first 16 count, all of them but for the six bits that mark a UUID v4. */
export function uuidOf(bytes: Uint8Array): string {
  const all = Buffer.from(bytes.subarray(0, 16));
  all[6] = (all[6]! & 0x0f) | 0x40;
  all[8] = (all[8]! & 0x3f) | 0x80;
  const hex = all.toString('hex');
  all.fill(0);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
