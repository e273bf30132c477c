/**
 * What waits to be written to one peer. Frames put in during one turn of the event loop leave as one write; while the peer does not
 * read, they wait here, where they are counted.
 *
 * @module
 */
import type { Stream } from '@libp2p/interface';
import type { Clock } from '../../model/clock.ts';
import { OUTBOX_MESSAGE_BYTES, OUTBOX_WRITE_BYTES_MAX } from '../../model/limits.ts';
import { type Frame, frameBytes, writeFrame } from './frame.ts';

export interface Outbox {
  put(frame: Frame): void;
  /** Bytes that the peer has not taken: here, and in the stream. */
  waiting(): number;
  /** Since when nothing could be written, monotonic ms; undefined while writing goes on. */
  stalledSinceMs(): number | undefined;
  /** The stream is open: what waits may leave. */
  attach(stream: Stream): void;
  /** Writes now what can be written now. */
  flush(): void;
  /** Drops all that waits; nothing is taken any more. */
  end(): void;
}

/** @param failed - told when the stream breaks while it is written to */
export function makeOutbox(clock: Clock, failed: (error: Error) => void): Outbox {
  let frames: Array<Frame | undefined> = [];
  /** The first of `frames` that has not been written. */
  let first = 0;
  let bytes = 0;
  let stream: Stream | undefined;
  let isTurnAwaited = false;
  let stalledSince: number | undefined;
  let ended = false;

  function flush(): void {
    isTurnAwaited = false;
    if (!stream || stalledSince !== undefined || ended) return;
    try {
      while (first < frames.length) {
        if (!stream.send(block())) {
          stalledSince = clock.monotonicMs();
          break;
        }
      }
    } catch (error) {
      failed(error as Error);
      return;
    }
    if (first === frames.length) {
      frames = [];
      first = 0;
    } else if (first > 1_024) {
      frames = frames.slice(first);
      first = 0;
    }
  }

  /** The next frames as one block: each piece would be a TLS record and a system call of its own. */
  function block(): Uint8Array {
    let size = 0;
    let last = first;
    while (last < frames.length) {
      const more = frameBytes(frames[last]!);
      if (size > 0 && size + more > OUTBOX_WRITE_BYTES_MAX) break;
      size += more;
      last++;
    }
    const target = Buffer.allocUnsafe(size);
    let at = 0;
    for (; first < last; first++) {
      const frame = frames[first]!;
      frames[first] = undefined;
      at = writeFrame(target, at, frame);
      bytes -= OUTBOX_MESSAGE_BYTES + frame.payload.length;
    }
    return target;
  }

  return {
    put(frame) {
      if (ended) return;
      frames.push(frame);
      bytes += OUTBOX_MESSAGE_BYTES + frame.payload.length;
      if (isTurnAwaited) return;
      isTurnAwaited = true;
      setImmediate(flush);
    },
    waiting: () => bytes + (stream?.writeBufferLength ?? 0),
    stalledSinceMs: () => stalledSince,
    attach(opened) {
      stream = opened;
      stream.addEventListener('drain', () => {
        stalledSince = undefined;
        flush();
      });
      flush();
    },
    flush,
    end() {
      ended = true;
      frames = [];
      first = 0;
      bytes = 0;
    },
  };
}
