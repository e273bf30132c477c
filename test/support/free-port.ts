/**
 * Ports nobody listens on, for servers that tests start.
 *
 * @module
 */

import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

/** Ports handed out by this process: the kernel may offer one again before its server has bound it. */
const handedOut = new Set<number>();
const PORTS_FROM = 15_000;
const PORTS_TO = 30_000;

/** A TCP port of 127.0.0.1 that was free a moment ago and that this process has not handed out before. */
export async function freePort(): Promise<number> {
  for (;;) {
    const probe = createServer().listen(0, '127.0.0.1');
    await once(probe, 'listening');
    const { port } = probe.address() as AddressInfo;
    probe.close();
    await once(probe, 'close');
    if (handedOut.has(port)) continue;
    handedOut.add(port);
    return port;
  }
}

/**
 * The first of `count` such ports that follow each other, below those that the kernel gives to connections that go out: there one of them
 * would soon be taken again.
 */
export async function freePorts(count: number): Promise<number> {
  for (;;) {
    const first = PORTS_FROM + Math.floor(Math.random() * (PORTS_TO - PORTS_FROM - count));
    const all = Array.from({ length: count }, (_, at) => first + at);
    if (all.some((port) => handedOut.has(port))) continue;
    const free = await Promise.all(all.map(isFree));
    if (!free.every(Boolean)) continue;
    for (const port of all) handedOut.add(port);
    return first;
  }
}

async function isFree(port: number): Promise<boolean> {
  const probe = createServer().listen(port, '127.0.0.1');
  try {
    await once(probe, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    probe.close();
  }
}
