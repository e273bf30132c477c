/**
 * Replies that go on until their client leaves, their writer ends them, or the listener stops (`sys/monitor`).
 *
 * @module
 */
import type { Http2Session } from 'node:http2';
import { STREAM_KEEPALIVE_MS } from '../model/limits.ts';
import type { ReplyStream } from '../model/request.ts';
import type { AnyResponse } from './incoming-request.ts';

export interface Streams {
  /** The head is written. */
  run(response: AnyResponse, stream: ReplyStream): void;
  /** Ends all that run, and those to come at once. */
  endAll(): void;
}

/** @param inactivityMs - after which the listener cuts a connection on which nothing moves; a quiet stream is none. */
export function makeStreams(inactivityMs: number): Streams {
  const running = new Set<() => void>();
  let isEnding = false;

  function run(response: AnyResponse, stream: ReplyStream): void {
    const letIdle = keepOpen(response, inactivityMs);
    const end = () => response.end();
    // Its connection may be reset at any time; `close` follows.
    response.on('error', () => {});
    // The head alone is not sent before something follows it.
    (response as { flushHeaders?(): void }).flushHeaders?.();
    const stop = stream.start({
      write: (text) => !response.writableEnded && !response.destroyed && writeTo(response, text),
      onDrain: (drained) => void response.on('drain', drained),
      end,
    });
    running.add(end);
    response.once('close', () => {
      running.delete(end);
      letIdle();
      stop();
    });
    if (isEnding) end();
  }

  return {
    run,
    endAll() {
      isEnding = true;
      for (const end of running) end();
    },
  };
}

function writeTo(response: AnyResponse, text: string): boolean {
  return (response as { write(chunk: string): boolean }).write(text);
}

/** Streams of one HTTP/2 connection. */
const streamsOf = new WeakMap<Http2Session, number>();

/** @returns what undoes it. */
function keepOpen(response: AnyResponse, inactivityMs: number): () => void {
  if (!('stream' in response)) {
    response.socket?.setTimeout(0);
    // A client that is gone without a word is noticed all the same.
    response.socket?.setKeepAlive(true, STREAM_KEEPALIVE_MS);
    return () => {};
  }
  const { session } = response.stream;
  if (!session) return () => {};
  const count = (more: number) => {
    const now = (streamsOf.get(session) ?? 0) + more;
    streamsOf.set(session, now);
    if (!session.destroyed) session.setTimeout(now > 0 ? 0 : inactivityMs);
  };
  count(1);
  return () => count(-1);
}
