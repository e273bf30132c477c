/**
 * A server's own garbage collector, asked for through Node's inspector: nothing has to be put into the server for it.
 *
 * @module
 */
import { once } from 'node:events';
import type { RunningServer } from './server.ts';

/** What `startDev({ nodeArgs })` is given; the port is drawn by the kernel and printed. */
export const INSPECTED = ['--inspect=127.0.0.1:0'];

const COLLECT_TIMEOUT_MS = 60_000;

/** Collects all garbage of a server that was started `INSPECTED`. @throws where it does not answer. */
export async function collectGarbage(server: Pick<RunningServer, 'stderr'>): Promise<void> {
  const url = /Debugger listening on (ws:\S+)/.exec(server.stderr())?.[1];
  if (url === undefined) throw new Error('the server was not started with an inspector');
  const signal = AbortSignal.timeout(COLLECT_TIMEOUT_MS);
  const socket = new WebSocket(url);
  try {
    await once(socket, 'open', { signal });
    socket.send(JSON.stringify({ id: 1, method: 'HeapProfiler.collectGarbage' }));
    await once(socket, 'message', { signal });
  } finally {
    socket.close();
  }
}
