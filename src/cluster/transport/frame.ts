/**
 * Frames: how messages follow each other on a stream.
 *
 *     0   length of what follows these 4 bytes, big-endian as all numbers
 *     4   protocol version the message is written by, 2 bytes
 *     6   kind
 *     7   flags, 0
 *     8   id, 6 bytes: the sender's own count; a reply names the id it answers
 *     14  timeout in ms, 4 bytes: of a request, how long its sender waits; else 0
 *     18  payload
 *
 * This head stays as it is in later versions, so that a receiver can answer what it does not understand.
 *
 * @module
 */
import { MESSAGE_BYTES_MAX } from '../../model/limits.ts';

export const HEAD_BYTES = 18;
const LENGTH_BYTES = 4;

export const KINDS = {
  /** Wants a reply or a refusal. */
  request: 1,
  reply: 2,
  /** Answers a request or a message that was not taken. Its payload: `refusal.ts`. */
  refusal: 3,
  message: 4,
  /** Nobody waits for the reply to that request any more. */
  cancel: 5,
  /** Asks for a `pong`: is anybody there? */
  ping: 6,
  pong: 7,
  /** On the admission's stream: `admission.ts`. */
  hello: 16,
  proof: 17,
  verdict: 18,
} as const;

export interface Frame {
  readonly protocol: number;
  readonly kind: number;
  readonly flags: number;
  readonly id: number;
  readonly timeoutMs: number;
  readonly payload: Uint8Array;
}

const NOTHING = new Uint8Array(0);

export function frame(
  protocol: number,
  kind: number,
  id: number,
  payload: Uint8Array = NOTHING,
  timeoutMs = 0,
): Frame {
  return { protocol, kind, flags: 0, id, timeoutMs, payload };
}

/** The bytes that `frame` takes on the wire. */
export function frameBytes(frame: Frame): number {
  return HEAD_BYTES + frame.payload.length;
}

/** Writes `frame` at `offset`. @returns the offset after it. */
export function writeFrame(target: Buffer, offset: number, frame: Frame): number {
  target.writeUInt32BE(HEAD_BYTES - LENGTH_BYTES + frame.payload.length, offset);
  target.writeUInt16BE(frame.protocol, offset + 4);
  target[offset + 6] = frame.kind;
  target[offset + 7] = frame.flags;
  target.writeUIntBE(frame.id, offset + 8, 6);
  target.writeUInt32BE(frame.timeoutMs, offset + 14);
  target.set(frame.payload, offset + HEAD_BYTES);
  return offset + HEAD_BYTES + frame.payload.length;
}

/** One frame alone. */
export function encodeFrame(frame: Frame): Buffer {
  const target = Buffer.allocUnsafe(frameBytes(frame));
  writeFrame(target, 0, frame);
  return target;
}

/** The bytes are not a frame, or a longer one than is taken. The stream cannot be read on. */
export class FrameError extends Error {}

export interface FrameReader {
  /** Takes the next bytes of the stream and calls `onFrame` for each frame they complete. @throws FrameError */
  push(chunk: Uint8Array): void;
  /** Bytes held of a frame that is not complete. */
  held(): number;
}

/** First room for a frame that does not come in one piece; it grows as bytes come, not as they are announced. */
const FIRST_ROOM_BYTES = 4 * 1024;

/**
 * Cuts a stream into frames. Payloads are views: of the chunk, or of a buffer of their own where a frame came in pieces.
 * @param payloadMax - bytes; a longer payload is a FrameError before any of it is held
 */
export function makeFrameReader(
  onFrame: (frame: Frame) => void,
  payloadMax: number = MESSAGE_BYTES_MAX,
): FrameReader {
  let part = Buffer.allocUnsafe(0);
  let filled = 0;
  /** Of the frame in `part`, once its length is known. */
  let wanted = 0;

  function lengthAt(bytes: Buffer, offset: number): number {
    const length = bytes.readUInt32BE(offset);
    if (length < HEAD_BYTES - LENGTH_BYTES) throw new FrameError(`a frame of ${length} bytes`);
    if (length - (HEAD_BYTES - LENGTH_BYTES) > payloadMax) throw new FrameError(`a frame of ${length} bytes`);
    return LENGTH_BYTES + length;
  }

  /** Moves up to `count` bytes into `part`. @returns how many. */
  function take(chunk: Buffer, from: number, count: number): number {
    const taken = Math.min(count, chunk.length - from);
    if (filled + taken > part.length) {
      const room = Math.max(FIRST_ROOM_BYTES, part.length * 2, filled + taken);
      const larger = Buffer.allocUnsafe(
        wanted === 0 ? room : Math.max(filled + taken, Math.min(room, wanted)),
      );
      part.copy(larger, 0, 0, filled);
      part = larger;
    }
    chunk.copy(part, filled, from, from + taken);
    filled += taken;
    return taken;
  }

  function reset(): void {
    part = Buffer.allocUnsafe(0);
    filled = 0;
    wanted = 0;
  }

  return {
    held: () => filled,
    push(bytes) {
      const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      let at = 0;
      if (filled > 0) {
        if (wanted === 0) {
          at += take(chunk, at, LENGTH_BYTES - filled);
          if (filled < LENGTH_BYTES) return;
          wanted = lengthAt(part, 0);
        }
        at += take(chunk, at, wanted - filled);
        if (filled < wanted) return;
        const whole = part.subarray(0, wanted);
        reset();
        onFrame(read(whole, 0, whole.length));
      }
      while (chunk.length - at >= LENGTH_BYTES) {
        const length = lengthAt(chunk, at);
        if (chunk.length - at < length) {
          wanted = length;
          break;
        }
        // Before the call: it may throw, or push more.
        const from = at;
        at += length;
        onFrame(read(chunk, from, length));
      }
      if (at < chunk.length) take(chunk, at, chunk.length - at);
    },
  };
}

function read(bytes: Buffer, at: number, length: number): Frame {
  return {
    protocol: bytes.readUInt16BE(at + 4),
    kind: bytes[at + 6]!,
    flags: bytes[at + 7]!,
    id: bytes.readUIntBE(at + 8, 6),
    timeoutMs: bytes.readUInt32BE(at + 14),
    payload: bytes.subarray(at + HEAD_BYTES, at + length),
  };
}
