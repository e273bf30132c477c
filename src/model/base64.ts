/**
 * Is a text base64 (RFC 4648, section 4, padded)? Node decodes whatever looks like it.
 *
 * @module
 */

/** Whole and padded; the empty text is. The pattern repeats single characters only: repeated groups go on a stack as deep as a text is long. */
export function isBase64(text: string): boolean {
  return text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text);
}
