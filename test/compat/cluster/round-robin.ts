/**
 * A proxy that ends TLS and hands each request, not each connection, to the next address: what a client does one after the other meets
 * another node every time.
 *
 * @module
 */
import {
  Agent,
  createServer,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Duplex } from 'node:stream';
import { onClientError } from '../../../src/http/client-error.ts';
import { type HttpParseError, sentVerb } from '../../../src/http/list-verb.ts';
import type { Log } from '../../../src/model/log.ts';

export interface RoundRobinOptions {
  readonly host: string;
  readonly port: number;
  /** PEM; plain HTTP where absent. */
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer };
  /** `http://host:port` of each node, once they answer; requests that come before wait. */
  readonly addresses: Promise<readonly string[]>;
}

const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'transfer-encoding']);
const silent = { debug: () => {} } as unknown as Log;

/** Resolves with the server when it listens. */
export async function startRoundRobin(options: RoundRobinOptions): Promise<Server> {
  // A connection for each request: one that was kept may be closed by its node just as the next request is sent.
  const agent = new Agent({ keepAlive: false });
  let turn = 0;

  async function pass(asked: IncomingMessage, reply: ServerResponse): Promise<void> {
    const method = sentVerb(asked.method ?? '', asked.socket);
    const addresses = await options.addresses;
    const address = new URL(addresses[turn++ % addresses.length]!);
    const onward = request({
      host: address.hostname,
      port: address.port,
      agent,
      method,
      path: asked.url,
      headers: endToEnd(asked.rawHeaders, 'transfer-encoding'),
    });
    onward.on('response', (answer) => {
      reply.writeHead(answer.statusCode!, answer.statusMessage, endToEnd(answer.rawHeaders));
      answer.pipe(reply);
      answer.on('error', () => reply.destroy());
    });
    onward.on('error', () => reply.destroy());
    reply.on('close', () => onward.destroy());
    asked.pipe(onward);
  }

  const server = options.tls ? createTlsServer(options.tls) : createServer();
  server.on('request', (asked: IncomingMessage, reply: ServerResponse) => {
    pass(asked, reply).catch(() => reply.destroy());
  });
  server.on('clientError', (error: HttpParseError, stream: Duplex) => onClientError(error, stream, silent));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  server.on('close', () => agent.destroy());
  return server;
}

/** Names and values in turn, without those of one connection; `kept` is one that stays. */
function endToEnd(raw: readonly string[], kept?: string): string[] {
  return raw.filter((_text, at) => {
    const name = raw[at - (at % 2)]!.toLowerCase();
    return name === kept || !HOP_BY_HOP.has(name);
  });
}
