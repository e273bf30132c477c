/**
 * A node as a process of its own that ends with us: at a signal we send, and by itself once its channel to us is gone, however we died. It is in
 * a session of its own, so that the terminal's Ctrl-C comes to us alone, and to it once.
 *
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { NODE_STOP_MS } from '../model/limits.ts';
import { CHILD_LISTENS, CHILD_VARIABLE } from './child-side.ts';

const ENTRY = fileURLToPath(new URL('../coffer.ts', import.meta.url));

export interface NodeProcessOptions {
  /** Of `coffer`: `['server', '-config=…']`. */
  readonly args: readonly string[];
  /** Complete, but for what tells it whose child it is. */
  readonly env: NodeJS.ProcessEnv;
  /** Where standard output and error go; ours where absent. */
  readonly logFile?: string;
}

export interface NodeProcess {
  /** Undefined where it could not be started; `ended` says why. */
  readonly pid: number | undefined;
  /** Resolves once its listeners are open, true; or when it ends before, false. */
  readonly listening: Promise<boolean>;
  /** Resolves with its exit code or the signal's name, once it is gone. */
  readonly ended: Promise<number | string>;
  isRunning(): boolean;
  signal(name: NodeJS.Signals): void;
}

export function startNode({ args, env, logFile }: NodeProcessOptions): NodeProcess {
  const log = logFile === undefined ? 'inherit' : openSync(logFile, 'a', 0o600);
  let child: ChildProcess;
  try {
    child = spawn(process.execPath, [ENTRY, ...args], {
      env: { ...env, [CHILD_VARIABLE]: '1' },
      stdio: ['ignore', log, log, 'ipc'],
      detached: true,
    });
  } finally {
    if (typeof log === 'number') closeSync(log);
  }
  let isRunning = true;
  const ended = new Promise<number | string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal ?? code ?? 'unknown'));
  }).then((how) => {
    isRunning = false;
    return how;
  });
  const listening = new Promise<boolean>((resolve) => {
    child.on('message', (message) => {
      if (message === CHILD_LISTENS) resolve(true);
    });
    void ended.then(() => resolve(false));
  });
  return {
    pid: child.pid,
    listening,
    ended,
    isRunning: () => isRunning,
    signal(name) {
      if (isRunning) child.kill(name);
    },
  };
}

/** Tells all to end, and waits; who has not within `graceMs` is killed. */
export async function stopNodes(nodes: readonly NodeProcess[], graceMs = NODE_STOP_MS): Promise<void> {
  for (const node of nodes) node.signal('SIGTERM');
  const late = setTimeout(() => {
    for (const node of nodes) node.signal('SIGKILL');
  }, graceMs);
  await Promise.all(nodes.map(({ ended }) => ended));
  clearTimeout(late);
}
