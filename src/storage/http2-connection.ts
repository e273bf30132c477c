/**
 * A client's HTTP/2 connection for calls that send one message and hear one answer (RFC 9113). Node's own costs several times as much
 * for each call, and what it keeps of a call that is over (the message, and all that waits for it) lies in memory until all of the heap
 * is collected: so much of it that this happened several times a second.
 *
 * It takes the server's flow control into account, lets the server send what it likes up to windows of its own, and asks for neither
 * pushes nor a dynamic table of headers.
 *
 * @module
 */
import type { Socket } from 'node:net';
import {
  ACK,
  CONTINUATION,
  contentOf,
  DATA,
  END_STREAM,
  ERROR,
  frame,
  GOAWAY,
  greeting,
  HEADERS,
  makeFrameReader,
  PING,
  ProtocolError,
  PUSH_PROMISE,
  RST_STREAM,
  readSettings,
  SETTING,
  SETTINGS,
  uint32,
  WINDOW_BYTES_MAX,
  WINDOW_UPDATE,
} from './http2-frames.ts';
import { makeHeaderReader } from './http2-headers.ts';
import { makeSending, type Outgoing } from './http2-sending.ts';

/** What a server may send before we have read it, of a stream and of the connection. */
const STREAM_WINDOW_BYTES = 1024 * 1024;
const CONNECTION_WINDOW_BYTES = 16 * 1024 * 1024;
/** Numbers of streams are used up once; a connection that comes near the end is left. */
const STREAM_MAX = 2 ** 30;

/** One of these once, at the end: `done` with all headers and the whole body, or `lost`. */
export interface CallHeard {
  /** @param bytes - so far. Whoever cancels hears nothing more. */
  data(bytes: number): void;
  done(headers: Readonly<Record<string, string>>, body: Buffer): void;
  /** @param unseen - the server has not looked at it, and never will. */
  lost(unseen: boolean, why: string, cause?: Error): void;
}

export interface Call {
  /** True: the server has not been sent anything of it. */
  isUnsent(): boolean;
  cancel(): void;
}

export interface Http2Connection {
  /** False: no call may be begun any more; those under way go on. */
  isOpen(): boolean;
  /** @param head - encoded headers. @param body - not empty; not to be changed until the end was heard. Not while it is not open. */
  call(head: Buffer, body: readonly Buffer[], heard: CallHeard): Call;
  /** No further calls; closes once those under way have ended. */
  leave(): void;
  /** Cuts it. Calls under way are lost. */
  destroy(why: string, cause?: Error): void;
}

export interface ConnectionEvents {
  /** No further calls, because the server says so or numbers are used up. May come more than once. */
  left(): void;
  /** It is gone, and so are its calls. Once. */
  ended(why: string, cause?: Error): void;
}

interface Stream extends Outgoing {
  headers: Record<string, string>;
  parts: Buffer[];
  bytes: number;
  /** Received since we last told the server that it may send more. */
  unacknowledged: number;
  heard: CallHeard | undefined;
}

/** @param socket - connected, and nobody else's. */
export function makeHttp2Connection(socket: Socket, events: ConnectionEvents): Http2Connection {
  /** Those that have a number and have not ended. */
  const streams = new Map<number, Stream>();
  /** Those that the server has no room for yet, in their order. */
  let unopened: Stream[] = [];
  const sending = makeSending<Stream>(socket);
  let nextId = 1;
  let streamsMax = Number.POSITIVE_INFINITY;
  let unacknowledged = 0;
  let isLeft = false;
  let isEnded = false;
  let isGreeted = false;

  function leave(): void {
    if (!isLeft) {
      isLeft = true;
      events.left();
    }
    if (streams.size === 0 && unopened.length === 0) destroy('it was not needed any more');
  }

  function destroy(why: string, cause?: Error): void {
    if (isEnded) return;
    isEnded = true;
    isLeft = true;
    socket.destroy();
    const open = [...streams.values()];
    const waiting = unopened;
    streams.clear();
    unopened = [];
    for (const stream of open) take(stream)?.lost(false, why, cause);
    for (const stream of waiting) take(stream)?.lost(true, why, cause);
    events.ended(why, cause);
  }

  /** Whoever is to be told of its end; nothing of it is kept, whoever still knows the stream. */
  function take(stream: Stream): CallHeard | undefined {
    const { heard } = stream;
    stream.heard = undefined;
    stream.head = undefined;
    stream.rest = [];
    stream.parts = [];
    return heard;
  }

  /** @param tell - the server that we have no further interest. */
  function close(stream: Stream, tell: boolean): CallHeard | undefined {
    if (stream.id === 0) unopened = unopened.filter((each) => each !== stream);
    else if (streams.delete(stream.id) && tell)
      socket.write(frame(RST_STREAM, 0, stream.id, uint32(ERROR.cancel)));
    const heard = take(stream);
    sending.drop(stream);
    while (unopened.length > 0 && streams.size < streamsMax) open(unopened.shift()!);
    if (isLeft && streams.size === 0 && unopened.length === 0) destroy('it was not needed any more');
    return heard;
  }

  function open(stream: Stream): void {
    stream.id = nextId;
    nextId += 2;
    streams.set(stream.id, stream);
    sending.open(stream);
    if (nextId > STREAM_MAX) leave();
  }

  function onData(id: number, flags: number, payload: Buffer): void {
    unacknowledged += payload.length;
    if (unacknowledged >= CONNECTION_WINDOW_BYTES / 2) {
      socket.write(frame(WINDOW_UPDATE, 0, 0, uint32(unacknowledged)));
      unacknowledged = 0;
    }
    const content = contentOf(DATA, flags, payload);
    const stream = streams.get(id);
    if (stream === undefined) {
      refuseUnopened(id);
      return;
    }
    if (content.length > 0) {
      // What was read is no one call's alone: a small part must not keep all of it.
      stream.parts.push(content.length < content.buffer.byteLength / 2 ? Buffer.from(content) : content);
      stream.bytes += content.length;
      stream.heard?.data(stream.bytes);
    }
    if (flags & END_STREAM) {
      finish(stream);
      return;
    }
    stream.unacknowledged += payload.length;
    if (stream.unacknowledged < STREAM_WINDOW_BYTES / 2 || !streams.has(id)) return;
    socket.write(frame(WINDOW_UPDATE, 0, id, uint32(stream.unacknowledged)));
    stream.unacknowledged = 0;
  }

  function finish(stream: Stream): void {
    const { headers, parts, bytes } = stream;
    const body = parts.length === 1 ? parts[0]! : Buffer.concat(parts, bytes);
    close(stream, stream.rest.length > 0)?.done(headers, body);
  }

  const headers = makeHeaderReader((id, flags, received) => {
    const stream = streams.get(id);
    if (stream === undefined) {
      refuseUnopened(id);
      return;
    }
    Object.assign(stream.headers, received);
    if (flags & END_STREAM) finish(stream);
  });

  /** One that has ended may still hear what was under way. */
  function refuseUnopened(id: number): void {
    if (id === 0 || id % 2 === 0 || id >= nextId) throw new ProtocolError('a stream that nobody opened');
  }

  function onSettings(flags: number, payload: Buffer): void {
    if (flags & ACK) return;
    for (const [id, value] of readSettings(payload)) {
      if (id === SETTING.maxConcurrentStreams) streamsMax = value;
      else if (id === SETTING.maxFrameSize) sending.setFrameBytes(value);
      else if (id === SETTING.initialWindowSize) sending.setStreamWindow(value, streams.values());
    }
    socket.write(frame(SETTINGS, ACK, 0, Buffer.alloc(0)));
    while (unopened.length > 0 && streams.size < streamsMax) open(unopened.shift()!);
    sending.resume();
  }

  function onWindowUpdate(id: number, payload: Buffer): void {
    const more = numberOf(payload) & WINDOW_BYTES_MAX;
    const stream = streams.get(id);
    if (id === 0 || stream !== undefined) sending.widen(stream, more);
    sending.resume();
  }

  function onReset(id: number, payload: Buffer): void {
    const code = numberOf(payload);
    const stream = streams.get(id);
    if (stream === undefined) refuseUnopened(id);
    else
      close(stream, false)?.lost(code === ERROR.refusedStream, `broke off its answer (HTTP/2 error ${code})`);
  }

  function onGoaway(payload: Buffer): void {
    if (payload.length < 8) throw new ProtocolError('a farewell is cut', ERROR.frameSize);
    const last = payload.readUInt32BE(0) & WINDOW_BYTES_MAX;
    const lost = unopened;
    unopened = [];
    for (const stream of streams.values()) if (stream.id > last) lost.push(stream);
    const heard = lost.map((stream) => close(stream, false));
    leave();
    for (const each of heard) each?.lost(true, 'takes no further calls on this connection');
  }

  const read = makeFrameReader((type, flags, id, payload) => {
    if (isEnded) return;
    if (!isGreeted && type !== SETTINGS) throw new ProtocolError('it speaks no HTTP/2');
    isGreeted = true;
    headers.check(type, id);
    if (type === DATA) onData(id, flags, payload);
    else if (type === HEADERS || type === CONTINUATION) headers.read(type, flags, id, payload);
    else if (type === RST_STREAM) onReset(id, payload);
    else if (type === SETTINGS) onSettings(flags, payload);
    else if (type === WINDOW_UPDATE) onWindowUpdate(id, payload);
    else if (type === GOAWAY) onGoaway(payload);
    else if (type === PUSH_PROMISE) throw new ProtocolError('a push that nobody asked for');
    else if (type === PING && !(flags & ACK)) socket.write(frame(PING, ACK, 0, payload));
  });

  socket.on('data', (chunk: Buffer) => {
    try {
      read(chunk);
    } catch (error) {
      const { code = ERROR.protocol, message } = error as ProtocolError;
      if (!isEnded) socket.write(frame(GOAWAY, 0, 0, uint32(0, code)));
      destroy(`does not answer as HTTP/2 wants it: ${message}`, error as Error);
    }
  });
  socket.on('error', (error) => destroy(`could not be asked: ${error.message}`, error));
  socket.on('close', () => destroy('closed the connection'));
  socket.write(greeting(STREAM_WINDOW_BYTES, CONNECTION_WINDOW_BYTES));

  return {
    isOpen: () => !isLeft,
    call(head, body, heard) {
      const stream: Stream = {
        id: 0,
        head,
        rest: body.filter((piece) => piece.length > 0),
        sent: 0,
        window: 0,
        headers: Object.create(null),
        parts: [],
        bytes: 0,
        unacknowledged: 0,
        heard,
      };
      if (streams.size < streamsMax) open(stream);
      else unopened.push(stream);
      return {
        isUnsent: () => stream.id === 0,
        cancel: () => void (stream.heard !== undefined && close(stream, true)),
      };
    },
    leave,
    destroy,
  };
}

/** @throws ProtocolError */
function numberOf(payload: Buffer): number {
  if (payload.length !== 4) throw new ProtocolError('a number has not four bytes', ERROR.frameSize);
  return payload.readUInt32BE(0);
}
