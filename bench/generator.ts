/**
 * The load generator, a process of its own: keeps N connections busy with prepared requests for a while and prints what it saw as one JSON
 * line. It speaks just enough HTTP/1.1 to be much cheaper than what it measures.
 *
 * @module
 */
import { connect, type Socket } from 'node:net';

export interface Load {
  readonly port: number;
  readonly connections: number;
  readonly seconds: number;
  readonly warmupSeconds: number;
  /** Whole requests, sent in random order. */
  readonly requests: readonly string[];
  readonly expectStatus: number;
}

export interface Seen {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly requests: number;
}

const HEAD_END = Buffer.from('\r\n\r\n');

function drive(
  load: Load,
  socket: Socket,
  requests: readonly Buffer[],
  seen: number[],
  clock: Clock,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let sentAt = 0;
    let pending: Buffer = Buffer.alloc(0);
    const send = () => {
      sentAt = performance.now();
      socket.write(requests[(Math.random() * requests.length) | 0]!);
    };
    socket.setNoDelay(true);
    socket.on('connect', send);
    socket.on('error', reject);
    socket.on('close', () =>
      clock.isOver() ? resolve() : reject(new Error('the server closed a connection')),
    );
    socket.on('data', (chunk: Buffer) => {
      pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
      const headEnd = pending.indexOf(HEAD_END);
      if (headEnd < 0) return;
      const head = pending.toString('latin1', 0, headEnd);
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
      if (pending.length < headEnd + 4 + length) return;
      const status = Number(head.slice(9, 12));
      if (status !== load.expectStatus) {
        reject(
          new Error(`status ${status} instead of ${load.expectStatus}: ${pending.toString().slice(0, 400)}`),
        );
        return;
      }
      pending = pending.subarray(headEnd + 4 + length);
      const now = performance.now();
      if (clock.isMeasuring()) seen.push(now - sentAt);
      if (clock.isOver()) socket.end(() => resolve());
      else send();
    });
  });
}

interface Clock {
  isMeasuring(): boolean;
  isOver(): boolean;
}

async function main(load: Load): Promise<Seen> {
  const startMs = performance.now();
  const measureFrom = startMs + load.warmupSeconds * 1_000;
  const over = measureFrom + load.seconds * 1_000;
  const clock: Clock = {
    isMeasuring: () => performance.now() >= measureFrom,
    isOver: () => performance.now() >= over,
  };
  const requests = load.requests.map((text) => Buffer.from(text));
  const seen: number[] = [];
  await Promise.all(
    Array.from({ length: load.connections }, () =>
      drive(load, connect(load.port, '127.0.0.1'), requests, seen, clock),
    ),
  );
  seen.sort((a, b) => a - b);
  const at = (share: number) =>
    seen[Math.min(seen.length - 1, Math.floor(seen.length * share))] ?? Number.NaN;
  return { perSecond: seen.length / load.seconds, p50Ms: at(0.5), p99Ms: at(0.99), requests: seen.length };
}

process.once('message', (load: Load) => {
  main(load).then(
    (seen) => process.send?.({ seen }, () => process.exit(0)),
    (error: Error) => process.send?.({ error: error.message }, () => process.exit(1)),
  );
});
