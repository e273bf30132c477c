/**
 * `server -nodes=N`: several nodes on one machine, each a process, for as many cores. This process serves nothing: it starts them, starts again
 * what dies, and passes signals on.
 *
 * @module
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { writeNewPrivateFile } from '../cluster/transport/private-file.ts';
import { newClusterSecret } from '../cluster/transport/secret.ts';
import { ListenError } from '../http/listen-error.ts';
import { hostAndPort } from '../http/listener-options.ts';
import { NODE_RESTART_MS, NODE_RESTART_MS_MAX, NODE_STEADY_MS } from '../model/limits.ts';
import type { Log } from '../model/log.ts';
import type { NodeSettings } from '../server-settings.ts';
import { type LockedFolder, lockFolder } from '../storage/folder-lock.ts';
import { type NodeProcess, startNode, stopNodes } from './node-process.ts';
import { checkSharable, NODE_NUMBER_VARIABLE, nodesFolder, sharedSecretFile } from './one-of-many.ts';

export interface ManyNodesOptions {
  readonly count: number;
  readonly settings: NodeSettings;
  /** Of `coffer`, as this process has them, without `-nodes`. */
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly log: Log;
}

export interface ManyNodes {
  signal(name: NodeJS.Signals): void;
  /** Ends all; whoever has not ended by itself after a while is killed. */
  stop(): Promise<void>;
  /** Ends all at once. */
  kill(): void;
}

/**
 * Starts all nodes; resolves when they listen.
 * @throws Error with one sentence where one of them does not; none is left then. Its own reason is on standard error.
 */
export async function startManyNodes(options: ManyNodesOptions): Promise<ManyNodes> {
  const { settings } = options;
  checkSharable(settings);
  const folder = settings.cluster?.dataFolder ?? nodesFolder(settings.storage.folder!);
  // Of two sets that start at once each would find the address free, and then take cluster ports that the other's nodes want.
  const held = lockFolder(join(folder, 'parent'));
  try {
    return await startUnder(held, options);
  } catch (error) {
    held.release();
    throw error;
  }
}

async function startUnder(held: LockedFolder, options: ManyNodesOptions): Promise<ManyNodes> {
  const { count, settings, args, env, log } = options;
  // With a shared port the kernel would not say that others use it too.
  for (const { address } of settings.listeners) await checkFree(address);
  if (settings.cluster === undefined)
    writeNewPrivateFile(sharedSecretFile(settings.storage.folder!), `${newClusterSecret(randomBytes)}\n`);

  const running = new Map<number, NodeProcess>();
  const timers = new Set<NodeJS.Timeout>();
  let isStopping = false;

  const start = (number: number): NodeProcess => {
    const node = startNode({ args, env: { ...env, [NODE_NUMBER_VARIABLE]: String(number) } });
    running.set(number, node);
    void node.ended.then(() => {
      if (running.get(number) === node) running.delete(number);
    });
    return node;
  };

  function supervise(number: number, node: NodeProcess, waitMs: number): void {
    const since = performance.now();
    void node.ended.then((how) => {
      if (isStopping) return;
      const steady = performance.now() - since > NODE_STEADY_MS;
      const pause = steady ? NODE_RESTART_MS : waitMs;
      log.error('a node ended and is started again', { node: number, how, pauseMs: pause });
      const timer = setTimeout(() => {
        timers.delete(timer);
        supervise(number, start(number), Math.min(pause * 2, NODE_RESTART_MS_MAX));
      }, pause);
      timers.add(timer);
    });
  }

  function quiesce(): void {
    isStopping = true;
    for (const timer of timers) clearTimeout(timer);
  }

  const first = Array.from({ length: count }, (_, at) => [at + 1, start(at + 1)] as const);
  const listening = await Promise.all(first.map(([, node]) => node.listening));
  if (listening.includes(false)) {
    quiesce();
    await stopNodes([...running.values()]);
    const number = listening.indexOf(false) + 1;
    throw new Error(
      `node ${number} of ${count} ended (${await first[number - 1]![1].ended}) before it listened`,
    );
  }
  for (const [number, node] of first) supervise(number, node, NODE_RESTART_MS);

  return {
    signal(name) {
      for (const node of running.values()) node.signal(name);
    },
    async stop() {
      quiesce();
      await stopNodes([...running.values()]);
      held.release();
    },
    kill() {
      quiesce();
      for (const node of running.values()) node.signal('SIGKILL');
    },
  };
}

/** @throws ListenError */
async function checkFree(address: string): Promise<void> {
  const probe = createServer();
  try {
    probe.listen(hostAndPort(address));
    await once(probe, 'listening');
  } catch (error) {
    throw new ListenError(address, error as NodeJS.ErrnoException);
  } finally {
    probe.close();
  }
}
