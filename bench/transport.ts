/**
 * `npm run bench:transport`: messages between two nodes, each a process of its own, over the cluster's transport on loopback.
 *
 * 1 KiB there and back: 64 at once, 512 at once, one after another; then messages that travel on streams of their own. `BENCH_SECONDS` is
 * the length of each measurement; the median of three rounds counts. To compare with: libp2p's streams alone, with noise, did 33,000
 * requests/s at 64 at once with the writes of a turn put together, and 11,000 with one write for each.
 *
 * @module
 */
import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { identityFromSeed } from '../src/cluster/transport/identity.ts';
import { type ClusterTransport, makeClusterTransport } from '../src/cluster/transport/transport.ts';
import { MIB } from '../src/model/limits.ts';
import { SILENT_LOG } from '../src/model/log.ts';
import type { PeerAddress } from '../src/model/transport.ts';
import { systemClock } from '../src/system-clock.ts';

const SECONDS = Number(process.env.BENCH_SECONDS ?? 4);
const ROUNDS = 3;
const SECRET = Buffer.alloc(32, 1);
/** The other node: answers each request with its own bytes. */
const ECHO = 'echo';

async function startTransport(listen?: string): Promise<ClusterTransport> {
  const transport = makeClusterTransport({
    identity: await identityFromSeed(randomBytes(32)),
    listen,
    secrets: () => [SECRET],
    speaks: { min: 1, max: 1 },
    protocol: () => 1,
    isBarred: () => false,
    clock: systemClock,
    randomBytes,
    log: SILENT_LOG,
  });
  await transport.start();
  return transport;
}

interface Seen {
  perSecond: number;
  p50Ms: number;
  p99Ms: number;
  /** CPU of this process, µs for each request. */
  cpuUs: number;
}

async function load(
  transport: ClusterTransport,
  peer: string,
  atOnce: number,
  bytes: number,
  seconds: number,
): Promise<Seen> {
  const times: number[] = [];
  const payload = randomBytes(bytes);
  const cpu = process.cpuUsage();
  const began = performance.now();
  const end = began + seconds * 1_000;
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (let sent = performance.now(); sent < end; ) {
        const reply = await transport.request(peer, payload);
        if (reply.length !== bytes) throw new Error('another reply than was sent');
        const now = performance.now();
        times.push(now - sent);
        sent = now;
      }
    }),
  );
  const took = (performance.now() - began) / 1_000;
  const used = process.cpuUsage(cpu);
  times.sort((a, b) => a - b);
  return {
    perSecond: times.length / took,
    p50Ms: times[times.length >> 1]!,
    p99Ms: times[Math.floor(times.length * 0.99)]!,
    cpuUs: (used.user + used.system) / times.length,
  };
}

async function measure(
  transport: ClusterTransport,
  peer: string,
  name: string,
  atOnce: number,
  bytes: number,
): Promise<void> {
  const rounds: Seen[] = [];
  for (let round = 0; round < ROUNDS; round++)
    rounds.push(await load(transport, peer, atOnce, bytes, SECONDS));
  rounds.sort((a, b) => a.perSecond - b.perSecond);
  const { perSecond, p50Ms, p99Ms, cpuUs } = rounds[ROUNDS >> 1]!;
  const all = rounds.map((seen) => Math.round(seen.perSecond)).join(' ');
  console.log(
    `${name.padEnd(28)} ${Math.round(perSecond).toString().padStart(7)}/s (${all})  p50 ${p50Ms.toFixed(2)} ms  p99 ${p99Ms.toFixed(2)} ms  ${cpuUs.toFixed(0)} µs CPU`,
  );
}

async function echo(): Promise<void> {
  const transport = await startTransport('127.0.0.1:0');
  transport.onRequest(({ bytes }) => bytes);
  process.send?.({ peer: transport.peer, addresses: [transport.address()!] } satisfies PeerAddress);
  process.once('disconnect', () => process.exit(0));
}

async function main(): Promise<void> {
  console.log(
    `${cpus()[0]?.model ?? 'unknown cpu'} × ${cpus().length}, Node ${process.versions.node}, ${SECONDS} s × ${ROUNDS}`,
  );
  const child: ChildProcess = fork(fileURLToPath(import.meta.url), [ECHO]);
  const [other] = (await once(child, 'message')) as [PeerAddress];
  const transport = await startTransport();
  const up = new Promise<void>((resolve) => {
    transport.onPeer(() => resolve());
  });
  const began = performance.now();
  transport.keep([other]);
  await up;
  console.log(`dialed and admitted in ${(performance.now() - began).toFixed(0)} ms`);
  await load(transport, other.peer, 64, 1_024, 1);
  await measure(transport, other.peer, '1 KiB, 64 at once', 64, 1_024);
  await measure(transport, other.peer, '1 KiB, 512 at once', 512, 1_024);
  await measure(transport, other.peer, '1 KiB, one after another', 1, 1_024);
  await measure(transport, other.peer, '1 MiB, one after another', 1, MIB);
  console.log(`${(process.memoryUsage().rss / MIB).toFixed(0)} MiB resident at the end`);
  await transport.stop();
  child.disconnect();
}

await (process.argv[2] === ECHO ? echo() : main());
