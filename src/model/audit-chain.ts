/**
 * The chain that the lines of an audit device make: each carries its number and the hash of the line before it, and signed lines between them,
 * checkpoints, say how far it had come. Server and command line read and write it alike.
 *
 * @module
 */

/** Hex digits of a chain's id. */
export const CHAIN_ID_CHARS = 16;
/** What the first line of a chain has for the hash of the line before it. */
export const CHAIN_BEGIN = '0'.repeat(64);

/** A place in a chain. */
export interface ChainHead {
  /** Number of the line; the first is 1. */
  readonly seq: number;
  /** SHA-256 of the line's bytes without its end, hex. */
  readonly hash: string;
}

/** Nothing has been written. */
export const NO_LINE: ChainHead = { seq: 0, hash: CHAIN_BEGIN };

/** What a line says of its place. */
export interface Link {
  readonly chain: string;
  readonly seq: number;
  /** Hash of the line before. */
  readonly prev: string;
}

/** Its place is what a line ends with, after its other members. Bytes, not meaning, are hashed: they stay as they are here. */
export function linkText({ chain, seq, prev }: Link): string {
  return `,"chain":"${chain}","seq":${seq},"prev":"${prev}"}`;
}

const LINK = /,"chain":"([0-9a-f]{16})","seq":([1-9]\d{0,15}),"prev":"([0-9a-f]{64})"\}$/;
const LINK_CHARS_MAX = 150;

/**
 * Undefined: the line is of no chain. No text that a client gives can look like a place: within a JSON string each quote has a backslash before
 * it, and what stands here ends the line.
 */
export function linkOf(line: string): Link | undefined {
  const found = LINK.exec(line.length > LINK_CHARS_MAX ? line.slice(-LINK_CHARS_MAX) : line);
  if (!found) return undefined;
  return { chain: found[1]!, seq: Number(found[2]), prev: found[3]! };
}

/** A line that broke off: the next one names it. */
export interface Torn {
  readonly bytes: number;
  readonly hash: string;
}

/** What is signed: up to `seq` the chain is as it was written. Names and order are those of the line. */
export interface Checkpoint {
  readonly version: 1;
  readonly chain: string;
  /** Path of the device, ending in `/`. */
  readonly device: string;
  readonly node: string;
  /** The file it is written to; absent where it is none. */
  readonly file?: string;
  /** `start`: first line of a run. `stop`: the device was closed in peace. */
  readonly event: 'start' | 'periodic' | 'stop';
  /** RFC 3339. */
  readonly time: string;
  /** The line that it speaks of: some line before its own. 0 where there is none. */
  readonly seq: number;
  readonly hash: string;
  /** In `start`: how far the store says the chain had come. */
  readonly stored?: ChainHead;
  /** In `start`: which line the file ended with. Absent: none of this chain was found in it. */
  readonly found?: ChainHead;
  /** Ids of the keys it is signed with. */
  readonly keys: KeyIds;
  /** In `start`, and when the keys are others than before: SPKI, base64. */
  readonly public_keys?: KeyIds;
}

/** One of each kind: ids, keys, or signatures. */
export interface KeyIds {
  readonly ed25519: string;
  readonly ml_dsa_65: string;
}

/** A line of type `checkpoint`, as it is parsed. Signatures are base64. */
export interface CheckpointLine {
  readonly type: 'checkpoint';
  readonly time: string;
  readonly checkpoint: Checkpoint;
  readonly signatures: KeyIds;
}

/** The bytes that are signed. JSON keeps the order of names, so what was parsed gives the bytes that were written. */
export function signedBytes(checkpoint: Checkpoint): Uint8Array {
  return new TextEncoder().encode(`coffer audit checkpoint 1\0${JSON.stringify(checkpoint)}`);
}

/** A device's head as the store keeps it, sealed: a line of the chain that is known to be written. */
export interface KeptHead extends ChainHead {
  readonly device: string;
  readonly node: string;
  /** As in a checkpoint. */
  readonly file?: string;
  /** When it was kept: ms. */
  readonly atMs: number;
  /** The device was closed in peace, and nothing was written after this. */
  readonly closed: boolean;
}
