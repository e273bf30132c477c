/**
 * Lines sent to an HTTP server: one POST with one JSON object each, as OpenBao does. A status of 2xx says that it was taken.
 *
 * @module
 */
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { AUDIT_POSTS_AT_ONCE } from '../model/limits.ts';
import { linesIn } from './datagram-output.ts';
import type { Output } from './line-sink.ts';

export interface HttpTarget {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string | string[]>>;
  /** For one POST and its answer. */
  readonly timeoutMs: number;
}

export function makeHttpOutput({ url, headers, timeoutMs }: HttpTarget): Output {
  const isTls = url.protocol === 'https:';
  const makeAgent = (): HttpAgent =>
    new (isTls ? HttpsAgent : HttpAgent)({ keepAlive: true, maxSockets: AUDIT_POSTS_AT_ONCE });
  let agent = makeAgent();

  function post(line: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      const sent = (isTls ? httpsRequest : httpRequest)(url, {
        method: 'POST',
        agent,
        headers: { 'content-type': 'application/json', ...headers, 'content-length': line.length },
        signal: AbortSignal.timeout(timeoutMs),
      });
      sent.once('error', reject);
      sent.once('response', (reply) => {
        const status = reply.statusCode ?? 0;
        reply.resume();
        reply.once('error', reject);
        reply.once('end', () => {
          if (status >= 200 && status < 300) resolve();
          else reject(new Error(`answered ${status}`));
        });
      });
      sent.end(line);
    });
  }

  return {
    // Whether it takes lines, only a line tells.
    open: async () => {},
    async write(bytes) {
      const lines = linesIn(bytes);
      for (let from = 0; from < lines.length; from += AUDIT_POSTS_AT_ONCE) {
        const results = await Promise.allSettled(lines.slice(from, from + AUDIT_POSTS_AT_ONCE).map(post));
        const failed = results.find((result) => result.status === 'rejected');
        if (failed) throw failed.reason;
      }
    },
    async reopen() {
      agent.destroy();
      agent = makeAgent();
    },
    async close() {
      agent.destroy();
    },
  };
}
