/**
 * Memory for keys. A typed array of up to 64 bytes lies inside V8's heap, where the collector moves it and leaves its old bytes behind; over an
 * ArrayBuffer of its own it stays where it is, and wiping it wipes the only copy.
 *
 * @module
 */
export const KEY_BYTES = 32;
/** More than V8 would put in its heap. */
const DRAWN_BYTES = 96;

/** `length` zero bytes that can be wiped for good. */
export function newSecret(length: number): Uint8Array {
  return new Uint8Array(new ArrayBuffer(length));
}

/** A copy that can be wiped for good. */
export function copySecret(bytes: Uint8Array): Uint8Array {
  const copy = newSecret(bytes.length);
  copy.set(bytes);
  return copy;
}

/** A new key of KEY_BYTES; what the generator gave is wiped. */
export function drawKey(randomBytes: (bytes: number) => Uint8Array): Uint8Array {
  const drawn = randomBytes(DRAWN_BYTES);
  const key = copySecret(drawn.subarray(0, KEY_BYTES));
  drawn.fill(0);
  return key;
}
