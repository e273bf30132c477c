/**
 * Messages too long for a link's stream, each on a stream of its own, so that small ones pass them. A few at once; the others wait.
 *
 * @module
 */
import type { Connection, Stream } from '@libp2p/interface';
import {
  LARGE_MESSAGES_MAX,
  MESSAGE_BYTES_MAX,
  OUTBOX_WRITE_BYTES_MAX,
  REQUEST_DURATION_MS,
  STREAMS_MAX,
} from '../../model/limits.ts';
import type { Deadlines } from './deadline.ts';
import { encodeFrame, type Frame, frameBytes, makeFrameReader } from './frame.ts';

export const LARGE_PROTOCOL = '/coffer/large/1';

export interface LargeMessages {
  /** @param lost - called when it could not be sent whole. */
  put(frame: Frame, lost: (error: unknown) => void): void;
  /** Bytes of those that wait or are being sent. */
  waiting(): number;
  /** Drops all that waits; `lost` is not called any more. */
  end(): void;
}

/** @param progress - told whenever the peer has taken a piece: it is alive, though on a slow line it may say nothing else for long */
export function makeLargeMessages(
  connection: Connection,
  deadlines: Deadlines,
  progress: () => void,
): LargeMessages {
  let queue: Array<{ frame: Frame; lost: (error: unknown) => void }> = [];
  let running = 0;
  let bytes = 0;
  let ended = false;

  function next(): void {
    while (running < LARGE_MESSAGES_MAX && queue.length > 0) {
      const { frame, lost } = queue.shift()!;
      running++;
      send(frame)
        .catch((error: unknown) => {
          if (!ended) lost(error);
        })
        .finally(() => {
          running--;
          bytes -= frameBytes(frame);
          next();
        });
    }
  }

  async function send(frame: Frame): Promise<void> {
    const late = deadlines.signal(REQUEST_DURATION_MS);
    let stream: Stream | undefined;
    try {
      stream = await connection.newStream([LARGE_PROTOCOL], {
        signal: late.signal,
        maxOutboundStreams: STREAMS_MAX,
      });
      const closed = new Promise<void>((resolve, reject) => {
        stream!.addEventListener('close', (event) =>
          event.error === undefined ? resolve() : reject(event.error),
        );
      });
      closed.catch(() => {});
      const whole = encodeFrame(frame);
      for (let at = 0; at < whole.length; at += OUTBOX_WRITE_BYTES_MAX) {
        const more = stream.send(whole.subarray(at, at + OUTBOX_WRITE_BYTES_MAX));
        if (more) continue;
        await Promise.race([drained(stream), closed, late.fired]);
        progress();
      }
      await stream.close({ signal: late.signal });
      // The receiver allows only so many at once: the next begins when it has let go of this one.
      await Promise.race([closed, late.fired]);
    } catch (error) {
      stream?.abort(error as Error);
      throw error;
    } finally {
      late.clear();
    }
  }

  return {
    put(frame, lost) {
      if (ended) return;
      bytes += frameBytes(frame);
      queue.push({ frame, lost });
      next();
    },
    waiting: () => bytes,
    end() {
      ended = true;
      queue = [];
    },
  };
}

/** libp2p's own `onDrain` waits only the first time. */
function drained(stream: Stream): Promise<void> {
  return new Promise((resolve) => stream.addEventListener('drain', () => resolve(), { once: true }));
}

/** Takes the one frame that `stream` carries. @param broken - told when it carries anything else */
export function receiveLarge(
  stream: Stream,
  deadlines: Deadlines,
  onFrame: (frame: Frame) => void,
  broken: (error: Error) => void,
): void {
  const late = deadlines.signal(REQUEST_DURATION_MS);
  late.fired.catch((error: Error) => stream.abort(error));
  let isWhole = false;
  const reader = makeFrameReader((frame) => {
    if (isWhole) throw new Error('more than one message on a stream for one');
    isWhole = true;
    onFrame(frame);
  }, MESSAGE_BYTES_MAX);
  stream.addEventListener('message', ({ data }) => {
    try {
      for (const chunk of data instanceof Uint8Array ? [data] : data) reader.push(chunk);
    } catch (error) {
      broken(error as Error);
    }
  });
  stream.addEventListener('remoteCloseWrite', () => {
    stream.close().catch((error: Error) => stream.abort(error));
  });
  stream.addEventListener('close', () => late.clear());
}
