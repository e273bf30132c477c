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
      // Put together at once: a text that grew character by character is that when it is first used.
      const codes = Buffer.allocUnsafe(chars);
      for (let end = 0; end < chars; ) {
        if (at === bytes.length) {
          bytes = randomBytes(BYTES_DRAWN);
          at = 0;
        }
        const byte = bytes[at]!;
        bytes[at++] = 0;
        if (byte < 248) codes[end++] = CODES[byte % 62]!;
      }
      const text = codes.toString('latin1');
      codes.fill(0);
      return text;
    },
    clear() {
      bytes.fill(0);
      at = bytes.length;
    },
  };
}

/** Digits in base 62 of which a number holds so many exactly. */
const DIGITS_AT_ONCE = 8;
const PART = 62n ** BigInt(DIGITS_AT_ONCE);
/** Two digits each, the lower one first. */
const PAIRS = Array.from(
  { length: 62 ** 2 },
  (_, pair) => BASE62[pair % 62]! + BASE62[Math.floor(pair / 62)]!,
);

/** The lowest digits of a number in base 62, the lowest first. @param hex - the number, hexadecimal. */
export function lowBase62(hex: string, digits: number): string {
  let rest = BigInt(`0x${hex}`);
  let text = '';
  while (text.length < digits) {
    let part = Number(rest % PART);
    rest /= PART;
    for (let pair = 0; pair < DIGITS_AT_ONCE / 2; pair++) {
      text += PAIRS[part % PAIRS.length]!;
      part = Math.floor(part / PAIRS.length);
    }
  }
  return text.slice(0, digits);
}
