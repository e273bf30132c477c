/**
 * HPACK (RFC 7541) as a client needs it that asks for no dynamic table: what it sends is literal, what it reads may name the static table and
 * may be in Huffman's code. Without that table a block stands for itself, whatever came before it.
 *
 * @module
 */
import { HUFFMAN_BITS, STATIC_HEADERS } from './hpack-tables.ts';

/** Of the representations. */
const INDEXED = 0x80;
const WITH_INDEXING = 0x40;
const TABLE_SIZE = 0x20;
/** A literal that is kept by nobody on its way: it may be a token. */
const NEVER_INDEXED = 0x10;
const HUFFMAN = 0x80;
/** So many bytes a number may have: no length of ours comes near. */
const NUMBER_BYTES_MAX = 4;

/** Names in lower case. Characters beyond Latin-1 are not for headers. */
export function encodeHeaders(headers: Readonly<Record<string, string>>): Buffer {
  const parts: Buffer[] = [];
  for (const [name, value] of Object.entries(headers)) {
    parts.push(Buffer.of(NEVER_INDEXED), encodeText(name), encodeText(value));
  }
  return Buffer.concat(parts);
}

function encodeText(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  const most = HUFFMAN - 1;
  if (bytes.length < most) return Buffer.concat([Buffer.of(bytes.length), bytes]);
  const length: number[] = [most];
  let rest = bytes.length - most;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) length.push((rest % 0x80) | 0x80);
  return Buffer.concat([Buffer.of(...length, rest), bytes]);
}

/**
 * A whole block. Of a name that comes twice the last value counts.
 * @throws Error for what is no block, or names what only a dynamic table could hold.
 */
export function decodeHeaders(block: Buffer): Record<string, string> {
  const headers: Record<string, string> = Object.create(null);
  const from: Place = { block, at: 0 };
  while (from.at < block.length) {
    const first = block[from.at]!;
    if (first & INDEXED) {
      const [name, value] = staticHeader(readNumber(from, 7));
      headers[name] = value;
    } else if ((first & (WITH_INDEXING | TABLE_SIZE)) === TABLE_SIZE) {
      if (readNumber(from, 5) !== 0) throw new Error('a dynamic table was not asked for');
    } else {
      // With indexing it goes into a table that is too small for it, which is allowed and changes nothing.
      const index = readNumber(from, first & WITH_INDEXING ? 6 : 4);
      const name = index === 0 ? readText(from) : staticHeader(index)[0];
      headers[name] = readText(from);
    }
  }
  return headers;
}

interface Place {
  readonly block: Buffer;
  at: number;
}

function staticHeader(index: number): readonly [name: string, value: string] {
  const found = STATIC_HEADERS[index - 1];
  if (found === undefined) throw new Error('a header that is in no table');
  return found;
}

/** Of a first byte the last `bits`, and what follows where they are all set. */
function readNumber(from: Place, bits: number): number {
  const most = (1 << bits) - 1;
  let value = readByte(from) & most;
  if (value < most) return value;
  for (let bytes = 0; bytes < NUMBER_BYTES_MAX; bytes++) {
    const byte = readByte(from);
    value += (byte & 0x7f) * 2 ** (7 * bytes);
    if (byte < 0x80) return value;
  }
  throw new Error('a number of a header is too long');
}

function readByte(from: Place): number {
  const byte = from.block[from.at++];
  if (byte === undefined) throw new Error('headers end within one');
  return byte;
}

function readText(from: Place): string {
  const isCoded = ((from.block[from.at] ?? 0) & HUFFMAN) !== 0;
  const length = readNumber(from, 7);
  const end = from.at + length;
  if (end > from.block.length) throw new Error('headers end within one');
  const bytes = from.block.subarray(from.at, end);
  from.at = end;
  return isCoded ? readHuffman(bytes) : bytes.toString('latin1');
}

/**
 * Of codes with as many bits: the first one, and where its characters begin in `CODED`. Such codes follow each other, in the order of
 * their characters, and longer ones follow shorter ones.
 */
const CODES: readonly { readonly bits: number; readonly first: number; readonly place: number }[] = [];
/** Characters in the order of their codes. */
const CODED: number[] = [];
const BITS_MAX = 30;
{
  let first = 0;
  for (let bits = 1; bits <= BITS_MAX; bits++) {
    first *= 2;
    const place = CODED.length;
    HUFFMAN_BITS.forEach((each, character) => {
      if (each === bits) CODED.push(character);
    });
    (CODES as { bits: number; first: number; place: number }[]).push({ bits, first, place });
    first += CODED.length - place;
  }
}

function readHuffman(bytes: Buffer): string {
  let text = '';
  let code = 0;
  let bits = 0;
  for (const byte of bytes) {
    for (let bit = 7; bit >= 0; bit--) {
      code = code * 2 + ((byte >> bit) & 1);
      if (++bits > BITS_MAX) throw new Error('no character has such a code');
      const { first, place } = CODES[bits - 1]!;
      const next = CODES[bits]?.place ?? CODED.length;
      const at = place + code - first;
      if (at < place || at >= next) continue;
      text += String.fromCharCode(CODED[at]!);
      code = 0;
      bits = 0;
    }
  }
  // What is left of the last byte are the first bits of a code of ones.
  if (bits > 7 || code !== 2 ** bits - 1) throw new Error('a text ends within a character');
  return text;
}
