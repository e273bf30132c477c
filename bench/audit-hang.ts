/**
 * `node bench/audit-hang.ts`: reads with a file and a socket as audit devices, while the socket's peer reads and while it hangs, in turn. What
 * counts is the ratio of the 99th percentiles; at most 1.3 is wanted.
 *
 * @module
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { call } from '../test/support/http.ts';
import { startDev } from '../test/support/server.ts';
import { generate, request } from './generate.ts';

const CONNECTIONS = 64;
const KEYS = 300;
const SECONDS = Number(process.env.BENCH_SECONDS ?? 3);
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5);
const GOAL = 1.3;

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

/** A peer in a thread of its own: it must not share the time of who measures. */
const peer = new Worker(
  `const { createServer } = require('node:net');
  const { parentPort } = require('node:worker_threads');
  const sockets = new Set();
  let reads = true;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', () => {});
    if (!reads) socket.pause();
  });
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
  parentPort.on('message', (wanted) => {
    reads = wanted;
    for (const socket of sockets) reads ? socket.resume() : socket.pause();
  });`,
  { eval: true },
);
const peerPort = await new Promise<number>((resolve) => peer.once('message', resolve));
const folder = mkdtempSync(join(tmpdir(), 'coffer-audit-hang-'));
const server = await startDev({ rootToken: 'root', args: [`-dev-data=${join(folder, 'data')}`] });
let met = false;
try {
  const root = async (method: string, path: string, body: unknown): Promise<void> => {
    const reply = await call(server.address, method, `/v1/${path}`, { token: 'root', body });
    if (reply.status >= 300) throw new Error(`${path}: ${reply.text}`);
  };
  const paths = Array.from({ length: KEYS }, (_, n) => `secret/data/bench/k${n}`);
  for (const path of paths) await root('POST', path, { data: { value: 'v'.repeat(300) } });
  await root('PUT', 'sys/audit/file', { type: 'file', options: { file_path: join(folder, 'audit.log') } });
  await root('PUT', 'sys/audit/socket', { type: 'socket', options: { address: `127.0.0.1:${peerPort}` } });
  const port = Number(new URL(server.address).port);
  const requests = paths.map((path) => request('GET', port, `/v1/${path}`, 'root'));
  const load = { connections: CONNECTIONS, port, requests, expectStatus: 200 };
  const p99: Record<'reads' | 'hangs', number[]> = { reads: [], hangs: [] };
  for (let round = 0; round < ROUNDS; round++) {
    for (const state of ['reads', 'hangs'] as const) {
      peer.postMessage(state === 'reads');
      const seen = await generate({ ...load, seconds: SECONDS, warmupSeconds: 1 });
      p99[state].push(seen.p99Ms);
      console.log(
        `peer ${state}: ${Math.round(seen.perSecond)}/s  p50 ${seen.p50Ms.toFixed(2)} ms  p99 ${seen.p99Ms.toFixed(2)} ms`,
      );
    }
  }
  const ratio = median(p99.hangs.map((ms, round) => ms / p99.reads[round]!));
  met = ratio <= GOAL;
  console.log(`p99 ratio ${ratio.toFixed(3)}, goal ${GOAL}: ${met ? 'met' : 'MISSED'}`);
} finally {
  await server.stop();
  await peer.terminate();
  rmSync(folder, { recursive: true, force: true });
}
if (!met) process.exitCode = 1;
