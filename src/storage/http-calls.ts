/**
 * Calls to a store that speaks HTTP/1.1, over connections that are kept.
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
import { STORE_CONNECT_MS, STORE_CONNECTIONS_MAX, STORE_REPLY_BYTES_MAX } from '../model/limits.ts';
import {
  CallFailed,
  type CallOptions,
  deadline,
  endpointUrls,
  makeFailover,
  type StoreCallsOptions,
  type StoreTls,
  tlsOptions,
} from './store-calls.ts';

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
  /** @throws as Failover.run */
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

export function makeHttpCalls(options: StoreCallsOptions): HttpCalls {
  const endpoints = endpointUrls(options.endpoints).map((url) => ({
    url,
    agent: makeAgent(url, options.tls),
  }));
  const failover = makeFailover(options);
  return {
    send: (request, call = {}) =>
      failover.run(call, async (at, ms) => {
        const reply = await attempt(endpoints[at]!, request, ms, options.clock, call);
        const failure = request.judge(reply);
        if (failure !== undefined) throw failure;
        return reply;
      }),
    running: failover.running,
    close() {
      for (const { agent } of endpoints) agent.destroy();
    },
  };
}

function makeAgent(url: URL, tls: StoreTls | undefined): HttpAgent | HttpsAgent {
  const kept = { keepAlive: true, maxSockets: STORE_CONNECTIONS_MAX, scheduling: 'lifo' } as const;
  return url.protocol === 'http:' ? new HttpAgent(kept) : new HttpsAgent({ ...kept, ...tlsOptions(tls) });
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
      late.clear();
      connecting?.clear();
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
    const late = deadline(clock, ms, () => fail(`gave no answer within ${Math.round(ms)} ms`));
    let connecting: { clear(): void } | undefined;
    call.signal?.addEventListener('abort', aborted);

    outgoing.on('socket', (socket: Socket) => {
      const open = () => {
        sent = true;
        connecting?.clear();
      };
      if (ended) return;
      if (outgoing.reusedSocket || !isOpening(socket, isSecure)) {
        open();
        return;
      }
      socket.once(isSecure ? 'secureConnect' : 'connect', open);
      connecting = deadline(clock, STORE_CONNECT_MS, () =>
        fail(`took no connection within ${STORE_CONNECT_MS} ms`),
      );
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
