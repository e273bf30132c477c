/**
 * Servers as processes, for tests that must see what a client sees. Each is waited for until it answers, and is killed by its pid:
 * at `stop`, or when the test process ends.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { freePort } from './free-port.ts';
import { type CallOptions, call } from './http.ts';
import { testFolder } from './test-folder.ts';

/** What `node` is given to be Coffer. */
export const COFFER_ENTRY = fileURLToPath(new URL('../../src/coffer.ts', import.meta.url));

const READY_TIMEOUT_MS = 30_000;
const READY_POLL_MS = 25;
const STOP_TIMEOUT_MS = 30_000;
const OUTPUT_BYTES_MAX = 1_000_000;

export interface RunningServer {
  /** Such as `http://127.0.0.1:40123`. */
  address: string;
  pid: number;
  /** Everything printed so far (the last megabyte of each). */
  stdout(): string;
  stderr(): string;
  /** Resolves with the exit code, or the signal's name, once the process is gone. */
  exited: Promise<number | string>;
  /** Sends `signal` (SIGTERM where absent) and waits; SIGKILL after 30 seconds. Safe to call twice. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

export interface StartOptions {
  command: string;
  args: string[];
  /** Added to this process's environment; `undefined` removes a variable. */
  env?: Record<string, string | undefined>;
  cwd?: string;
  /** Where it will listen. */
  address: string;
  /** GET this until it answers one of `readyStatus`; `/v1/sys/health` and [200] where absent. */
  readyPath?: string;
  readyStatus?: number[];
  readyTimeoutMs?: number;
  tls?: CallOptions['tls'];
  /** Called with its process id as soon as there is one, long before it answers. */
  spawned?(pid: number): void;
}

export interface DevOptions {
  /** `root` where absent. */
  rootToken?: string;
  /** Further arguments after those of dev mode. */
  args?: string[];
  /** Arguments for Node itself. */
  nodeArgs?: string[];
  /** Its working directory; this process's where absent. */
  cwd?: string;
  env?: Record<string, string | undefined>;
}

const running = new Set<ChildProcess>();
// Before their folders are removed.
process.prependListener('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

/**
 * Starts `node src/coffer.ts server -dev` on a free port and waits until it is unsealed and serves. Its HOME is a folder of its own, so
 * that no test touches the token helper of whoever runs the tests.
 */
export async function startDev(options: DevOptions = {}): Promise<RunningServer> {
  const port = await freePort();
  return await startServer({
    command: process.execPath,
    args: [
      ...(options.nodeArgs ?? []),
      COFFER_ENTRY,
      'server',
      '-dev',
      `-dev-root-token-id=${options.rootToken ?? 'root'}`,
      `-dev-listen-address=127.0.0.1:${port}`,
      ...(options.args ?? []),
    ],
    cwd: options.cwd,
    env: {
      VAULT_ADDR: undefined,
      VAULT_TOKEN: undefined,
      VAULT_NAMESPACE: undefined,
      HOME: testFolder('home'),
      ...options.env,
    },
    address: `http://127.0.0.1:${port}`,
  });
}

/**
 * Starts any server and waits until it answers.
 * @throws Error with what it printed, when it ends first or does not answer in time.
 */
export async function startServer(options: StartOptions): Promise<RunningServer> {
  const child = spawn(options.command, options.args, {
    cwd: options.cwd,
    env: withoutUndefined({ ...process.env, ...options.env }),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  if (child.pid !== undefined) options.spawned?.(child.pid);
  const stdout = collect(child.stdout);
  const stderr = collect(child.stderr);
  const exited = new Promise<number | string>((resolve) => {
    child.once('error', (error) => resolve(String(error)));
    child.once('exit', (code, signal) => resolve(code ?? signal ?? 'unknown'));
  });
  let ended: number | string | undefined;
  void exited.then((how) => {
    ended = how;
    running.delete(child);
  });
  const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
    if (ended !== undefined) return;
    child.kill(signal);
    const killer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await exited;
    clearTimeout(killer);
  };
  const deadline = Date.now() + (options.readyTimeoutMs ?? READY_TIMEOUT_MS);
  while (!(await answers(options))) {
    const late = Date.now() > deadline;
    if (ended === undefined && !late) {
      await new Promise((resolve) => setTimeout(resolve, READY_POLL_MS));
      continue;
    }
    await stop('SIGKILL');
    const how = late ? 'did not answer in time' : `ended (${ended}) before it answered`;
    throw new Error(`${options.command} ${options.args.join(' ')}: ${how}\n${stdout()}\n${stderr()}`);
  }
  assert(child.pid !== undefined);
  return { address: options.address, pid: child.pid, stdout, stderr, exited, stop };
}

/** For `afterEach`: what a failed test has left running would keep its process alive. */
export async function killServers(): Promise<void> {
  const left = [...running].map((child) => once(child, 'exit'));
  for (const child of running) child.kill('SIGKILL');
  await Promise.all(left);
}

/** Waits for servers that start at the same time. @throws what kept one from starting, once the others are stopped again. */
export async function startAll(starting: Promise<RunningServer>[]): Promise<RunningServer[]> {
  const settled = await Promise.allSettled(starting);
  const started = settled.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  const failure = settled.find((each) => each.status === 'rejected');
  if (failure === undefined) return started;
  await Promise.all(started.map((server) => server.stop()));
  throw failure.reason;
}

async function answers(options: StartOptions): Promise<boolean> {
  try {
    const path = options.readyPath ?? '/v1/sys/health';
    const reply = await call(options.address, 'GET', path, { tls: options.tls, timeoutMs: 2_000 });
    return (options.readyStatus ?? [200]).includes(reply.status);
  } catch {
    return false;
  }
}

function collect(stream: NodeJS.ReadableStream): () => string {
  let text = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    text = (text + chunk).slice(-OUTPUT_BYTES_MAX);
  });
  return () => text;
}

function withoutUndefined(env: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
