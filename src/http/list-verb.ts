/**
 * HTTP/1 verbs that Node's parser does not know: LIST, and HELP with it. (HTTP/2 carries any verb.)
 *
 * llhttp's table of methods is compiled in; a request with another one ends in `clientError`, with the bytes that were read. We put a
 * method of the same length in its place, which llhttp knows and Vault does not (LINK, LOCK), set the parser back to its start and give
 * it the bytes again. So the parser alone decides where a message begins, bodies are never touched, and a connection that sends
 * neither verb stays on Node's native path. A genuine LINK or LOCK is told apart by a note on the socket.
 *
 * This leans on internals of Node (`socket.parser`, its `initialize` and `remove`, the symbol of a server's connections), found in the
 * releases up to 26.10; `test/http/list-verb.test.ts` must pass on each release that is taken up. Limit: where a packet ends inside the
 * first two letters, what they were is gone, and the request is refused as one with an unknown method.
 *
 * @module
 */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** What `clientError` brings besides the usual fields. */
export interface HttpParseError extends Error {
  readonly code?: string;
  /** The chunk the parser failed on, and how much of it was good. */
  readonly rawPacket?: Buffer;
  readonly bytesParsed?: number;
}

/** llhttp refuses each of them at its third letter: no method it knows begins with LIS or HEL. */
const STAND_INS = [
  { verb: 'LIST', sent: Buffer.from('LIST '), standIn: Buffer.from('LINK ') },
  { verb: 'HELP', sent: Buffer.from('HELP '), standIn: Buffer.from('LOCK ') },
] as const;
const REFUSED_AT = 2;

interface NodeParser {
  readonly constructor: { readonly REQUEST: number };
  remove(): void;
  initialize(
    type: number,
    resource: object,
    headerBytesMax: number,
    lenient: number,
    connections: unknown,
  ): void;
}
type ParserSocket = Socket & { parser?: NodeParser | null; server?: Server; _paused?: boolean };

interface Repair {
  /** Bytes to parse again, from the method on; what arrives meanwhile is appended. */
  bytes: Buffer;
  scheduled: boolean;
  /** What the next LINK or LOCK of this socket stands for. */
  verb: string | undefined;
}

const repairs = new WeakMap<object, Repair>();
const NOTHING = Buffer.alloc(0);

/**
 * To be called first by a server's `clientError` listener.
 * @returns true where the error was one of our verbs and the request goes on (or waits for more bytes); the caller then does nothing.
 */
export function repairVerb(error: HttpParseError, stream: Duplex): boolean {
  const socket = stream as ParserSocket;
  const packet = error.rawPacket;
  if (error.code !== 'HPE_INVALID_METHOD' || packet === undefined) return false;
  // Node has stopped reading by itself, for a client that pipelines and does not read the answers.
  if (!socket.parser || !socket.server || socket._paused || socket.destroyed) return false;

  const repair = repairs.get(socket) ?? { bytes: NOTHING, scheduled: false, verb: undefined };
  if (repair.bytes.length > 0) repair.bytes = Buffer.concat([repair.bytes, packet]);
  else {
    const at = (error.bytesParsed ?? 0) - REFUSED_AT;
    if (at < 0) return false;
    repair.bytes = Buffer.from(packet.subarray(at));
  }
  repairs.set(socket, repair);
  if (repair.scheduled) return true;

  const found = STAND_INS.find(({ sent }) => {
    const length = Math.min(sent.length, repair.bytes.length);
    return sent.compare(repair.bytes, 0, length, 0, length) === 0;
  });
  if (found === undefined) {
    repair.bytes = NOTHING;
    return false;
  }
  // Not all of the method is here: the failed parser fails again on the next packet, which brings us the rest.
  if (repair.bytes.length < found.sent.length) return true;
  found.standIn.copy(repair.bytes);
  schedule(socket, repair, found.verb);
  return true;
}

/** Parses again, on a clean stack: Node's parser must not be entered from its own callback. Until then the socket's bytes wait. */
function schedule(socket: ParserSocket, repair: Repair, verb: string): void {
  const ignore = () => {};
  // A listener for 'data' makes Node pass the bytes through the stream, where they keep their order, instead of natively.
  socket.on('data', ignore);
  socket.removeListener('data', ignore);
  socket.pause();
  repair.scheduled = true;
  setImmediate(() => {
    const { bytes } = repair;
    repair.scheduled = false;
    repair.bytes = NOTHING;
    if (socket.destroyed || !socket.parser || !socket.server || socket._paused) {
      socket.destroy();
      return;
    }
    restart(socket.parser, socket, socket.server);
    repair.verb = verb;
    socket.emit('data', bytes);
    if (!repair.scheduled && !socket._paused) socket.resume();
  });
}

/** As Node sets up the parser of a new connection, so that the time for the head counts from here. */
function restart(parser: NodeParser, socket: ParserSocket, server: Server): void {
  const symbol = Object.getOwnPropertySymbols(server).find(
    (s) => s.description === 'http.server.connections',
  );
  const connections = symbol && (server as unknown as Record<symbol, unknown>)[symbol];
  parser.remove();
  const resource = { type: 'HTTPINCOMINGMESSAGE', socket };
  parser.initialize(parser.constructor.REQUEST, resource, maxHeaderBytes(server), 0, connections);
}

function maxHeaderBytes(server: Server): number {
  return (server as unknown as { maxHeaderSize?: number }).maxHeaderSize ?? 0;
}

/** The verb the client sent, where `method` may be a stand-in. Once for each request, in their order. */
export function sentVerb(method: string, socket: object): string {
  if (method !== 'LINK' && method !== 'LOCK') return method;
  const repair = repairs.get(socket);
  const verb = repair?.verb;
  if (repair !== undefined) repair.verb = undefined;
  return verb ?? method;
}
