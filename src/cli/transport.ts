/**
 * One HTTP exchange with a server: no pooled connections (a command sends one to three requests and exits), Go's error texts.
 *
 * @module
 */
import http, { type ClientRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import type { SecureContextOptions } from 'node:tls';
import { CLI_REPLY_BYTES_MAX } from '../model/limits.ts';
import { quote } from '../model/printable.ts';
import type { ServerAddress } from './request-url.ts';

/** What TLS needs, loaded once per command. */
export interface TlsSettings extends SecureContextOptions {
  servername?: string;
  rejectUnauthorized: boolean;
}

export interface Exchange {
  method: string;
  address: ServerAddress;
  /** Escaped, with the query. */
  target: string;
  /** The full URL, for error texts. */
  url: string;
  headers: ReadonlyMap<string, string | string[]>;
  body?: string;
  timeoutMs: number;
  tls?: TlsSettings;
  /** Proxy to go through. */
  proxy?: URL;
}

export interface Reply {
  status: number;
  headers: IncomingMessage['headers'];
  body: Buffer;
}

/**
 * Sends one request and reads the whole answer. Follows no redirect, tries once.
 * @throws Error in the form of Go's `url.Error`: `Get "http://…": dial tcp …: connect: connection refused`.
 */
export async function exchange(request: Exchange): Promise<Reply> {
  const deadline = AbortSignal.timeout(request.timeoutMs);
  return explained(request, async () => {
    const { status, headers, body } = await head(request, deadline);
    return { status, headers, body: await readAll(body) };
  });
}

export interface OpenReply extends Omit<Reply, 'body'> {
  readonly body: IncomingMessage;
}

/**
 * As `exchange`, with the body as it comes: only its head has to be there in time.
 * @param end - ends it, whenever that is.
 */
export async function openExchange(request: Exchange, end: AbortSignal): Promise<OpenReply> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), request.timeoutMs);
  try {
    return await explained(request, () => head(request, AbortSignal.any([late.signal, end])));
  } finally {
    clearTimeout(timer);
  }
}

async function explained<T>(request: Exchange, send: () => Promise<T>): Promise<T> {
  try {
    return await send();
  } catch (error) {
    const verb = request.method.charAt(0) + request.method.slice(1).toLowerCase();
    throw new Error(`${verb} ${quote(request.url)}: ${explain(error as NodeJS.ErrnoException, request)}`, {
      cause: error,
    });
  }
}

async function head(request: Exchange, deadline: AbortSignal): Promise<OpenReply> {
  const { address, body } = request;
  const headers: Record<string, string | string[]> = Object.fromEntries(request.headers);
  if (body !== undefined) headers['Content-Length'] = String(Buffer.byteLength(body));
  const options: RequestOptions = {
    agent: false,
    method: request.method,
    path: request.target,
    headers: { Host: address.host, ...headers },
    auth: address.userInfo,
    signal: deadline,
    ...(address.socketPath
      ? { socketPath: address.socketPath }
      : { host: address.hostname, port: address.port }),
  };
  const outgoing = await open(request, options, deadline);
  const incoming = await answerTo(outgoing, body);
  return { status: incoming.statusCode ?? 0, headers: incoming.headers, body: incoming };
}

/** Plain HTTP needs nothing else; TLS and proxies are loaded only where they are used, since loading them takes longer than a request. */
async function open(
  request: Exchange,
  options: RequestOptions,
  deadline: AbortSignal,
): Promise<ClientRequest> {
  const secure = request.address.scheme === 'https';
  if (request.proxy) {
    const { throughProxy } = await import('./proxy.ts');
    return throughProxy(request.proxy, request, options, deadline);
  }
  if (!secure) return http.request(options);
  const https = await import('node:https');
  return https.request({ ...options, ...request.tls });
}

function answerTo(outgoing: ClientRequest, body: string | undefined): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    outgoing.once('response', resolve);
    outgoing.once('error', reject);
    outgoing.end(body);
  });
}

/** A server that is not what it should be must not fill the client's memory. */
export async function readAll(
  incoming: AsyncIterable<Buffer>,
  bytesMax = CLI_REPLY_BYTES_MAX,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming) {
    size += chunk.length;
    if (size > bytesMax) throw new Error(`the answer is larger than ${bytesMax} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The words of Go's net and crypto/tls packages for Node's error codes: scripts look for them. */
function explain(
  error: NodeJS.ErrnoException & { address?: string; port?: number; errors?: unknown[] },
  request: Exchange,
): string {
  const first = (error.errors?.[0] as typeof error | undefined) ?? error;
  const { address } = request;
  const at =
    address.socketPath ?? `${bracketed(first.address ?? address.hostname)}:${first.port ?? address.port}`;
  const dial = `dial ${address.socketPath ? 'unix' : 'tcp'} ${at}`;
  switch (first.code) {
    case 'ECONNREFUSED':
      return `${dial}: connect: connection refused`;
    case 'EHOSTUNREACH':
      return `${dial}: connect: no route to host`;
    case 'ENETUNREACH':
      return `${dial}: connect: network is unreachable`;
    case 'ENOENT':
      return `${dial}: connect: no such file or directory`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `dial tcp: lookup ${address.hostname}: no such host`;
    case 'ETIMEDOUT':
      return `${dial}: i/o timeout`;
    case 'ECONNRESET':
      return error.message === 'socket hang up' ? 'EOF' : `read tcp ${at}: connection reset by peer`;
    case 'ABORT_ERR':
      return 'context deadline exceeded';
    case 'EPROTO':
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
      return /wrong version number|packet length too long/.test(first.message)
        ? 'http: server gave HTTP response to HTTPS client'
        : first.message.trim();
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
      return 'tls: failed to verify certificate: x509: certificate signed by unknown authority';
    case 'CERT_HAS_EXPIRED':
      return 'tls: failed to verify certificate: x509: certificate has expired or is not yet valid';
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return `tls: failed to verify certificate: x509: certificate is not valid for ${request.tls?.servername ?? address.hostname}`;
    default:
      return first.message;
  }
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
