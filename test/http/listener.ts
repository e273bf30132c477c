/**
 * A listener with a handler of the test's own, and a client that sends bytes as they are given and shows the bytes that come back.
 *
 * @module
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import type { BodyBudget } from '../../src/http/body.ts';
import type { ListenerOptions } from '../../src/http/listener-options.ts';
import { type HttpServer, makeHttpServer } from '../../src/http/server.ts';
import type { Encodable } from '../../src/model/json.ts';
import type { Log, LogFields } from '../../src/model/log.ts';
import type { Reply, Request } from '../../src/model/request.ts';

export interface Listening {
  readonly server: HttpServer;
  readonly url: string;
  readonly port: number;
  /** Requests that reached the handler. */
  readonly seen: Request[];
  /** All that was logged, as text. */
  readonly logged: string[];
}

export interface Settings {
  readonly listener?: Partial<ListenerOptions>;
  readonly handle?: (request: Request) => Promise<Reply> | Reply;
  /** Open paths; none where absent. */
  readonly isOpen?: (path: string) => boolean;
  readonly stopGraceMs?: number;
  readonly bodyBudget?: BodyBudget;
  readonly replyBudget?: BodyBudget;
}

/** What the handler answers where the test gives none: what it was asked. */
export function echo(request: Request): Reply {
  const { verb, method, path, namespace, token, query, body, bodyBytes, wrapTtlSeconds } = request;
  const value: Encodable = {
    verb,
    method,
    path: path.text,
    namespace,
    token: token ?? null,
    query,
    body: body ?? null,
    bodyBytes,
    wrapTtlSeconds: wrapTtlSeconds ?? null,
  };
  return { kind: 'bare', status: 200, value };
}

/** Starts a listener for one test; `t` stops it. */
export async function listen(
  t: { after(fn: () => Promise<void>): void },
  settings: Settings = {},
): Promise<Listening> {
  const seen: Request[] = [];
  const logged: string[] = [];
  const server = makeHttpServer({
    log: recording(logged),
    now: Date.now,
    listener: { address: '127.0.0.1:0', tls_disable: true, ...settings.listener },
    stopGraceMs: settings.stopGraceMs ?? 100,
    bodyBudget: settings.bodyBudget,
    replyBudget: settings.replyBudget,
    handler: {
      async handle(request) {
        seen.push(request);
        return await (settings.handle ?? echo)(request);
      },
      isOpen: settings.isOpen ?? (() => false),
    },
  });
  await server.start();
  t.after(() => server.stop());
  const url = server.url();
  return { server, url, port: Number(new URL(url).port), seen, logged };
}

function recording(lines: string[]): Log {
  const write = (message: string, fields: LogFields = {}) => {
    const texts = Object.entries(fields).map(
      ([k, v]) => `${k}=${v instanceof Error ? (v.stack ?? v.message) : String(v)}`,
    );
    lines.push(`${message} ${texts.join(' ')}`);
  };
  const log: Log = {
    trace: write,
    debug: write,
    info: write,
    warn: write,
    error: write,
    isHeard: () => true,
    named: () => log,
  };
  return log;
}

export interface RawReply {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/** One connection, byte by byte. */
export interface Wire {
  readonly socket: Socket;
  write(bytes: string | Uint8Array): void;
  /** The next whole reply; each must have a Content-Length or be a 204 or 1xx. */
  reply(): Promise<RawReply>;
  /** Resolves when the server has closed the connection, with what came after the last reply taken. */
  closed(): Promise<string>;
}

const WIRE_TIMEOUT_MS = 10_000;

/** Opens a connection to a listener; `tls` makes it TLS. */
export async function wire(port: number, tls?: ConnectionOptions): Promise<Wire> {
  const socket = tls ? connectTls({ port, host: '127.0.0.1', ...tls }) : connect(port, '127.0.0.1');
  let received = '';
  let over = false;
  const changed = new EventTarget();
  const tell = () => changed.dispatchEvent(new Event('change'));
  socket.setNoDelay(true);
  socket.on('data', (chunk: Buffer) => {
    received += chunk.toString('latin1');
    tell();
  });
  socket.on('error', () => {});
  socket.on('close', () => {
    over = true;
    tell();
  });
  await once(socket, tls ? 'secureConnect' : 'connect');
  const until = async <T>(found: () => T | undefined): Promise<T> => {
    const late = AbortSignal.timeout(WIRE_TIMEOUT_MS);
    for (;;) {
      const value = found();
      if (value !== undefined) return value;
      await once(changed, 'change', { signal: late });
    }
  };
  return {
    socket,
    write: (bytes) => void socket.write(bytes),
    reply: () =>
      until(() => {
        const end = received.indexOf('\r\n\r\n');
        if (end < 0) {
          if (over) throw new Error(`the connection was closed; received ${JSON.stringify(received)}`);
          return undefined;
        }
        const head = received.slice(0, end);
        const length = Number(/^content-length: (\d+)$/im.exec(head)?.[1] ?? 0);
        if (received.length < end + 4 + length) return undefined;
        const body = received.slice(end + 4, end + 4 + length);
        received = received.slice(end + 4 + length);
        return {
          status: Number(head.slice(9, 12)),
          head,
          body: Buffer.from(body, 'latin1').toString('utf8'),
        };
      }),
    closed: () => until(() => (over ? received : undefined)),
  };
}

/** A request as text: `Host` is added, and `Content-Length` where there is a body. */
export function request(line: string, headers: Record<string, string> = {}, body?: string): string {
  const all: Record<string, string> = { Host: 'test', ...headers };
  if (body !== undefined) all['Content-Length'] = String(Buffer.byteLength(body));
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${line} HTTP/1.1\r\n${lines.join('')}\r\n${body ?? ''}`;
}
