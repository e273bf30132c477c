/**
 * Ports nobody listens on, for servers that tests start.
 *
 * @module
 */

import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

/** Ports handed out by this process: the kernel may offer one again before its server has bound it. */
const handedOut = new Set<number>();

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

/** The first of `count` such ports that follow each other. */
export async function freePorts(count: number): Promise<number> {
  for (;;) {
    const first = await freePort();
    const probes = Array.from({ length: count - 1 }, (_, at) =>
      createServer().listen(first + 1 + at, '127.0.0.1'),
    );
    const free = await Promise.all(
      probes.map((probe) =>
        once(probe, 'listening').then(
          () => true,
          () => false,
        ),
      ),
    );
    for (const probe of probes) probe.close();
    const all = Array.from({ length: count }, (_, at) => first + at);
    if (!free.every(Boolean) || all.slice(1).some((port) => handedOut.has(port))) continue;
    for (const port of all) handedOut.add(port);
    return first;
  }
}
