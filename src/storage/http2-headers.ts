/**
 * Headers as a server sends them: one frame, or several that follow each other (RFC 9113 §6.2, §6.10).
 *
 * @module
 */
import { decodeHeaders } from './hpack.ts';
import { CONTINUATION, contentOf, END_HEADERS, HEADERS, ProtocolError } from './http2-frames.ts';

/** Of one block that comes in several frames. */
const BLOCK_BYTES_MAX = 64 * 1024;

export interface HeaderReader {
  /** To be told of each frame's type and stream. @throws ProtocolError for one that stands between two of a block. */
  check(type: number, stream: number): void;
  /** Of HEADERS and CONTINUATION. @throws ProtocolError; what `heard` throws. */
  read(type: number, flags: number, stream: number, payload: Buffer): void;
}

/** @param heard - `flags` are those of the block's first frame. */
export function makeHeaderReader(
  heard: (stream: number, flags: number, headers: Record<string, string>) => void,
): HeaderReader {
  let begun: { stream: number; flags: number; parts: Buffer[]; bytes: number } | undefined;
  return {
    check(type, stream) {
      if (begun === undefined ? type === CONTINUATION : type !== CONTINUATION || stream !== begun.stream)
        throw new ProtocolError('headers are interrupted');
    },
    read(type, flags, stream, payload) {
      begun ??= { stream, flags, parts: [], bytes: 0 };
      begun.parts.push(type === HEADERS ? contentOf(HEADERS, flags, payload) : payload);
      begun.bytes += payload.length;
      if (begun.bytes > BLOCK_BYTES_MAX) throw new ProtocolError('headers are too long');
      if (!(flags & END_HEADERS)) return;
      const { parts, flags: first } = begun;
      begun = undefined;
      let headers: Record<string, string>;
      try {
        headers = decodeHeaders(parts.length === 1 ? parts[0]! : Buffer.concat(parts));
      } catch (error) {
        throw new ProtocolError((error as Error).message);
      }
      heard(stream, first, headers);
    },
  };
}
