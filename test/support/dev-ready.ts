/**
 * Dev servers of which all that dev mode prepares is there: it makes the root token and mounts `secret/` after the first request it answers.
 *
 * @module
 */
import { type DevOptions, type RunningServer, startDev } from './server.ts';

const TRIES = 400;
const PAUSE_MS = 25;

export interface ReadyDev extends RunningServer {
  /** Base64. */
  readonly unsealKey: string;
}

/** @throws Error where nothing was printed within ten seconds. */
export async function startReadyDev(options: DevOptions = {}): Promise<ReadyDev> {
  const server = await startDev(options);
  for (let tries = 0; tries < TRIES; tries++) {
    const unsealKey = /Unseal Key: (\S+)\n/.exec(server.stdout())?.[1];
    if (unsealKey !== undefined) return { ...server, unsealKey };
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  await server.stop();
  throw new Error(`no unseal key was printed: ${server.stdout()}\n${server.stderr()}`);
}
