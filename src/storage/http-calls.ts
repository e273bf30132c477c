/**
 * Calls to a store that speaks HTTP: connections that are kept, several endpoints, a deadline for each call. What fails says
 * whether the store may have done it: that is all a writer needs to know.
 *
 * @module
 */
import {
  Agent as HttpAgent,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  request as plain,
} from 'node:http';
import { Agent as HttpsAgent, request as secure } from 'node:https';
import type { Socket } from 'node:net';
import type { Clock } from '../model/clock.ts';
import { CodedError } from '../model/errors.ts';
import {
  STORAGE_WAITING_MAX,
  STORE_CALL_MS,
  STORE_CONNECT_MS,
  STORE_CONNECTIONS_MAX,
  STORE_REPLY_BYTES_MAX,
} from '../model/limits.ts';

/**
 * `not_sent`: the store never saw it. `refused`: it answered, and did nothing. `unknown`: it may have done it, or may yet.
 */
export type FailureKind = 'not_sent' | 'refused' | 'unknown';

/** Why a call got no good answer. The message names the endpoint; it holds nothing of what was sent. */
export class CallFailed extends Error {
  readonly kind: FailureKind;
  /** HTTP's, where there was an answer. */
  readonly status: number | undefined;
  /** Somebody else might answer it: another endpoint, or this one after its start or election. */
  readonly passing: boolean;
  constructor(
    kind: FailureKind,
    message: string,
    detail: { status?: number; passing?: boolean; cause?: unknown } = {},
  ) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.name = 'CallFailed';
    this.kind = kind;
    this.status = detail.status;
    this.passing = detail.passing ?? kind !== 'refused';
  }
}

/** PEM texts. Without `ca` the system's authorities count. */
export interface StoreTls {
  readonly ca?: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  /** For endpoints whose certificate bears another name than their address. */
  readonly serverName?: string;
}

export interface HttpCallsOptions {
  /** `http://host:port` or `https://…`; asked in this order, beginning with the one that answered last. */
  readonly endpoints: readonly string[];
  readonly tls?: StoreTls;
  readonly clock: Clock;
  /** Of a call that names no deadline of its own; STORE_CALL_MS where absent. */
  readonly callMs?: number;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** For the whole call, all endpoints together, in ms. */
  readonly deadlineMs?: number;
  /** It may be sent again though it may have been done. Reads are; the clients set it for those. */
  readonly repeatable?: boolean;
}

export interface HttpRequest {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** With the query; what needs escaping is escaped. */
  readonly path: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Uint8Array;
  /** Says which answers are failures. Those that are `passing` make the call go to the next endpoint where it may. */
  judge(reply: HttpReply): CallFailed | undefined;
}

export interface HttpReply {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

export interface HttpCalls {
  /**
   * @throws CallFailed; CodedError `overloaded` beyond STORAGE_WAITING_MAX calls at once; the signal's reason when it is aborted and
   * the call was not sent or is repeatable.
   */
  send(request: HttpRequest, options?: CallOptions): Promise<HttpReply>;
  /** Calls that are under way. */
  running(): number;
  /** Cuts all connections. Calls under way fail. */
  close(): void;
}

interface Endpoint {
  readonly url: URL;
  readonly agent: HttpAgent | HttpsAgent;
}

export function makeHttpCalls(options: HttpCallsOptions): HttpCalls {
  const { clock } = options;
  const endpoints = options.endpoints.map((text) => makeEndpoint(text, options.tls));
  if (endpoints.length === 0) throw new CodedError('bad_request', 'a store needs at least one address');
  let current = 0;
  let running = 0;

  async function rounds(request: HttpRequest, call: CallOptions): Promise<HttpReply> {
    const until = clock.monotonicMs() + (call.deadlineMs ?? options.callMs ?? STORE_CALL_MS);
    // One endpoint is asked twice: a kept connection may be one that the store has closed meanwhile.
    const tries = Math.max(2, endpoints.length);
    for (let left = tries; ; left--) {
      call.signal?.throwIfAborted();
      const index = current;
      const remaining = until - clock.monotonicMs();
      // A silent endpoint must leave time for the others; for what cannot be sent twice it has all there is.
      const share = call.repeatable ? remaining / left : remaining;
      try {
        const reply = await attempt(endpoints[index]!, request, Math.max(share, 1), clock, call);
        const failure = request.judge(reply);
        if (failure === undefined) return reply;
        throw failure;
      } catch (error) {
        if (!(error instanceof CallFailed) || !error.passing) throw error;
        if (current === index) current = (index + 1) % endpoints.length;
        const again = error.kind !== 'unknown' || call.repeatable === true;
        if (!again || left <= 1 || clock.monotonicMs() >= until) throw error;
      }
    }
  }

  return {
    async send(request, call = {}) {
      if (running >= STORAGE_WAITING_MAX) throw new CodedError('overloaded');
      running++;
      try {
        return await rounds(request, call);
      } finally {
        running--;
      }
    },
    running: () => running,
    close() {
      for (const { agent } of endpoints) agent.destroy();
    },
  };
}

function makeEndpoint(text: string, tls: StoreTls | undefined): Endpoint {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw new CodedError('bad_request', `the store's address ${text} is no http:// or https:// address`);
  }
  const kept = { keepAlive: true, maxSockets: STORE_CONNECTIONS_MAX, scheduling: 'lifo' } as const;
  if (url.protocol === 'http:') return { url, agent: new HttpAgent(kept) };
  const { serverName: servername, ...rest } = tls ?? {};
  const named = servername === undefined ? {} : { servername };
  return { url, agent: new HttpsAgent({ ...kept, ...rest, ...named, minVersion: 'TLSv1.2' }) };
}

function attempt(
  endpoint: Endpoint,
  request: HttpRequest,
  ms: number,
  clock: Clock,
  call: CallOptions,
): Promise<HttpReply> {
  return new Promise((resolve, reject) => {
    const isSecure = endpoint.url.protocol === 'https:';
    const { origin, pathname } = endpoint.url;
    /** Bytes of the request may have left: the connection stands. */
    let sent = false;
    let ended = false;
    const headers: OutgoingHttpHeaders = { ...request.headers };
    if (request.body !== undefined) headers['content-length'] = Buffer.byteLength(request.body);
    const outgoing = (isSecure ? secure : plain)(`${origin}${pathname.replace(/\/$/, '')}${request.path}`, {
      method: request.method,
      headers,
      agent: endpoint.agent,
    });

    function end(settle: () => void): void {
      if (ended) return;
      ended = true;
      deadline.clear();
      connecting.clear();
      call.signal?.removeEventListener('abort', aborted);
      settle();
    }
    function fail(what: string, cause?: unknown): void {
      const kind = sent ? 'unknown' : 'not_sent';
      end(() => reject(new CallFailed(kind, `the store at ${endpoint.url.host} ${what}`, { cause })));
      outgoing.destroy();
    }
    function aborted(): void {
      const { reason } = call.signal!;
      if (sent && !call.repeatable) {
        fail('was not waited for', reason);
      } else {
        end(() => reject(reason));
        outgoing.destroy();
      }
    }
    const deadline = clock.after(() => fail(`gave no answer within ${Math.round(ms)} ms`), ms);
    const connecting = clock.after(
      () => {
        if (!sent) fail(`took no connection within ${STORE_CONNECT_MS} ms`);
      },
      Math.min(STORE_CONNECT_MS, ms),
    );
    call.signal?.addEventListener('abort', aborted);

    outgoing.on('socket', (socket: Socket) => {
      const open = () => {
        sent = true;
        connecting.clear();
      };
      if (outgoing.reusedSocket || !isOpening(socket, isSecure)) open();
      else socket.once(isSecure ? 'secureConnect' : 'connect', open);
    });
    outgoing.on('error', (error) => fail(`could not be asked: ${error.message}`, error));
    outgoing.on('response', (response) => {
      const parts: Buffer[] = [];
      let bytes = 0;
      response.on('data', (part: Buffer) => {
        bytes += part.length;
        if (bytes > STORE_REPLY_BYTES_MAX) fail(`answered more than ${STORE_REPLY_BYTES_MAX} bytes`);
        else parts.push(part);
      });
      response.on('error', (error) => fail(`broke off its answer: ${error.message}`, error));
      response.on('end', () => {
        const body = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
        end(() => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
      });
    });
    outgoing.end(request.body);
  });
}

function isOpening(socket: Socket, isSecure: boolean): boolean {
  if (socket.connecting) return true;
  return isSecure && (socket as Socket & { secureConnecting?: boolean }).secureConnecting === true;
}
