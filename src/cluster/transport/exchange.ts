/**
 * The admission's few frames over a libp2p stream.
 *
 * @module
 */
import type { Stream } from '@libp2p/interface';
import { ADMISSION_BYTES_MAX } from '../../model/limits.ts';
import type { Exchange } from './admission.ts';
import { encodeFrame, type Frame, makeFrameReader } from './frame.ts';

/** Frames that came before they were asked for. An honest peer sends none. */
const EARLY_MAX = 2;

/** @param late - fires when the time for all of it is over */
export function makeExchange(stream: Stream, late: AbortSignal): Exchange {
  const came: Frame[] = [];
  let waiting: PromiseWithResolvers<Frame> | undefined;
  let broken: Error | undefined;

  function fail(error: Error): void {
    broken ??= error;
    waiting?.reject(broken);
    waiting = undefined;
  }

  const reader = makeFrameReader((frame) => {
    if (waiting) {
      waiting.resolve(frame);
      waiting = undefined;
    } else if (came.length < EARLY_MAX) came.push(frame);
    else fail(new Error('too many messages in the admission'));
  }, ADMISSION_BYTES_MAX);

  stream.addEventListener('message', ({ data }) => {
    if (broken) return;
    try {
      for (const chunk of data instanceof Uint8Array ? [data] : data) reader.push(chunk);
    } catch (error) {
      fail(error as Error);
    }
  });
  const ended = (): void => fail(new Error('the peer ended the admission'));
  stream.addEventListener('close', ended);
  stream.addEventListener('remoteCloseWrite', ended);
  const timeIsOver = (): void => fail(new Error('the admission took too long'));
  if (late.aborted) timeIsOver();
  late.addEventListener('abort', timeIsOver, { once: true });

  return {
    send: (frame) => void stream.send(encodeFrame(frame)),
    next() {
      const frame = came.shift();
      if (frame) return Promise.resolve(frame);
      if (broken) return Promise.reject(broken);
      waiting = Promise.withResolvers();
      return waiting.promise;
    },
  };
}
