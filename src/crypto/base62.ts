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

/** The lowest digits of a big-endian number in base 62, the lowest first. @param number - changed: what the digits leave of it. */
export function lowBase62(number: Buffer, digits: number): string {
  let text = '';
  for (let i = 0; i < digits; i++) {
    let rest = 0;
    for (let at = 0; at < number.length; at += 2) {
      const part = rest * 65_536 + number.readUInt16BE(at);
      number.writeUInt16BE(Math.floor(part / 62), at);
      rest = part % 62;
    }
    text += BASE62[rest];
  }
  return text;
}
