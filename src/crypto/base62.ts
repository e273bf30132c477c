/**
 * Random names in base62.
 *
 * @module
 */
export const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** Uniform: bytes of 248 and above are drawn again, so that no character is likelier than another. */
export function randomBase62(chars: number, randomBytes: (bytes: number) => Buffer): string {
  let text = '';
  while (text.length < chars) {
    for (const byte of randomBytes(chars)) {
      if (byte < 248 && text.length < chars) text += BASE62[byte % 62];
    }
  }
  return text;
}
