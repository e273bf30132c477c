/**
 * How a node of several takes leave of its clients, so that none of them sees an error: first balancers find out by `sys/health`, then each
 * client by its next reply, and only what is left idle is closed. Everything is answered meanwhile.
 *
 * @module
 */
import { DRAIN_FAREWELL_MS, DRAIN_HEALTH_MS } from '../model/limits.ts';
import type { HttpServer } from './server.ts';

export interface DrainOptions {
  servers(): readonly Pick<HttpServer, 'farewell' | 'stop'>[];
  /** Runs `run` once after `ms`. */
  after(run: () => void, ms: number): unknown;
}

export interface Drain {
  /** It has begun: `sys/health` is to say so. */
  isDraining(): boolean;
  /** Resolves when all listeners are closed and what ran is answered. Safe to call twice. */
  drain(): Promise<void>;
}

export function makeDrain({ servers, after }: DrainOptions): Drain {
  let draining: Promise<void> | undefined;
  const sleep = (ms: number) => new Promise<void>((resolve) => void after(resolve, ms));

  async function drain(): Promise<void> {
    await sleep(DRAIN_HEALTH_MS);
    for (const server of servers()) server.farewell();
    await sleep(DRAIN_FAREWELL_MS);
    await Promise.all(servers().map((server) => server.stop()));
  }

  return {
    isDraining: () => draining !== undefined,
    drain() {
      draining ??= drain();
      return draining;
    },
  };
}
