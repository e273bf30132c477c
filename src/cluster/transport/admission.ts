/**
 * The admission: the first stream of every connection, opened by who dialed. Until it has succeeded nothing else is listened to.
 *
 *     dialer → listener   hello    versions spoken, 32 random bytes, instance, what became of the last try
 *     listener → dialer   hello
 *     dialer → listener   proof    one for each secret it holds (`proof.ts`)
 *     listener → dialer   verdict  admitted, with the listener's own proof; or why not
 *
 * @module
 */
import type { PeerId } from '../../model/transport.ts';
import { type Frame, frame, KINDS } from './frame.ts';
import { PROOF_BYTES, proofOf, provenBy, type Transcript } from './proof.ts';

/** Why a peer was not admitted. Their place in this list goes over the wire: only ever append. */
export const VERDICTS = [
  'admitted',
  'wrong_secret',
  'awaits_approval',
  'barred',
  'no_common_protocol',
  /** There is a link already, and it is the one that stays. */
  'duplicate',
] as const;
export type Verdict = (typeof VERDICTS)[number];

export class AdmissionRefused extends Error {
  readonly verdict: Exclude<Verdict, 'admitted'>;
  /** True: the peer said so; false: we did. */
  readonly byPeer: boolean;

  constructor(verdict: Exclude<Verdict, 'admitted'>, byPeer: boolean) {
    super(`not admitted: ${verdict.replaceAll('_', ' ')}`);
    this.verdict = verdict;
    this.byPeer = byPeer;
  }
}

/** The lowest and highest protocol version that a node speaks. */
export interface Speaks {
  readonly min: number;
  readonly max: number;
}

/** Frames of the admission's stream. Each fails once the connection does or its time is over. */
export interface Exchange {
  send(frame: Frame): void;
  next(): Promise<Frame>;
}

export interface OwnSide {
  readonly peer: PeerId;
  readonly speaks: Speaks;
  /** 16 random bytes, drawn when the process starts. */
  readonly instance: Uint8Array;
  /** 32 random bytes, drawn for this admission. */
  readonly nonce: Uint8Array;
  readonly secrets: readonly Uint8Array[];
}

/** What the peer said of itself, under its proof. */
export interface OtherSide {
  readonly speaks: Speaks;
  /** Hex. Another one than before: the process was started anew. */
  readonly instance: string;
  /** The dialer was told `duplicate` before, and has no link all the same. */
  readonly again: boolean;
}

export interface Admitted extends OtherSide {
  /** By which the peer proved itself. */
  readonly secret: Uint8Array;
}

const INSTANCE_AT = 36;
const AGAIN_AT = INSTANCE_AT + 16;
/** A later version may append to it; the proofs cover all that was sent. */
const HELLO_BYTES = AGAIN_AT + 1;

/** @throws AdmissionRefused, or what the exchange failed with. */
export async function admitAsDialer(
  exchange: Exchange,
  own: OwnSide,
  listener: PeerId,
  binding: Uint8Array,
  again: boolean,
): Promise<Admitted> {
  const dialerHello = encodeHello(own, again);
  exchange.send(frame(own.speaks.max, KINDS.hello, 0, dialerHello));
  const listenerHello = wanted(await exchange.next(), KINDS.hello).payload;
  const other = decodeHello(listenerHello);
  if (!haveCommon(own.speaks, other.speaks)) throw new AdmissionRefused('no_common_protocol', false);
  const transcript: Transcript = { binding, dialer: own.peer, listener, dialerHello, listenerHello };
  const proofs = own.secrets.map((secret) => proofOf(secret, 'dialer', transcript));
  exchange.send(frame(own.speaks.max, KINDS.proof, 0, Buffer.concat(proofs)));
  const answer = wanted(await exchange.next(), KINDS.verdict).payload;
  const verdict = VERDICTS[answer[0] ?? -1];
  if (verdict === undefined) throw new Error('a verdict that is none');
  if (verdict !== 'admitted') throw new AdmissionRefused(verdict, true);
  const secret = provenBy(own.secrets, answer.subarray(1, 1 + PROOF_BYTES), 'listener', transcript);
  if (!secret) throw new AdmissionRefused('wrong_secret', false);
  return { ...other, secret };
}

/**
 * @param judge - asked once the peer has proven itself: may it come in?
 * @throws AdmissionRefused, after the peer was told; or what the exchange failed with.
 */
export async function admitAsListener(
  exchange: Exchange,
  own: OwnSide,
  dialer: PeerId,
  binding: Uint8Array,
  judge: (other: OtherSide) => Verdict,
): Promise<Admitted> {
  const dialerHello = wanted(await exchange.next(), KINDS.hello).payload;
  const other = decodeHello(dialerHello);
  const listenerHello = encodeHello(own, false);
  exchange.send(frame(own.speaks.max, KINDS.hello, 0, listenerHello));
  const transcript: Transcript = { binding, dialer, listener: own.peer, dialerHello, listenerHello };
  const proofs = wanted(await exchange.next(), KINDS.proof).payload;
  const secret = provenBy(own.secrets, proofs, 'dialer', transcript);
  let verdict: Verdict = 'wrong_secret';
  if (secret) verdict = haveCommon(own.speaks, other.speaks) ? judge(other) : 'no_common_protocol';
  const proof = verdict === 'admitted' && secret ? proofOf(secret, 'listener', transcript) : Buffer.alloc(0);
  const answer = Buffer.concat([Buffer.of(VERDICTS.indexOf(verdict)), proof]);
  exchange.send(frame(own.speaks.max, KINDS.verdict, 0, answer));
  if (verdict !== 'admitted' || !secret) {
    throw new AdmissionRefused(verdict === 'admitted' ? 'wrong_secret' : verdict, false);
  }
  return { ...other, secret };
}

function haveCommon(a: Speaks, b: Speaks): boolean {
  return Math.max(a.min, b.min) <= Math.min(a.max, b.max);
}

function wanted(frame: Frame, kind: number): Frame {
  if (frame.kind !== kind || frame.flags !== 0) throw new Error('a message out of turn in the admission');
  return frame;
}

function encodeHello(own: OwnSide, again: boolean): Buffer {
  const hello = Buffer.alloc(HELLO_BYTES);
  hello.writeUInt16BE(own.speaks.min, 0);
  hello.writeUInt16BE(own.speaks.max, 2);
  hello.set(own.nonce.subarray(0, 32), 4);
  hello.set(own.instance.subarray(0, 16), INSTANCE_AT);
  hello[AGAIN_AT] = again ? 1 : 0;
  return hello;
}

function decodeHello(payload: Uint8Array): OtherSide {
  const hello = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  if (hello.length < HELLO_BYTES) throw new Error('a hello that is too short');
  return {
    speaks: { min: hello.readUInt16BE(0), max: hello.readUInt16BE(2) },
    instance: hello.subarray(INSTANCE_AT, AGAIN_AT).toString('hex'),
    again: hello[AGAIN_AT] === 1,
  };
}
