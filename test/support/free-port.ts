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
