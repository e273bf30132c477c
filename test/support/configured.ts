/**
 * Servers with a configuration file, and programs that are to end by themselves, for end-to-end tests.
 *
 * @module
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CallOptions, type CallReply, call } from './http.ts';
import { COFFER_ENTRY, type RunningServer, startServer } from './server.ts';

/** Variables of whoever runs the tests that would change what a server does. */
const UNSET = Object.fromEntries(
  ['VAULT_ADDR', 'VAULT_TOKEN', 'VAULT_NAMESPACE', 'VAULT_LOG_LEVEL', 'VAULT_API_ADDR'].map((name) => [
    name,
    undefined,
  ]),
);

/** Not in a TMPDIR of the test's own, where it would be in the way. */
export const COMPILED = process.env.NODE_COMPILE_CACHE ?? join(tmpdir(), 'node-compile-cache');

export interface ConfiguredOptions {
  /** Where `coffer.hcl` is written, which is also HOME. */
  readonly folder: string;
  readonly config: string;
  /** Such as `http://127.0.0.1:8200`: where it will listen. */
  readonly address: string;
  readonly tls?: CallOptions['tls'];
  readonly env?: Record<string, string | undefined>;
  /** What `sys/health` may answer for it to be up: 200, 501 and 503 where absent. */
  readonly readyStatus?: number[];
  /** Further arguments, such as `-nodes=2`. */
  readonly args?: readonly string[];
  /** Put before node and its arguments, such as `['strace', '-f']`. */
  readonly wrapper?: readonly string[];
  /** What node is given to be Coffer; this tree's where absent. */
  readonly entry?: string;
  readonly readyTimeoutMs?: number;
  /** Called with its process id as soon as there is one. */
  spawned?(pid: number): void;
}

/** Starts `server -config=…` and waits until it answers, sealed or not. */
export async function startConfigured(options: ConfiguredOptions): Promise<RunningServer> {
  const file = join(options.folder, 'coffer.hcl');
  writeFileSync(file, options.config);
  const [command = '', ...args] = [
    ...(options.wrapper ?? []),
    process.execPath,
    options.entry ?? COFFER_ENTRY,
    'server',
    `-config=${file}`,
    ...(options.args ?? []),
  ];
  return startServer({
    command,
    args,
    env: { ...UNSET, HOME: options.folder, NODE_COMPILE_CACHE: COMPILED, ...options.env },
    address: options.address,
    readyStatus: options.readyStatus ?? [200, 501, 503],
    readyTimeoutMs: options.readyTimeoutMs,
    tls: options.tls,
    spawned: options.spawned,
  });
}

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const END_MS = 20_000;

export interface RunOptions {
  readonly env?: Record<string, string>;
  /** Sent once, this many milliseconds after the start. */
  readonly signal?: { readonly name: NodeJS.Signals; readonly afterMs: number };
  /** Put before node and its arguments. */
  readonly wrapper?: readonly string[];
}

/** Runs Coffer until it ends. @throws Error where it has not within 20 s. */
export async function runToEnd(
  args: readonly string[],
  { env, signal, wrapper = [] }: RunOptions = {},
): Promise<Ended> {
  const [command = '', ...rest] = [...wrapper, process.execPath, COFFER_ENTRY, ...args];
  const child = spawn(command, rest, {
    env: { PATH: process.env.PATH, HOME: tmpdir(), NODE_COMPILE_CACHE: COMPILED, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk;
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
  });
  const late = setTimeout(() => child.kill('SIGKILL'), END_MS);
  const told = signal && setTimeout(() => child.kill(signal.name), signal.afterMs);
  const [code, by] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  clearTimeout(late);
  clearTimeout(told);
  if (by === 'SIGKILL' && signal?.name !== 'SIGKILL')
    throw new Error(`coffer ${args.join(' ')} did not end: ${stdout}${stderr}`);
  return { code, stdout, stderr };
}

/** The text of a file; '' where there is none. */
export function readIf(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

/** A client of one server with one token. @throws Error from each call where the status is none of `good`. */
export function clientOf(address: string, options: CallOptions = {}) {
  return async (
    method: string,
    path: string,
    body?: unknown,
    good: readonly number[] = [200, 204],
  ): Promise<CallReply> => {
    const reply = await call(
      address,
      method,
      `/v1/${path}`,
      body === undefined ? options : { ...options, body },
    );
    if (!good.includes(reply.status)) throw new Error(`${method} ${path}: ${reply.status} ${reply.text}`);
    return reply;
  };
}
