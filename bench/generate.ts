/**
 * Starts the load generator, and makes what it sends.
 *
 * @module
 */
import { fork } from 'node:child_process';
import type { Load, Seen } from './generator.ts';

/** A whole request, as the generator sends it. @param headers - further ones, whole lines without their ends. */
export function request(
  method: string,
  port: number,
  path: string,
  token: string,
  body?: string,
  headers: readonly string[] = [],
): string {
  const more = headers.map((line) => `${line}\r\n`).join('');
  const head = `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nX-Vault-Request: true\r\nX-Vault-Token: ${token}\r\n${more}`;
  return body === undefined ? `${head}\r\n` : `${head}Content-Length: ${body.length}\r\n\r\n${body}`;
}

export function generate(load: Load): Promise<Seen> {
  return new Promise((resolve, reject) => {
    const child = fork(new URL('./generator.ts', import.meta.url));
    child.once('message', (message: { seen?: Seen; error?: string }) => {
      if (message.seen) resolve(message.seen);
      else reject(new Error(message.error));
    });
    child.once('error', reject);
    child.send(load);
  });
}
