/**
 * Requests that a client sends on one HTTP/1 connection before it has read the replies to earlier ones. They are begun one after another, each
 * when the reply before it has left, as in Go's server: begun all at once, a few connections that ask and never read would fill the
 * memory with replies. When some wait, the connection is not read any further.
 *
 * @module
 */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { PIPELINED_MAX } from '../model/limits.ts';
import type { AnyRequest } from './body.ts';
import type { AnyResponse } from './incoming-request.ts';

/** How many wait, by connection. */
const waiting = new WeakMap<object, number>();

/** Is an earlier request of the same connection not answered yet? */
export function mustWait(response: AnyResponse): response is ServerResponse {
  // HTTP/2 bounds its streams itself. A response of HTTP/1 has its connection from the moment it is the first.
  return !('stream' in response) && response.socket === null;
}

/** Calls `begin` when it is this request's turn. Never, where its connection ends before. */
export function awaitTurn(request: AnyRequest, response: ServerResponse, begin: () => void): void {
  const socket = request.socket as Socket;
  const isFull = () => (waiting.get(socket) ?? 0) >= PIPELINED_MAX;
  waiting.set(socket, (waiting.get(socket) ?? 0) + 1);
  // Once what was read is parsed: until then Node goes on to read after each request.
  if (isFull()) process.nextTick(() => isFull() && socket.pause());
  response.once('socket', () => {
    const wasFull = isFull();
    waiting.set(socket, (waiting.get(socket) ?? 1) - 1);
    if (wasFull && !isFull()) socket.resume();
    begin();
  });
}
