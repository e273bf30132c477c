/**
 * A listener: Node's own servers, HTTP/1.1 in the clear, HTTP/2 with HTTP/1.1 beside it on TLS.
 *
 * No framework: routing, parsing, limits and errors are ours, since they are the contract. A framework's router would bring its own idea
 * of what a path is, and its error replies a second shape of error; what would be left of it is a function call.
 *
 * @module
 */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { createSecureServer, type Http2SecureServer, type Http2Session } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import {
  BODIES_BYTES_MAX,
  BODY_BYTES_MAX,
  CONNECTIONS_CHECK_MS,
  CONNECTIONS_MAX,
  HEAD_BYTES_MAX,
  HTTP2_SESSION_MIB_MAX,
  HTTP2_STREAMS_MAX,
  JSON_DEPTH_CEILING,
  JSON_DEPTH_MAX,
  JSON_VALUES_MAX,
  REPLIES_BYTES_MAX,
  STOP_GRACE_MS,
  TLS_HANDSHAKE_MS,
} from '../model/limits.ts';
import type { Log } from '../model/log.ts';
import type { Request, RequestHandler } from '../model/request.ts';
import type { CorsSetting } from '../model/settings.ts';
import type { AnyRequest, BodyBudget } from './body.ts';
import { makeForwardedAddress } from './client-address.ts';
import { onClientError, refusal } from './client-error.ts';
import { makeCors } from './cors.ts';
import { type FrontDoor, makeFrontDoor } from './front-door.ts';
import type { InFlightRow } from './in-flight.ts';
import type { AnyResponse } from './incoming-request.ts';
import { ListenError } from './listen-error.ts';
import { makeListenerAccess } from './listener-access.ts';
import { hostAndPort, type ListenerOptions } from './listener-options.ts';
import { type ListenerTimes, listenerTimes } from './listener-times.ts';
import { makeHeaderTable } from './response-headers.ts';
import { makeSender } from './send.ts';
import { makeStreams, type Streams } from './stream.ts';
import { clientCertificates, secureContext } from './tls-settings.ts';

export interface HttpServerParts {
  readonly handler: RequestHandler;
  readonly log: Log;
  readonly listener: ListenerOptions;
  /** Wall clock, ms. */
  now(): number;
  /** Is a web interface asked for? True where absent. */
  readonly ui?: boolean;
  /** Shown in `X-Vault-Hostname` of each reply; not shown where absent. */
  readonly hostname?: string;
  /** Which other origins are allowed, as it is in force; none where absent. */
  cors?(): CorsSetting | undefined;
  /** Header and value of pages of the web interface, as they are in force. */
  uiHeaders?(): readonly string[];
  /** Told of each request to the API at its end, for the log. */
  completed?(request: Request, status: number): void;
  /** How long `stop` waits for what is running; STOP_GRACE_MS where absent. */
  readonly stopGraceMs?: number;
  /** What large bodies may hold; where absent, one that all listeners of the process share. */
  readonly bodyBudget?: BodyBudget;
  /** The same for replies that are not read yet. */
  readonly replyBudget?: BodyBudget;
}

export interface HttpServer {
  /** Resolves once it listens. @throws ListenError; Error naming the key of a setting that cannot be used. */
  start(): Promise<void>;
  /** Still answers everything, but tells each client that its connection is about to end, so that it takes another one. */
  farewell(): void;
  /** Takes no new connection, answers what is running, closes what is idle; after the grace, all that is left. Safe to call twice. */
  stop(): Promise<void>;
  /** Reads certificate, key and authorities anew, for the connections to come. @throws Error; what was in use then stays so. */
  reloadTls(): void;
  /** Such as `https://127.0.0.1:8200`, with the port it got. Once started. */
  url(): string;
  /** Request id → row of `sys/in-flight-req`. */
  inFlight(): Map<string, InFlightRow>;
}

/** Bytes of large bodies, counted over all listeners of the process. */
const sharedBudget: BodyBudget = { left: BODIES_BYTES_MAX };
const sharedReplies: BodyBudget = { left: REPLIES_BYTES_MAX };

export function makeHttpServer(parts: HttpServerParts): HttpServer {
  const { listener, log } = parts;
  const secure = isSecure(listener);
  const sockets = new Set<Socket>();
  const sessions = new Set<Http2Session>();
  const times = listenerTimes(listener);
  const streams = makeStreams(times.inactivityMs);
  let server: Server | Http2SecureServer | undefined;
  let door: FrontDoor | undefined;
  let leaving = false;
  let stopping: Promise<void> | undefined;

  async function start(): Promise<void> {
    const { host, port } = hostAndPort(listener.address);
    const opened = makeDoor(parts, times, () => leaving, streams);
    const serve = (request: AnyRequest, response: AnyResponse) => opened.serve(request, response, false);
    const made = secure ? secureServer(listener, times, serve) : createServer(http1Options(times), serve);
    made.on('checkContinue', (request: AnyRequest, response: AnyResponse) => {
      opened.serve(request, response, true);
    });
    prepare(made);
    made.listen({ host, port, reusePort: listener.reuse_port === true });
    try {
      await once(made, 'listening');
    } catch (error) {
      opened.stop();
      throw new ListenError(listener.address, error as NodeJS.ErrnoException);
    }
    made.on('error', (error) => log.error('http: listener failed', { error }));
    server = made;
    door = opened;
  }

  function prepare(made: Server | Http2SecureServer): void {
    made.maxConnections = CONNECTIONS_MAX;
    made.setTimeout(times.inactivityMs);
    made.on('clientError', (error: Error, socket: Duplex) => onClientError(error, socket, log));
    made.on('connect', (_request: unknown, socket: Duplex) => {
      // HTTP/2's CONNECT is refused by Node.
      if (typeof socket.end === 'function') socket.end(refusal(405));
    });
    made.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    });
    made.on('session', (session: Http2Session) => {
      sessions.add(session);
      session.once('close', () => sessions.delete(session));
    });
    made.on('sessionError', (error: Error) => {
      log.debug('http: session failed', { code: (error as NodeJS.ErrnoException).code });
    });
  }

  function farewell(): void {
    leaving = true;
    streams.endAll();
    // What runs over them is finished; HTTP/1 is told with its next reply.
    for (const session of sessions) session.close();
  }

  async function close(): Promise<void> {
    leaving = true;
    streams.endAll();
    if (server === undefined) return;
    const closed = once(server, 'close');
    server.close();
    // Node closes what idles between requests, and finishes HTTP/2 sessions. Not what never began, such as a TLS handshake.
    for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
    const force = setTimeout(() => {
      log.warn('http: connections were cut, their requests did not end in time', {
        connections: sockets.size,
      });
      for (const socket of sockets) socket.destroy();
    }, parts.stopGraceMs ?? STOP_GRACE_MS);
    await closed;
    clearTimeout(force);
    door?.stop();
  }

  return {
    start,
    farewell,
    stop() {
      stopping ??= close();
      return stopping;
    },
    reloadTls() {
      if (secure && server !== undefined)
        (server as Http2SecureServer).setSecureContext(secureContext(listener));
    },
    url() {
      if (server === undefined) throw new Error('the listener is not started');
      const { address, family, port } = server.address() as AddressInfo;
      return `${secure ? 'https' : 'http'}://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
    },
    inFlight: () => door?.inFlight() ?? new Map(),
  };
}

function makeDoor(
  parts: HttpServerParts,
  times: ListenerTimes,
  isStopping: () => boolean,
  streams: Streams,
): FrontDoor {
  const { listener, handler, log, now } = parts;
  const bodyBytesMax = listener.max_request_size ?? BODY_BYTES_MAX;
  const bound = bodyBytesMax > 0 ? bodyBytesMax : Number.POSITIVE_INFINITY;
  const cors = makeCors(() => parts.cors?.());
  const depthMax = Math.min(listener.max_json_depth || JSON_DEPTH_MAX, JSON_DEPTH_CEILING);
  return makeFrontDoor({
    handler,
    log,
    now,
    budget: parts.bodyBudget ?? sharedBudget,
    replies: parts.replyBudget ?? sharedReplies,
    sender: makeSender(
      makeHeaderTable(isSecure(listener), listener.custom_response_headers, parts.hostname),
      bound,
      isStopping,
      cors,
      streams,
    ),
    forwardedAddress: makeForwardedAddress(listener),
    access: makeListenerAccess(listener),
    ui: parts.ui ?? true,
    cors,
    uiHeaders: parts.uiHeaders,
    completed: parts.completed,
    bodyBytesMax: bound,
    json: { depthMax, valuesMax: JSON_VALUES_MAX },
    durationMs: times.durationMs,
    bodyMs: times.requestMs,
    replyMs: times.replyMs,
  });
}

function isSecure(listener: ListenerOptions): boolean {
  return listener.tls_disable !== true;
}

function http1Options({ headMs, requestMs, idleMs }: ListenerTimes) {
  return {
    maxHeaderSize: HEAD_BYTES_MAX,
    headersTimeout: headMs,
    requestTimeout: requestMs,
    keepAliveTimeout: idleMs,
    connectionsCheckingInterval: CONNECTIONS_CHECK_MS,
    // A request without a body has no stream to be run to its end.
    optimizeEmptyRequests: true,
    noDelay: true,
  };
}

function secureServer(
  listener: ListenerOptions,
  times: ListenerTimes,
  serve: (request: AnyRequest, response: AnyResponse) => void,
): Http2SecureServer {
  const options = {
    ...http1Options(times),
    ...secureContext(listener),
    ...clientCertificates(listener),
    allowHTTP1: true,
    handshakeTimeout: TLS_HANDSHAKE_MS,
    // Above it new streams are refused. A head is held until its reply is read, and who asks needs few bytes for a large one.
    maxSessionMemory: HTTP2_SESSION_MIB_MAX,
    settings: { maxConcurrentStreams: HTTP2_STREAMS_MAX, maxHeaderListSize: HEAD_BYTES_MAX },
  };
  return createSecureServer(options, serve);
}
