/**
 * A link: one admitted connection to a peer, with one long-lived stream each way, and the requests that run over it.
 *
 * @module
 */
import type { Connection, Stream } from '@libp2p/interface';
import type { Clock } from '../../model/clock.ts';
import { CodedError } from '../../model/errors.ts';
import {
  LINK_LOOK_MS,
  LINK_SILENT_MS,
  LINK_STALLED_MS,
  MESSAGE_BYTES_MAX,
  MESSAGE_INLINE_BYTES_MAX,
  OUTBOX_BYTES_MAX,
  OUTBOX_LARGE_BYTES_MAX,
  REQUEST_DURATION_MS,
} from '../../model/limits.ts';
import type { Log } from '../../model/log.ts';
import type { PeerId, RequestOptions } from '../../model/transport.ts';
import type { Admitted, Speaks } from './admission.ts';
import type { Deadlines } from './deadline.ts';
import { type Frame, frame, KINDS, makeFrameReader } from './frame.ts';
import { type Handlers, makeHandling } from './handling.ts';
import { makeLargeMessages, receiveLarge } from './large.ts';
import { makeOutbox } from './outbox.ts';
import { decodeRefusal, encodeRefusal } from './refusal.ts';

export interface Link {
  readonly peer: PeerId;
  readonly dialedByUs: boolean;
  readonly instance: string;
  /** The secret that the peer proved. */
  readonly secret: Uint8Array;
  send(bytes: Uint8Array): void;
  request(bytes: Uint8Array, options: RequestOptions): Promise<Uint8Array>;
  /** Our stream to the peer is open. */
  attach(stream: Stream): void;
  /** The peer's stream to us. */
  receive(stream: Stream): void;
  receiveLarge(stream: Stream): void;
  /** Looks at signs of life; ends the link where there are none. To be called each `LINK_LOOK_MS`. */
  look(): void;
  isIdle(): boolean;
  counts(): LinkCounts;
  /**
   * Rejects what is under way, drops what waits and closes the connection. Twice is fine.
   * @param how - `gently`: what waits is written first, as far as it can be at once, and the connection is left to be closed
   */
  end(why: string, how?: 'gently'): void;
}

export interface LinkCounts {
  /** Requests to the peer that wait for a reply. */
  readonly asked: number;
  /** Requests of the peer that are being handled. */
  readonly handled: number;
  /** Bytes that the peer has not taken. */
  readonly waitingBytes: number;
}

export interface LinkOptions {
  readonly connection: Connection;
  readonly peer: PeerId;
  readonly dialedByUs: boolean;
  readonly admitted: Admitted;
  readonly speaks: Speaks;
  /** The version that messages are written by now. */
  readonly protocol: () => number;
  readonly handlers: Handlers;
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly log: Log;
  /** Told once, when the link has ended and nothing of it is left. */
  readonly ended: (link: Link, why: string) => void;
}

interface Asked {
  resolve(reply: Uint8Array): void;
  reject(error: unknown): void;
}

export function makeLink(options: LinkOptions): Link {
  const { connection, peer, speaks, protocol, clock, deadlines, log } = options;
  const outbox = makeOutbox(clock, (error) => link.end(error.message));
  const large = makeLargeMessages(connection, deadlines, heard);
  const asked = new Map<number, Asked>();
  const handling = makeHandling({
    peer,
    handlers: options.handlers,
    clock,
    log,
    answer: (id, kind, payload) => answer(frame(protocol(), kind, id, payload)),
  });
  let lastId = 0;
  let receiving = false;
  let hasEnded = false;
  let lastHeardMs = clock.monotonicMs();
  let lastLookMs = lastHeardMs;

  function heard(): void {
    lastHeardMs = clock.monotonicMs();
  }

  /** Of our own accord: refused where too much waits already. */
  function dispatch(toSend: Frame, lost: (error: unknown) => void): void {
    if (hasEnded) throw new CodedError('connection_lost');
    const { length } = toSend.payload;
    if (length > MESSAGE_BYTES_MAX) throw new CodedError('too_large', 'message between nodes too large');
    if (length <= MESSAGE_INLINE_BYTES_MAX) {
      if (outbox.waiting() >= OUTBOX_BYTES_MAX) throw new CodedError('overloaded');
      outbox.put(toSend);
    } else {
      if (large.waiting() >= OUTBOX_LARGE_BYTES_MAX) throw new CodedError('overloaded');
      large.put(toSend, lost);
    }
  }

  /** What the peer asked for: it has room of its own, but a peer that asks and does not read is given up. */
  function answer(toSend: Frame): void {
    if (hasEnded) return;
    const { length } = toSend.payload;
    if (length <= MESSAGE_INLINE_BYTES_MAX) {
      outbox.put(toSend);
      if (outbox.waiting() > 2 * OUTBOX_BYTES_MAX) link.end('the peer does not read its replies');
    } else if (length > MESSAGE_BYTES_MAX) {
      refuse(toSend.id, new CodedError('too_large', 'reply between nodes too large'));
    } else if (large.waiting() > 2 * OUTBOX_LARGE_BYTES_MAX) {
      refuse(toSend.id, new CodedError('overloaded'));
    } else {
      large.put(toSend, (error) => {
        log.debug('a large reply was not sent', { peer, error });
        refuse(toSend.id, new CodedError('connection_lost'));
      });
    }
  }

  function refuse(id: number, error: CodedError): void {
    answer(frame(protocol(), KINDS.refusal, id, encodeRefusal(error)));
  }

  function isSpoken(version: number): boolean {
    return version >= speaks.min && version <= speaks.max;
  }

  function onFrame(got: Frame): void {
    if (hasEnded) return;
    heard();
    const { kind, id, flags, payload } = got;
    if (flags !== 0) refuse(id, new CodedError('unsupported'));
    else if (kind === KINDS.request || kind === KINDS.message) onAsked(got);
    else if (kind === KINDS.reply) {
      // Nobody waits for some: cancelled, or their time was over.
      if (isSpoken(got.protocol)) asked.get(id)?.resolve(payload);
      else asked.get(id)?.reject(new CodedError('unsupported'));
    } else if (kind === KINDS.refusal) {
      const error = decodeRefusal(payload);
      const waiting = asked.get(id);
      if (waiting) waiting.reject(error);
      else log.debug('a message was refused', { peer, code: error.code });
    } else if (kind === KINDS.cancel) handling.cancel(id);
    else if (kind === KINDS.ping) answer(frame(protocol(), KINDS.pong, id));
    else if (kind !== KINDS.pong) refuse(id, new CodedError('unsupported'));
  }

  function onAsked(got: Frame): void {
    if (!isSpoken(got.protocol)) refuse(got.id, new CodedError('unsupported'));
    // Who does not read what it has asked for is given nothing more to read.
    else if (outbox.waiting() >= OUTBOX_BYTES_MAX) refuse(got.id, new CodedError('overloaded'));
    else if (got.kind === KINDS.message) handling.message(got);
    else if (!handling.request(got)) link.end('the peer used a request id twice');
  }

  function endWith(stream: Stream, what: string): void {
    stream.addEventListener('close', () => link.end(`${what} closed`));
    stream.addEventListener('remoteCloseWrite', () => link.end(`${what} closed by the peer`));
  }

  function look(): void {
    const now = clock.monotonicMs();
    // We stood still ourselves: what the peer sent meanwhile has not been read yet.
    if (now - lastLookMs > 3 * LINK_LOOK_MS) lastHeardMs = now;
    lastLookMs = now;
    const stalled = outbox.stalledSinceMs();
    if (now - lastHeardMs > LINK_SILENT_MS) link.end('the peer gives no sign of life');
    else if (stalled !== undefined && now - stalled > LINK_STALLED_MS) link.end('the peer does not read');
    else if (now - lastHeardMs >= LINK_LOOK_MS) answer(frame(protocol(), KINDS.ping, 0));
  }

  const link: Link = {
    peer,
    dialedByUs: options.dialedByUs,
    instance: options.admitted.instance,
    secret: options.admitted.secret,
    attach(stream) {
      endWith(stream, 'our stream');
      outbox.attach(stream);
    },
    receive(stream) {
      if (receiving) return link.end('the peer opened a second stream for messages');
      receiving = true;
      endWith(stream, "the peer's stream");
      const reader = makeFrameReader(onFrame, MESSAGE_INLINE_BYTES_MAX);
      stream.addEventListener('message', ({ data }) => {
        try {
          for (const chunk of data instanceof Uint8Array ? [data] : data) reader.push(chunk);
        } catch (error) {
          link.end((error as Error).message);
        }
      });
    },
    receiveLarge(stream) {
      stream.addEventListener('message', heard);
      receiveLarge(stream, deadlines, onFrame, (error) => link.end(error.message));
    },
    send(bytes) {
      dispatch(frame(protocol(), KINDS.message, ++lastId, bytes), (error) =>
        log.debug('a large message was not sent', { peer, error }),
      );
    },
    request(bytes, { signal, timeoutMs = REQUEST_DURATION_MS }) {
      return new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const id = ++lastId;
        const wait = Math.max(1, Math.min(Math.ceil(timeoutMs), REQUEST_DURATION_MS));
        dispatch(frame(protocol(), KINDS.request, id, bytes, wait), () =>
          asked.get(id)?.reject(new CodedError('connection_lost')),
        );
        const giveUp = (why: unknown): void => {
          asked.get(id)?.reject(why);
          // Also where the request has not left yet: frames keep their order, or the id is unknown there.
          outbox.put(frame(protocol(), KINDS.cancel, id));
        };
        const onAbort = (): void => giveUp(signal?.reason);
        const timer = clock.after(() => giveUp(new CodedError('deadline')), wait);
        const settle = (): void => {
          asked.delete(id);
          timer.clear();
          signal?.removeEventListener('abort', onAbort);
        };
        signal?.addEventListener('abort', onAbort, { once: true });
        asked.set(id, {
          resolve(reply) {
            settle();
            resolve(reply);
          },
          reject(error) {
            settle();
            reject(error);
          },
        });
      });
    },
    look,
    isIdle: () =>
      asked.size === 0 && handling.count() === 0 && outbox.waiting() === 0 && large.waiting() === 0,
    counts: () => ({
      asked: asked.size,
      handled: handling.count(),
      waitingBytes: outbox.waiting() + large.waiting(),
    }),
    end(why, how) {
      if (hasEnded) return;
      if (how === 'gently') outbox.flush();
      hasEnded = true;
      outbox.end();
      large.end();
      if (how !== 'gently') connection.abort(new Error(why));
      handling.end();
      for (const waiting of [...asked.values()]) waiting.reject(new CodedError('connection_lost'));
      options.ended(link, why);
    },
  };
  connection.addEventListener('close', () => link.end('the connection was lost'));
  return link;
}
