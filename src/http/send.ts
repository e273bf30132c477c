/**
 * Encoded replies onto the wire: one write where that is possible, and connections ended in a way that lets the client read the reply.
 *
 * @module
 */
import { constants, type Http2ServerResponse } from 'node:http2';
import { HTTP2_PIECE_BYTES, LINGER_BYTES_MAX, LINGER_MS } from '../model/limits.ts';
import { type AnyRequest, declaredLength, discardBody, hasBody } from './body.ts';
import type { Cors } from './cors.ts';
import type { Encoded } from './envelope.ts';
import { type AnyResponse, isCut } from './incoming-request.ts';
import type { HeaderTable } from './response-headers.ts';
import type { Streams } from './stream.ts';

export interface Delivery {
  /** Of X-Vault-Namespace, echoed as sent. */
  readonly namespace?: string;
  /** The body was not read to its end, and will not be. */
  readonly unread?: boolean;
}

export interface Sender {
  send(request: AnyRequest, response: AnyResponse, encoded: Encoded, delivery?: Delivery): void;
}

interface Ending {
  end(chunk: Encoded['body'], encoding?: 'latin1'): void;
}

const PRINTABLE = /^[\x20-\x7e]*$/;

/**
 * @param bodyBytesMax - a body longer than this is not read to its end for the sake of the connection.
 * @param isStopping - connections are then closed after their reply.
 * @param streams - runs replies that have no end of their own; absent: there are none.
 */
export function makeSender(
  table: HeaderTable,
  bodyBytesMax: number,
  isStopping: () => boolean,
  cors?: Cors,
  streams?: Streams,
): Sender {
  function send(request: AnyRequest, response: AnyResponse, encoded: Encoded, delivery: Delivery = {}): void {
    if (isCut(response) || response.headersSent) return;
    const { body } = encoded;
    const headers = headersFor(table, encoded);
    if (cors && request.headers.origin !== undefined) headers.push(...cors.headersFor(request.headers));
    if (body !== undefined) headers.push('Content-Length', String(Buffer.byteLength(body)));
    else if (encoded.stream === undefined && encoded.status !== 204 && encoded.status !== 304)
      headers.push('Content-Length', '0');
    if (delivery.namespace && PRINTABLE.test(delivery.namespace)) {
      headers.push('X-Vault-Namespace', delivery.namespace);
    }
    const unread = delivery.unread === true || !leaveBody(request, bodyBytesMax);
    if ('stream' in response) {
      response.writeHead(encoded.status, headers as unknown as Record<string, string>);
      if (encoded.stream) streams?.run(response, encoded.stream);
      else endStream(response, body, unread);
      return;
    }
    if (unread || encoded.stream || isStopping()) headers.push('Connection', 'close');
    response.writeHead(encoded.status, headers);
    if (encoded.stream) streams?.run(response, encoded.stream);
    else if (unread) endSlowly(request, response, body);
    else endSoon(response, body);
  }

  /** Replies of this turn of the event loop, in the order they were made. */
  let ending: (() => void)[] = [];

  /**
   * Ends a reply together with the others of this turn. Written one by one in between, each would wake a client that then has
   * nothing more to do until the next: under load that costs both sides more than the reply itself.
   */
  function endSoon(response: AnyResponse, body: Encoded['body']): void {
    if (ending.length === 0) setImmediate(endAll);
    ending.push(() => (response as Ending).end(body, isAscii(body) ? 'latin1' : undefined));
  }

  function endAll(): void {
    const now = ending;
    ending = [];
    for (const end of now) end();
  }

  return { send };
}

/** Whether a text takes as many bytes as characters: then Node need not count them again, nor look for longer ones. */
function isAscii(body: Encoded['body']): boolean {
  return typeof body === 'string' && Buffer.byteLength(body) === body.length;
}

function headersFor(table: HeaderTable, encoded: Encoded): string[] {
  const own = encoded.headers;
  if (own === undefined) return [...table(encoded.status), 'Content-Type', encoded.contentType];
  const named = new Set(own.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase()));
  const common = table(encoded.status).filter((_, i, all) => !named.has(all[i - (i % 2)]!.toLowerCase()));
  return [...common, 'Content-Type', encoded.contentType, ...own];
}

/**
 * What no one has read of the body: Node drops it after the reply where its length is known; where it is not, we count.
 * @returns false where it is longer than we read for this.
 */
function leaveBody(request: AnyRequest, bytesMax: number): boolean {
  if (request.readableEnded || !hasBody(request)) return true;
  const declared = declaredLength(request);
  if (declared > bytesMax) return false;
  if (declared === 0 && !('stream' in request)) discardBody(request, bytesMax);
  return true;
}

function endStream(response: Http2ServerResponse, body: Encoded['body'], unread: boolean): void {
  const { stream } = response;
  if (unread) stream.once('finish', () => stream.close(constants.NGHTTP2_NO_ERROR));
  if (body === undefined) response.end();
  else if (body.length <= HTTP2_PIECE_BYTES) response.end(body);
  else endInPieces(response, typeof body === 'string' ? Buffer.from(body) : body);
}

/**
 * Hands over no more than is sent: what waits counts as memory of the connection, which refuses other requests when it has too much
 * of it, and counts on where the client takes back its own.
 */
function endInPieces(response: Http2ServerResponse, body: Uint8Array): void {
  let at = 0;
  const more = () => {
    for (;;) {
      const piece = body.subarray(at, at + HTTP2_PIECE_BYTES);
      at += piece.length;
      if (at === body.length) {
        response.end(piece);
        return;
      }
      if (!response.write(piece)) break;
    }
    response.once('drain', more);
  };
  more();
}

/** Ends a reply that is not read: its stream, or in HTTP/1 its connection. The client cannot take what it got for the whole. */
export function cutOff(response: AnyResponse): void {
  if ('stream' in response) response.stream.close(constants.NGHTTP2_CANCEL);
  else response.destroy();
}

/**
 * Replies while the client still sends. Closing now would reset the connection and take the reply from the client, so what comes is
 * dropped for a while (as Go's server does).
 */
function endSlowly(request: AnyRequest, response: AnyResponse, body: Encoded['body']): void {
  let left = LINGER_BYTES_MAX;
  const end = () => {
    clearTimeout(timer);
    request.removeListener('data', count);
    response.end();
  };
  const count = (chunk: Buffer) => {
    left -= chunk.length;
    if (left < 0) end();
  };
  const timer = setTimeout(end, LINGER_MS);
  (response as { write(chunk: unknown): boolean }).write(body ?? '');
  request.on('error', () => {});
  request.on('data', count);
  request.once('end', end);
  request.once('close', end);
  request.resume();
}
