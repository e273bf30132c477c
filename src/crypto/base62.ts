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

const CODES = Buffer.from(BASE62, 'latin1');

/** All at once: a text that grew character by character is put together when it is first used. A text of a token: its bytes are wiped. */
function textOf(codes: Buffer): string {
  const text = codes.toString('latin1');
  codes.fill(0);
  return text;
}

const BYTES_DRAWN = 768;

export interface Base62Texts {
  text(chars: number): string;
  /** Forgets what was drawn and not used. */
  clear(): void;
}

/** Uniform base62 texts: bytes of 248 and above are passed over, so that no character is likelier than another. */
export function makeBase62Texts(randomBytes: (bytes: number) => Buffer): Base62Texts {
  // Drawn many at a time: a call of the generator costs as much as the rest of a token's text. What was used is written over.
  let bytes: Buffer = Buffer.alloc(0);
  let at = 0;
  return {
    text(chars) {
      const text = Buffer.allocUnsafe(chars);
      for (let end = 0; end < chars; ) {
        if (at === bytes.length) {
          bytes = randomBytes(BYTES_DRAWN);
          at = 0;
        }
        const byte = bytes[at]!;
        bytes[at++] = 0;
        if (byte < 248) text[end++] = CODES[byte % 62]!;
      }
      return textOf(text);
    },
    clear() {
      bytes.fill(0);
      at = bytes.length;
    },
  };
}

/** Hexadecimal digits, and digits in base 62, that are worked on at a time: what is left of one part before the next stays a whole number. */
const HEX_AT_ONCE = 5;
const DIGITS_AT_ONCE = 5;
const PART = 16 ** HEX_AT_ONCE;

/** The lowest digits of a number in base 62, the lowest first. @param hex - the number, hexadecimal. */
export function lowBase62(hex: string, digits: number): string {
  const parts: number[] = [];
  for (let at = 0, next = hex.length % HEX_AT_ONCE || HEX_AT_ONCE; at < hex.length; next += HEX_AT_ONCE) {
    let part = 0;
    for (; at < next; at++) part = part * 16 + hexDigit(hex.charCodeAt(at));
    parts.push(part);
  }
  const text = Buffer.allocUnsafe(digits);
  for (let left = digits; left > 0; left -= DIGITS_AT_ONCE) {
    const some = Math.min(left, DIGITS_AT_ONCE);
    const divisor = 62 ** some;
    let rest = 0;
    for (let at = 0; at < parts.length; at++) {
      const part = rest * PART + parts[at]!;
      const quotient = Math.floor(part / divisor);
      parts[at] = quotient;
      // The remainder of numbers of this size is a slow operation. Below 2^50 the quotient is never rounded up to the next one.
      rest = part - quotient * divisor;
    }
    for (let digit = 0; digit < some; digit++) {
      text[digits - left + digit] = CODES[rest % 62]!;
      rest = Math.floor(rest / 62);
    }
  }
  return textOf(text);
}

/** @param code - of a hexadecimal digit. */
function hexDigit(code: number): number {
  return code <= 0x39 ? code - 0x30 : (code | 0x20) - 0x57;
}
