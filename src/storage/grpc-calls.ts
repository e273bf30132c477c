/**
 * Unary gRPC calls over HTTP/2, one connection to an endpoint.
 *
 * @module
 */
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2';
import { STORE_CONNECT_MS, STORE_REPLY_BYTES_MAX } from '../model/limits.ts';
import { type Deadlines, makeDeadlines } from './deadlines.ts';
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

const FRAME_HEAD_BYTES = 5;
/** What a server may send before we have read it, of a stream and of the connection. */
const STREAM_WINDOW_BYTES = 1024 * 1024;
const CONNECTION_WINDOW_BYTES = 16 * 1024 * 1024;
/** Megabytes that Node lets one connection hold; its 10 are little for many large values at once. */
const CONNECTION_MEMORY_MB = 1_024;

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
        const session = await endpoint.session(Math.min(ms, STORE_CONNECT_MS));
        call.signal?.throwIfAborted();
        const reply = await ask(
          endpoint,
          session,
          request,
          Math.max(until - clock.monotonicMs(), 1),
          deadlines,
          call,
        );
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
  readonly host: string;
  /** The connection, made if there is none. @throws CallFailed `not_sent` */
  session(ms: number): Promise<ClientHttp2Session>;
  /** The next call makes a new connection; those under way go on over this one. */
  leave(session: ClientHttp2Session): void;
  close(): void;
}

function makeEndpoint(url: URL, tls: StoreTls | undefined, deadlines: Deadlines): Endpoint {
  let current: Promise<ClientHttp2Session> | undefined;
  const open = new Set<ClientHttp2Session>();

  function start(ms: number): Promise<ClientHttp2Session> {
    const started = new Promise<ClientHttp2Session>((resolve, reject) => {
      const session = connect(url.origin, {
        ...(url.protocol === 'https:' ? tlsOptions(tls) : {}),
        settings: { enablePush: false, initialWindowSize: STREAM_WINDOW_BYTES },
        maxSessionMemory: CONNECTION_MEMORY_MB,
      });
      open.add(session);
      const fail = (why: string, cause?: unknown) => {
        late.clear();
        session.destroy();
        reject(new CallFailed('not_sent', `the store at ${url.host} could not be asked: ${why}`, { cause }));
      };
      const late = deadlines.after(ms, () => fail(`it took no connection within ${Math.round(ms)} ms`));
      session.once('connect', () => {
        late.clear();
        session.setLocalWindowSize(CONNECTION_WINDOW_BYTES);
        resolve(session);
      });
      session.on('error', (error) => fail(error.message, error));
      session.on('goaway', () => forget(started));
      session.once('close', () => {
        open.delete(session);
        forget(started);
        fail('it closed the connection');
      });
    });
    // Each caller gets the reason; nobody may be left to hear it here.
    started.catch(() => forget(started));
    return started;
  }
  function forget(which: Promise<ClientHttp2Session>): void {
    if (current === which) current = undefined;
  }

  return {
    host: url.host,
    session(ms) {
      current ??= start(ms);
      return current;
    },
    leave(session) {
      const which = current;
      void which?.then(
        (used) => used === session && forget(which),
        () => {},
      );
      session.close();
    },
    close() {
      for (const session of open) session.destroy();
    },
  };
}

function ask(
  endpoint: Endpoint,
  session: ClientHttp2Session,
  request: GrpcRequest,
  ms: number,
  deadlines: Deadlines,
  call: CallOptions,
): Promise<GrpcReply> {
  return new Promise((resolve, reject) => {
    let stream: ClientHttp2Stream;
    try {
      stream = session.request({
        ':method': 'POST',
        ':path': request.path,
        'content-type': 'application/grpc',
        te: 'trailers',
        'grpc-timeout': `${Math.ceil(ms)}m`,
        ...request.metadata,
      });
    } catch (cause) {
      // It closed between our asking for it and now.
      const why = `the store at ${endpoint.host} closed the connection`;
      reject(new CallFailed('not_sent', why, { cause }));
      return;
    }
    let ended = false;
    let headers: Record<string, unknown> = {};
    const parts: Buffer[] = [];
    let bytes = 0;

    function end(settle: () => void): void {
      if (ended) return;
      ended = true;
      late.clear();
      call.signal?.removeEventListener('abort', aborted);
      settle();
      if (!stream.closed) stream.close(constants.NGHTTP2_CANCEL);
    }
    function fail(what: string, cause?: unknown): void {
      // A server that refuses a stream has not looked at it, and one without a number never left.
      const unseen = stream.pending || stream.rstCode === constants.NGHTTP2_REFUSED_STREAM;
      const kind = unseen ? 'not_sent' : 'unknown';
      end(() => reject(new CallFailed(kind, `the store at ${endpoint.host} ${what}`, { cause })));
    }
    function aborted(): void {
      const { reason } = call.signal!;
      if (call.repeatable) end(() => reject(reason));
      else fail('was not waited for', reason);
    }
    const late = deadlines.after(ms, () => {
      // Perhaps it is the connection: nobody tells when the other side is gone without a word.
      endpoint.leave(session);
      fail(`gave no answer within ${Math.round(ms)} ms`);
    });
    call.signal?.addEventListener('abort', aborted);

    stream.on('response', (received) => {
      headers = { ...headers, ...received };
    });
    stream.on('trailers', (received) => {
      headers = { ...headers, ...received };
    });
    stream.on('data', (part: Buffer) => {
      bytes += part.length;
      if (bytes > STORE_REPLY_BYTES_MAX) fail(`answered more than ${STORE_REPLY_BYTES_MAX} bytes`);
      else parts.push(part);
    });
    stream.on('error', (error) => fail(`could not be asked: ${error.message}`, error));
    stream.on('close', () => {
      if (ended) return;
      const reply = readReply(headers, parts.length === 1 ? parts[0]! : Buffer.concat(parts));
      if (reply === undefined) fail('broke off its answer');
      else end(() => resolve(reply));
    });
    const head = Buffer.alloc(FRAME_HEAD_BYTES);
    head.writeUInt32BE(request.message.length, 1);
    // In one write, and without a copy.
    stream.cork();
    stream.write(head);
    stream.end(request.message);
  });
}

/** undefined: it is no whole answer of a gRPC server. */
function readReply(headers: Record<string, unknown>, body: Buffer): GrpcReply | undefined {
  const code = Number(headers['grpc-status'] ?? Number.NaN);
  if (code > 0) return { code, text: decodeText(String(headers['grpc-message'] ?? '')) };
  // No compression was offered, so the flag is 0.
  if (code !== 0 || body.length < FRAME_HEAD_BYTES || body[0] !== 0) return undefined;
  const end = FRAME_HEAD_BYTES + body.readUInt32BE(1);
  return body.length === end ? { code: 0, message: body.subarray(FRAME_HEAD_BYTES) } : undefined;
}

function decodeText(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
