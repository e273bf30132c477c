/**
 * Unary gRPC calls over HTTP/2, one connection to an endpoint.
 *
 * @module
 */
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { STORE_CONNECT_MS, STORE_REPLY_BYTES_MAX } from '../model/limits.ts';
import { type Deadlines, makeDeadlines } from './deadlines.ts';
import { encodeHeaders } from './hpack.ts';
import { type Http2Connection, makeHttp2Connection } from './http2-connection.ts';
import {
  CallFailed,
  type CallOptions,
  endpointUrls,
  makeFailover,
  type StoreCallsOptions,
  type StoreTls,
  tlsOptions,
} from './store-calls.ts';

export interface GrpcRequest {
  /** `/package.Service/Method`. */
  readonly path: string;
  readonly message: Buffer;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** What a server answered: `code` 0 with a message, or why not. */
export type GrpcReply =
  | { readonly code: 0; readonly message: Buffer }
  | { readonly code: number; readonly text: string };

export interface GrpcCalls {
  /**
   * @param judge makes of an answer with another code than 0 what is thrown.
   * @throws as Failover.run
   */
  send(
    request: GrpcRequest,
    judge: (code: number, text: string) => CallFailed,
    options?: CallOptions,
  ): Promise<Buffer>;
  running(): number;
  /** Cuts all connections. Calls under way fail. */
  close(): void;
}

/** Before a message: whether it is compressed, and its length. */
const MESSAGE_LEAD_BYTES = 5;
const ALPN = 'h2';

export function makeGrpcCalls(options: StoreCallsOptions): GrpcCalls {
  const { clock } = options;
  const deadlines = makeDeadlines(clock);
  const endpoints = endpointUrls(options.endpoints).map((url) => makeEndpoint(url, options.tls, deadlines));
  const failover = makeFailover(options);
  return {
    send: (request, judge, call = {}) =>
      failover.run(call, async (at, ms) => {
        const until = clock.monotonicMs() + ms;
        const endpoint = endpoints[at]!;
        const connection = await endpoint.connection(Math.min(ms, STORE_CONNECT_MS));
        call.signal?.throwIfAborted();
        const left = Math.max(until - clock.monotonicMs(), 1);
        const reply = await ask(endpoint, connection, request, left, deadlines, call);
        if ('text' in reply) throw judge(reply.code, reply.text);
        return reply.message;
      }),
    running: failover.running,
    close() {
      for (const endpoint of endpoints) endpoint.close();
      deadlines.close();
    },
  };
}

interface Endpoint {
  readonly url: URL;
  /** The connection, made if there is none. @throws CallFailed `not_sent` */
  connection(ms: number): Promise<Http2Connection>;
  close(): void;
}

function makeEndpoint(url: URL, tls: StoreTls | undefined, deadlines: Deadlines): Endpoint {
  let current: Promise<Http2Connection> | undefined;
  const open = new Set<{ destroy(): void }>();

  function start(ms: number): Promise<Http2Connection> {
    const started = new Promise<Http2Connection>((resolve, reject) => {
      const socket = openSocket(url, tls);
      open.add(socket);
      const fail = (why: string, cause?: Error) => {
        late.clear();
        open.delete(socket);
        socket.destroy();
        forget(started);
        reject(new CallFailed('not_sent', `the store at ${url.host} could not be asked: ${why}`, { cause }));
      };
      const late = deadlines.after(ms, () => fail(`it took no connection within ${Math.round(ms)} ms`));
      const refused = (error: Error) => fail(error.message, error);
      const closed = () => fail('it closed the connection');
      socket.once('error', refused).once('close', closed);
      socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', () => {
        if ('alpnProtocol' in socket && socket.alpnProtocol !== ALPN) {
          fail('it speaks no HTTP/2');
          return;
        }
        late.clear();
        socket.off('close', closed);
        resolve(makeHttp2Connection(socket, { left: () => forget(started), ended: fail }));
        socket.off('error', refused);
      });
    });
    // Each caller gets the reason; nobody may be left to hear it here.
    started.catch(() => forget(started));
    return started;
  }
  function forget(which: Promise<Http2Connection>): void {
    if (current === which) current = undefined;
  }

  return {
    url,
    connection(ms) {
      current ??= start(ms);
      return current;
    },
    close() {
      for (const socket of open) socket.destroy();
    },
  };
}

function openSocket(url: URL, tls: StoreTls | undefined): Socket | TLSSocket {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  if (url.protocol === 'http:') return connect({ host, port: Number(url.port || 80), noDelay: true });
  const servername = isIP(host) ? '' : host;
  const options = { host, port: Number(url.port || 443), servername, ALPNProtocols: [ALPN] };
  return connectTls({ ...options, ...tlsOptions(tls) }).setNoDelay(true);
}

function ask(
  { url }: Endpoint,
  connection: Http2Connection,
  { path, message, metadata }: GrpcRequest,
  ms: number,
  deadlines: Deadlines,
  { signal, repeatable }: CallOptions,
): Promise<GrpcReply> {
  return new Promise((resolve, reject) => {
    if (!connection.isOpen()) {
      // It closed between our asking for it and now.
      reject(new CallFailed('not_sent', `the store at ${url.host} closed the connection`));
      return;
    }
    function end(settle: () => void): void {
      late.clear();
      signal?.removeEventListener('abort', aborted);
      settle();
    }
    function fail(unseen: boolean, what: string, cause?: unknown): void {
      const kind = unseen ? 'not_sent' : 'unknown';
      end(() => reject(new CallFailed(kind, `the store at ${url.host} ${what}`, { cause })));
    }
    function giveUp(what: string, cause?: unknown): void {
      const unsent = call.isUnsent();
      call.cancel();
      fail(unsent, what, cause);
    }
    function aborted(): void {
      const { reason } = signal!;
      if (repeatable) {
        call.cancel();
        end(() => reject(reason));
      } else giveUp('was not waited for', reason);
    }
    const late = deadlines.after(ms, () => {
      giveUp(`gave no answer within ${Math.round(ms)} ms`);
      // Perhaps it is the connection: nobody tells when the other side is gone without a word.
      connection.leave();
    });
    signal?.addEventListener('abort', aborted);
    const lead = Buffer.alloc(MESSAGE_LEAD_BYTES);
    lead.writeUInt32BE(message.length, 1);
    const headers = encodeHeaders({
      ':method': 'POST',
      ':scheme': url.protocol.slice(0, -1),
      ':path': path,
      ':authority': url.host,
      'content-type': 'application/grpc',
      te: 'trailers',
      'grpc-timeout': `${Math.ceil(ms)}m`,
      ...metadata,
    });
    const call = connection.call(headers, [lead, message], {
      data(bytes) {
        if (bytes > STORE_REPLY_BYTES_MAX) giveUp(`answered more than ${STORE_REPLY_BYTES_MAX} bytes`);
      },
      done(received, body) {
        const reply = readReply(received, body);
        if (reply === undefined) fail(false, 'broke off its answer');
        else end(() => resolve(reply));
      },
      lost: fail,
    });
  });
}

/** undefined: it is no whole answer of a gRPC server. */
function readReply(headers: Readonly<Record<string, string>>, body: Buffer): GrpcReply | undefined {
  const code = Number(headers['grpc-status'] ?? Number.NaN);
  if (code > 0) return { code, text: decodeText(headers['grpc-message'] ?? '') };
  // No compression was offered, so the flag is 0.
  if (code !== 0 || body.length < MESSAGE_LEAD_BYTES || body[0] !== 0) return undefined;
  const end = MESSAGE_LEAD_BYTES + body.readUInt32BE(1);
  return body.length === end ? { code: 0, message: body.subarray(MESSAGE_LEAD_BYTES) } : undefined;
}

function decodeText(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
