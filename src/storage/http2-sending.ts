/**
 * What a client sends of its streams over one HTTP/2 connection: headers, and of the bodies as much as the server's windows allow (RFC 9113 §5.2).
 *
 * @module
 */
import type { Socket } from 'node:net';
import {
  CONTINUATION,
  DATA,
  END_HEADERS,
  END_STREAM,
  ERROR,
  FRAME_BYTES_DEFAULT,
  FRAME_HEAD_BYTES,
  frame,
  HEADERS,
  ProtocolError,
  putFrameHead,
  WINDOW_BYTES_DEFAULT,
  WINDOW_BYTES_MAX,
} from './http2-frames.ts';

/** A stream, as far as it is still to be sent. */
export interface Outgoing {
  /** 0: nothing was sent of it yet. */
  id: number;
  /** Encoded headers. */
  head: Buffer | undefined;
  /** What is still to be sent of the body, but for what `sent` says of the first piece. */
  rest: Buffer[];
  sent: number;
  /** What the server lets us send; set when it is opened. */
  window: number;
}

export interface Sending<S extends Outgoing> {
  /** Its headers, and of its body what can go now; the rest follows as the server allows. */
  open(stream: S): void;
  /** No more of it. */
  drop(stream: S): void;
  setFrameBytes(bytes: number): void;
  /** Of those that are open and of later ones. @throws ProtocolError */
  setStreamWindow(bytes: number, open: Iterable<S>): void;
  /** @param stream - undefined: of the connection. @throws ProtocolError */
  widen(stream: S | undefined, bytes: number): void;
  /** Sends what waited for a window. */
  resume(): void;
}

export function makeSending<S extends Outgoing>(
  socket: Pick<Socket, 'write' | 'cork' | 'uncork'>,
): Sending<S> {
  /** Those whose rest waits for a window, in their order. */
  let blocked: S[] = [];
  let window = WINDOW_BYTES_DEFAULT;
  let streamWindow = WINDOW_BYTES_DEFAULT;
  let frameBytes = FRAME_BYTES_DEFAULT;

  function sendHead(stream: S): void {
    const head = stream.head!;
    stream.head = undefined;
    for (let at = 0; at === 0 || at < head.length; at += frameBytes) {
      const piece = head.subarray(at, at + frameBytes);
      const flags = at + frameBytes < head.length ? 0 : END_HEADERS;
      socket.write(frame(at === 0 ? HEADERS : CONTINUATION, flags, stream.id, piece));
    }
  }

  /** As much as the windows allow. @returns whether that was all. */
  function sendRest(stream: S): boolean {
    const { rest } = stream;
    let left = -stream.sent;
    for (const piece of rest) left += piece.length;
    while (left > 0) {
      const room = Math.min(left, frameBytes, window, stream.window);
      if (room <= 0) return false;
      left -= room;
      window -= room;
      stream.window -= room;
      const head = Buffer.allocUnsafe(FRAME_HEAD_BYTES);
      putFrameHead(head, 0, room, DATA, left === 0 ? END_STREAM : 0, stream.id);
      socket.write(head);
      for (let wanted = room; wanted > 0; ) {
        const piece = rest[0]!.subarray(stream.sent, stream.sent + wanted);
        socket.write(piece);
        wanted -= piece.length;
        stream.sent += piece.length;
        if (stream.sent < rest[0]!.length) continue;
        rest.shift();
        stream.sent = 0;
      }
    }
    return true;
  }

  return {
    open(stream) {
      stream.window = streamWindow;
      socket.cork();
      sendHead(stream);
      if (!sendRest(stream)) blocked.push(stream);
      socket.uncork();
    },
    drop(stream) {
      if (blocked.length > 0) blocked = blocked.filter((each) => each !== stream);
    },
    setFrameBytes(bytes) {
      frameBytes = Math.max(bytes, FRAME_BYTES_DEFAULT);
    },
    setStreamWindow(bytes, open) {
      for (const stream of open) stream.window = checked(stream.window + bytes - streamWindow);
      streamWindow = checked(bytes);
    },
    widen(stream, bytes) {
      if (stream === undefined) window = checked(window + bytes);
      else stream.window = checked(stream.window + bytes);
    },
    resume() {
      if (blocked.length === 0) return;
      const waiting = blocked;
      socket.cork();
      blocked = waiting.filter((stream) => !sendRest(stream));
      socket.uncork();
    },
  };
}

function checked(window: number): number {
  if (window > WINDOW_BYTES_MAX) throw new ProtocolError('a window is too large', ERROR.flowControl);
  return window;
}
