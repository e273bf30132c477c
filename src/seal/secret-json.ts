/**
 * JSON with keys in it, without the keys ever being JavaScript strings: strings cannot be wiped, and copies of them stay until, and after,
 * they are collected. The keys' base64 is written into and read out of the bytes in place, without tables or branches on secret bytes.
 *
 * @module
 */
import { KEY_BYTES, newSecret } from './secret-bytes.ts';

/** Base64 of 32 bytes: 43 characters and one `=`. */
const TEXT_BYTES = 44;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const EQUALS = 0x3d;
/** Stands for a key until its bytes are put in; nothing else in our JSON has this shape. */
const PLACE = '#'.repeat(TEXT_BYTES);

/**
 * `value` as JSON, each Uint8Array of 32 bytes in it as a base64 string. (Not a Buffer: its toJSON would spell the key out.)
 * @returns bytes that hold the keys: the caller wipes them.
 */
export function encodeSecretJson(value: unknown): Buffer {
  const keys: Uint8Array[] = [];
  const text = JSON.stringify(value, (_name, member: unknown) => {
    if (!(member instanceof Uint8Array)) return member;
    if (member.length !== KEY_BYTES) throw new RangeError(`a key has ${member.length} bytes`);
    keys.push(member);
    return PLACE;
  });
  const json = Buffer.allocUnsafeSlow(Buffer.byteLength(text));
  json.write(text);
  let at = 0;
  for (const key of keys) {
    at = json.indexOf(PLACE, at);
    writeBase64(key, json, at);
    at += TEXT_BYTES;
  }
  return json;
}

/**
 * Undoes encodeSecretJson: every string that is the base64 of 32 bytes becomes a Uint8Array of its own, which the caller wipes.
 * `json` is wiped where keys were.
 * @throws SyntaxError when it is no JSON; the keys are wiped then.
 */
export function decodeSecretJson(json: Buffer): unknown {
  const keys: Uint8Array[] = [];
  try {
    let start = -1;
    for (let at = 0; at < json.length; at++) {
      if (json[at] === BACKSLASH) at++;
      else if (json[at] === QUOTE && start < 0) start = at + 1;
      else if (json[at] === QUOTE) {
        takeKey(json.subarray(start, at), keys);
        start = -1;
      }
    }
    return JSON.parse(json.toString('utf8'), (_name, member: unknown) => {
      if (typeof member !== 'string' || !member.startsWith('#')) return member;
      return keys[Number(member.slice(1))];
    });
  } catch (error) {
    for (const key of keys) key.fill(0);
    throw error;
  }
}

/** Puts the key's number in the place of the key. */
function takeKey(text: Buffer, keys: Uint8Array[]): void {
  if (text.length !== TEXT_BYTES || text[TEXT_BYTES - 1] !== EQUALS) return;
  const key = newSecret(KEY_BYTES);
  if (!readBase64(text, key)) {
    key.fill(0);
    return;
  }
  text.fill('0');
  text[0] = 0x23;
  text.write(String(keys.length).padStart(4, '0'), TEXT_BYTES - 4);
  keys.push(key);
}

/** All ones when low ≤ c ≤ high, else zero. */
function within(c: number, low: number, high: number): number {
  return ((low - 1 - c) & (c - high - 1)) >> 31;
}

function writeBase64(key: Uint8Array, target: Buffer, at: number): void {
  for (let group = 0; group * 3 < KEY_BYTES; group++) {
    const bytes =
      ((key[group * 3] ?? 0) << 16) | ((key[group * 3 + 1] ?? 0) << 8) | (key[group * 3 + 2] ?? 0);
    for (let char = 0; char < 4; char++) {
      const six = (bytes >> (18 - 6 * char)) & 63;
      let code = 65 + six;
      code += within(six, 26, 63) & 6;
      code -= within(six, 52, 63) & 75;
      code -= within(six, 62, 63) & 15;
      code += within(six, 63, 63) & 3;
      target[at + group * 4 + char] = code;
    }
  }
  target[at + TEXT_BYTES - 1] = EQUALS;
}

/** False when `text` is not canonical base64. */
function readBase64(text: Uint8Array, key: Uint8Array): boolean {
  let valid = -1;
  for (let group = 0; group * 3 < KEY_BYTES; group++) {
    let bytes = 0;
    for (let char = 0; char < 4; char++) {
      const at = group * 4 + char;
      const c = at === TEXT_BYTES - 1 ? 65 : text[at]!;
      const upper = within(c, 65, 90);
      const lower = within(c, 97, 122);
      const digit = within(c, 48, 57);
      const plus = within(c, 43, 43);
      const slash = within(c, 47, 47);
      valid &= upper | lower | digit | plus | slash;
      const six = (upper & (c - 65)) | (lower & (c - 71)) | (digit & (c + 4)) | (plus & 62) | (slash & 63);
      bytes = (bytes << 6) | six;
    }
    const last = group * 3 + 2 >= KEY_BYTES;
    key[group * 3] = bytes >> 16;
    key[group * 3 + 1] = bytes >> 8;
    if (last) valid &= within(bytes & 0xff, 0, 0);
    else key[group * 3 + 2] = bytes;
  }
  return valid !== 0;
}
