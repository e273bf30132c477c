/**
 * The barrier's cipher for names, which must come out equal each time: AES-SIV (RFC 5297), under one key for many short names. Node makes and
 * sets up a cipher for each call of its own `aes-256-siv`, which costs several times what the name does; here the two ciphers that SIV is made
 * of are made once, and sealing a name, or opening it, costs a call of each.
 *
 * @module
 */
import { createCipheriv, timingSafeEqual } from 'node:crypto';

const BLOCK = 16;
/** Longer messages are rare, and find room of their own. */
const ROOM_BYTES = 256;
/** Contexts whose part of the computation is kept: names of one folder share theirs. */
const CONTEXTS_MAX = 256;

export interface NameCipher {
  /** Tag and ciphertext, the context being the additional data. Equal inputs give equal outputs. */
  seal(context: string, name: Uint8Array): Buffer;
  /** Undoes `seal`. @returns undefined when `sealed` is too short or was not made with this key and context. */
  open(context: string, sealed: Uint8Array): Buffer | undefined;
  /** For good: wipes the key, also where the ciphers hold it. */
  wipe(): void;
}

/** @param given - 32 bytes (two AES-128 keys) or 64 (two AES-256 keys); copied. */
export function makeNameCipher(given: Uint8Array): NameCipher {
  const key = Buffer.from(given);
  const half = key.length / 2;
  const bits = half * 8;
  const mac = createCipheriv(`aes-${bits}-cbc`, key.subarray(0, half), new Uint8Array(BLOCK));
  const stream = createCipheriv(`aes-${bits}-ecb`, key.subarray(half), null);
  for (const cipher of [mac, stream]) cipher.setAutoPadding(false);
  /** What the next block is added to: the cipher goes on from call to call. */
  const chained = Buffer.alloc(BLOCK);
  /** Filled anew by each call: making a buffer costs as much as a block. */
  const room = Buffer.alloc(ROOM_BYTES);
  const subkey = doubled(lastBlock(Buffer.alloc(BLOCK)));
  const subkeyOfShort = doubled(subkey);
  /** S2V begins with the MAC of a block of zeros. */
  const begun = cmac(new Uint8Array(BLOCK));
  const afterContext = new Map<string, Buffer>();
  function roomFor(bytes: number): Buffer {
    return bytes <= ROOM_BYTES ? room.subarray(0, bytes) : Buffer.alloc(bytes);
  }

  /** Of CBC over `blocks`, from an IV of zeros; changes them. */
  function lastBlock(blocks: Buffer): Buffer {
    for (let at = 0; at < BLOCK; at++) blocks[at]! ^= chained[at]!;
    const out = mac.update(blocks);
    out.copy(chained, 0, out.length - BLOCK);
    return out.subarray(out.length - BLOCK);
  }

  /** AES-CMAC (RFC 4493). @param end - added to the last 16 bytes of `message`, which must have as many. */
  function cmac(message: Uint8Array, end?: Uint8Array): Buffer {
    const { length } = message;
    const whole = length > 0 && length % BLOCK === 0;
    const blocks = roomFor(whole ? length : length - (length % BLOCK) + BLOCK);
    blocks.set(message);
    blocks.fill(0, length);
    if (end) for (let at = 0; at < BLOCK; at++) blocks[length - BLOCK + at]! ^= end[at]!;
    if (!whole) blocks[length] = 0x80;
    const last = blocks.length - BLOCK;
    const last16 = whole ? subkey : subkeyOfShort;
    for (let at = 0; at < BLOCK; at++) blocks[last + at]! ^= last16[at]!;
    return lastBlock(blocks);
  }

  function contextOf(context: string): Buffer {
    let found = afterContext.get(context);
    if (!found) {
      found = doubled(begun);
      const own = cmac(Buffer.from(context, 'utf8'));
      for (let at = 0; at < BLOCK; at++) found[at]! ^= own[at]!;
      if (afterContext.size >= CONTEXTS_MAX) afterContext.delete(afterContext.keys().next().value!);
      afterContext.set(context, found);
    }
    return found;
  }

  function tagOf(context: string, name: Uint8Array): Buffer {
    const before = contextOf(context);
    if (name.length >= BLOCK) return cmac(name, before);
    const padded = doubled(before);
    for (let at = 0; at < name.length; at++) padded[at]! ^= name[at]!;
    padded[name.length]! ^= 0x80;
    return cmac(padded);
  }

  /** Writes `bytes`, of a name as it is or sealed, the other way round into `out`. @param tag - of the name. */
  function turn(tag: Uint8Array, bytes: Uint8Array, out: Uint8Array, outAt: number): void {
    const counters = roomFor(Math.ceil(bytes.length / BLOCK) * BLOCK);
    for (let at = 0; at < BLOCK; at++) counters[at] = tag[at]!;
    // Two bits of the counter are cleared, so that its lower half never overflows.
    counters[8]! &= 0x7f;
    counters[12]! &= 0x7f;
    const low = counters.readUInt32BE(12);
    for (let at = BLOCK; at < counters.length; at += BLOCK) {
      counters.copy(counters, at, 0, 12);
      counters.writeUInt32BE(low + at / BLOCK, at + 12);
    }
    const pad = stream.update(counters);
    for (let at = 0; at < bytes.length; at++) out[outAt + at] = bytes[at]! ^ pad[at]!;
  }

  return {
    seal(context, name) {
      const tag = tagOf(context, name);
      const sealed = Buffer.allocUnsafe(BLOCK + name.length);
      tag.copy(sealed);
      if (name.length > 0) turn(tag, name, sealed, BLOCK);
      return sealed;
    },
    open(context, sealed) {
      if (sealed.length < BLOCK) return undefined;
      const tag = sealed.subarray(0, BLOCK);
      const name = Buffer.allocUnsafe(sealed.length - BLOCK);
      if (name.length > 0) turn(tag, sealed.subarray(BLOCK), name, 0);
      if (timingSafeEqual(tagOf(context, name), tag)) return name;
      // Not proven to be what was sealed: nobody may see it.
      name.fill(0);
      return undefined;
    },
    wipe() {
      // A cipher that has ended is freed, which clears its keys.
      for (const cipher of [mac, stream]) cipher.final();
      for (const bytes of [key, chained, room, subkey, subkeyOfShort, begun]) bytes.fill(0);
      afterContext.clear();
    },
  };
}

/** Multiplied by x in GF(2^128), as RFC 5297 §2.3 has it; a copy. */
function doubled(block: Uint8Array): Buffer {
  const out = Buffer.allocUnsafe(BLOCK);
  for (let at = 0; at < BLOCK; at++) out[at] = (block[at]! << 1) | ((block[at + 1] ?? 0) >> 7);
  if (block[0]! & 0x80) out[BLOCK - 1]! ^= 0x87;
  return out;
}
