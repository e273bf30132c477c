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
      let text = '';
      while (text.length < chars) {
        if (at === bytes.length) {
          bytes = randomBytes(BYTES_DRAWN);
          at = 0;
        }
        const byte = bytes[at]!;
        bytes[at++] = 0;
        if (byte < 248) text += BASE62[byte % 62];
      }
      return text;
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

/** The lowest digits of a number in base 62, the lowest first. @param hex - the number, hexadecimal. */
export function lowBase62(hex: string, digits: number): string {
  const parts: number[] = [];
  for (let end = hex.length; end > 0; end -= HEX_AT_ONCE)
    parts.unshift(Number.parseInt(hex.slice(Math.max(0, end - HEX_AT_ONCE), end), 16));
  let text = '';
  for (let left = digits; left > 0; left -= DIGITS_AT_ONCE) {
    const some = Math.min(left, DIGITS_AT_ONCE);
    const divisor = 62 ** some;
    let rest = 0;
    for (let at = 0; at < parts.length; at++) {
      const part = rest * 16 ** HEX_AT_ONCE + parts[at]!;
      parts[at] = Math.floor(part / divisor);
      rest = part % divisor;
    }
    for (let digit = 0; digit < some; digit++) {
      text += BASE62[rest % 62];
      rest = Math.floor(rest / 62);
    }
  }
  return text;
}
