/**
 * One client of a real cluster: a connection to each node that is kept, a request at a time, and what became of it.
 *
 * @module
 */
import { Agent, request as httpRequest } from 'node:http';

/** What became of a request. `broken`: the connection could not be had, or ended before the reply. */
export type Heard =
  | {
      readonly kind: 'reply';
      readonly status: number;
      readonly retryAfter: boolean;
      readonly body: ReplyBody;
    }
  | { readonly kind: 'broken'; readonly refused: boolean; readonly why: string };

// biome-ignore lint/suspicious/noExplicitAny: workloads look into replies freely
type ReplyBody = any;

export interface Asked {
  readonly method: string;
  /** Below `/v1/`. */
  readonly path: string;
  readonly token: string;
  readonly body?: object;
  readonly timeoutMs?: number;
}

export interface Client {
  ask(address: string, asked: Asked): Promise<Heard>;
  close(): void;
}

const TIMEOUT_MS = 20_000;

export function makeClient(): Client {
  const agent = new Agent({ keepAlive: true, maxSockets: 4 });
  return {
    ask: (address, { method, path, token, body, timeoutMs = TIMEOUT_MS }) =>
      new Promise((resolve) => {
        const payload = body === undefined ? undefined : JSON.stringify(body);
        const headers: Record<string, string | number> = { 'x-vault-token': token };
        if (payload !== undefined) headers['content-length'] = Buffer.byteLength(payload);
        const broken = (error: Error) =>
          resolve({
            kind: 'broken',
            refused: (error as NodeJS.ErrnoException).code === 'ECONNREFUSED',
            why: error.message,
          });
        const sent = httpRequest(`${address}/v1/${path}`, { method, agent, headers, timeout: timeoutMs });
        sent.on('error', broken);
        sent.on('timeout', () => sent.destroy(new Error('no answer in time')));
        sent.on('response', (response) => {
          let text = '';
          response.setEncoding('utf8').on('data', (chunk: string) => {
            text += chunk;
          });
          response.on('error', broken);
          response.on('aborted', () => broken(new Error('the reply was cut off')));
          response.on('end', () =>
            resolve({
              kind: 'reply',
              status: response.statusCode ?? 0,
              retryAfter: response.headers['retry-after'] !== undefined,
              body: text === '' ? undefined : JSON.parse(text),
            }),
          );
        });
        sent.end(payload);
      }),
    close: () => agent.destroy(),
  };
}
