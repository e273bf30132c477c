/**
 * The proof that a peer holds the cluster secret: one HMAC-SHA-256 each way over the channel and both ends.
 *
 *     proof(role) = HMAC(secret, label ‖ role ‖ binding ‖ dialer ‖ listener ‖ dialer's hello ‖ listener's hello)
 *
 * each part with its length before it. TLS has by then authenticated both peer ids (libp2p's TLS extension: each end signs its TLS key
 * by its identity key), so what remains to be shown is the secret. Why it holds:
 *
 * - **Replay.** `binding` is the TLS 1.3 exporter (RFC 8446 §7.5) of this very connection: both ends contributed to it, and another
 *   connection has another. The hellos add 32 random bytes each, should an exporter ever repeat.
 * - **Relay.** Who sits between two members has a TLS connection with each, thus two exporters, and shows each end its own peer id. A
 *   proof made for one connection does not fit the other.
 * - **Reflection.** The role is part of the proof, and dialer and listener stand in different places: nobody's own proof is ever the one
 *   he waits for. A node cannot be linked with itself.
 * - **Guessing.** The secret is 32 random bytes, not a password: proofs seen by strangers say nothing about it. The dialer proves
 *   first, to the identity it meant to dial; a listener answers with its own proof only to who has proven.
 * - **Downgrade.** The hellos, with the versions both ends speak, are under the HMAC, and the whole is inside TLS.
 *
 * While the secret is replaced an end may hold several. The dialer sends a proof by each, the listener answers by the one that fitted.
 * A proof by a secret that the other end does not hold tells it nothing.
 *
 * @module
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { PeerId } from '../../model/transport.ts';

export const PROOF_BYTES = 32;
const LABEL = 'coffer cluster admission 1';

export interface Transcript {
  /** 32 bytes that only the two ends of this TLS connection know. */
  readonly binding: Uint8Array;
  readonly dialer: PeerId;
  readonly listener: PeerId;
  /** Payloads as they were sent. */
  readonly dialerHello: Uint8Array;
  readonly listenerHello: Uint8Array;
}

export type Role = 'dialer' | 'listener';

export function proofOf(secret: Uint8Array, role: Role, transcript: Transcript): Uint8Array {
  const hmac = createHmac('sha256', secret);
  const { binding, dialer, listener, dialerHello, listenerHello } = transcript;
  for (const part of [LABEL, role, binding, dialer, listener, dialerHello, listenerHello]) {
    const bytes = typeof part === 'string' ? Buffer.from(part) : part;
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    hmac.update(length).update(bytes);
  }
  return hmac.digest();
}

/**
 * The secret by which one of `proofs` was made, or undefined. All are compared, whichever fits.
 * @param proofs - any number of proofs of 32 bytes, one after another
 */
export function provenBy(
  secrets: readonly Uint8Array[],
  proofs: Uint8Array,
  role: Role,
  transcript: Transcript,
): Uint8Array | undefined {
  let found: Uint8Array | undefined;
  for (const secret of secrets) {
    const expected = proofOf(secret, role, transcript);
    for (let at = 0; at + PROOF_BYTES <= proofs.length; at += PROOF_BYTES) {
      if (timingSafeEqual(expected, proofs.subarray(at, at + PROOF_BYTES))) found ??= secret;
    }
  }
  return found;
}
