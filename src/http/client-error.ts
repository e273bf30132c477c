/**
 * What is answered to bytes that are no HTTP request, or stop being one: there is no request object, so it is written to the socket.
 *
 * @module
 */
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Log } from '../model/log.ts';
import { type HttpParseError, repairVerb } from './list-verb.ts';

/** Where Node keeps the reply that is being written, and the request that is being read. */
type HttpSocket = Duplex & {
  _httpMessage?: (ServerResponse & { req?: IncomingMessage }) | null;
  parser?: { incoming?: IncomingMessage | null } | null;
  /** Of a TLS socket, what carries it. */
  _parent?: Duplex | null;
};

const PLAIN_TO_TLS =
  'HTTP/1.0 400 Bad Request\r\nConnection: close\r\n\r\nClient sent an HTTP request to an HTTPS server.\n';

const refused = new WeakSet<Duplex>();

/** The `clientError` listener of a server. */
export function onClientError(error: HttpParseError, stream: Duplex, log: Log): void {
  if (repairVerb(error, stream)) return;
  if (error.code === 'ERR_SSL_HTTP_REQUEST') {
    // TLS is over before it began; what it was to run on can still be written to. The words are Go's.
    (stream as HttpSocket)._parent?.end(PLAIN_TO_TLS);
    return;
  }
  const status = statusOf(error);
  log.debug('http: connection refused', { code: error.code, status });
  if (status === undefined) stream.destroy();
  else if (!refused.has(stream)) {
    refused.add(stream);
    refuse(stream as HttpSocket, status);
  }
}

/** Undefined where nobody would read an answer: the connection broke, or TLS never came about. */
function statusOf(error: HttpParseError): number | undefined {
  switch (error.code) {
    case 'HPE_HEADER_OVERFLOW':
      return 431;
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return 413;
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return 408;
    case 'HPE_INVALID_METHOD':
      return isMethod(error) ? 405 : 400;
    default:
      return error.code?.startsWith('HPE_') ? 400 : undefined;
  }
}

/** A verb of nobody's (405), rather than no HTTP at all (400)? */
function isMethod({ rawPacket, bytesParsed }: HttpParseError): boolean {
  const text = rawPacket?.toString('latin1', 0, (bytesParsed ?? 0) + 64) ?? '';
  const line = text.slice(text.lastIndexOf('\n', bytesParsed ?? 0) + 1);
  return /^[!#$%&'*+.^_`|~0-9A-Za-z-]+ [/*h]/.test(line);
}

/** Requests that came whole before the broken one are answered first, in their order. */
function refuse(socket: HttpSocket, status: number): void {
  const message = socket._httpMessage;
  const read = socket.parser?.incoming;
  const own = message?.req !== undefined && message.req === read && !read.complete;
  if (message && !own) {
    message.once('close', () => setImmediate(refuse, socket, status));
    return;
  }
  if (!socket.writable || message?.headersSent) {
    socket.destroy();
    return;
  }
  socket.end(refusal(status), () => socket.destroy());
}

/** A whole HTTP/1.1 reply that ends its connection. */
export function refusal(status: number): string {
  return (
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nCache-Control: no-store\r\nContent-Type: application/json\r\n` +
    'Content-Length: 14\r\nConnection: close\r\n\r\n{"errors":[]}\n'
  );
}
