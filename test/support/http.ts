/**
 * The smallest HTTP client the tests need: it sends the method and the path byte for byte as written (LIST, `..`, `//`, `%2F`), which
 * `fetch` does not, and opens a connection for each call, so that a server restarted on its port is never met with a stale socket.
 *
 * @module
 */

import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';

const CALL_TIMEOUT_MS = 30_000;

export interface CallOptions {
  /** Sent as `X-Vault-Token`. */
  token?: string;
  /** A string or bytes go as they are; anything else as its JSON. */
  body?: unknown;
  headers?: Record<string, string | string[]>;
  /** TLS options, for an `https:` address. */
  tls?: Pick<RequestOptions, 'ca' | 'cert' | 'key' | 'rejectUnauthorized' | 'servername'>;
  /** Milliseconds until the call is given up; 30,000 where absent. */
  timeoutMs?: number;
}

export interface CallReply {
  status: number;
  headers: IncomingHttpHeaders;
  /** The parsed JSON body, undefined where there is none or it is not JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape.
  body: any;
  /** The body as text, for what parsing loses: key order, numbers, the final newline. */
  text: string;
}

/**
 * Sends one request and reads the whole answer. Redirects are not followed.
 * @param address - such as `http://127.0.0.1:8200`, without a path.
 * @param path - such as `/v1/sys/health`, with its query, sent unchanged; it must be ASCII without blanks.
 * @throws Error when the connection breaks or `timeoutMs` passes; never for a status.
 */
export function call(
  address: string,
  method: string,
  path: string,
  options: CallOptions = {},
): Promise<CallReply> {
  const { hostname, port, protocol } = new URL(address);
  const payload = payloadOf(options.body);
  const headers: Record<string, string | string[] | number> = { ...options.headers };
  if (options.token !== undefined) headers['x-vault-token'] = options.token;
  if (payload !== undefined && headers['content-length'] === undefined)
    headers['content-length'] = payload.length;
  const request = protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        hostname,
        port,
        method,
        path,
        headers,
        agent: false,
        timeout: options.timeoutMs ?? CALL_TIMEOUT_MS,
        ...options.tls,
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: parsed(text), text });
        });
      },
    );
    sent.on('timeout', () => sent.destroy(new Error(`no answer to ${method} ${path} in time`)));
    sent.on('error', reject);
    sent.end(payload);
  });
}

function payloadOf(body: unknown): Uint8Array | undefined {
  if (body === undefined) return undefined;
  if (body instanceof Uint8Array) return body;
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
