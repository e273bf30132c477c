/**
 * `operator diagnose`: what would keep a server from starting, or will hurt it later, looked for without starting it. Nothing is written but the lock
 * files that opening a store makes.
 *
 * @module
 */
import { X509Certificate } from 'node:crypto';
import { accessSync, constants, existsSync, readFileSync, statfsSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname } from 'node:path';
import { readClusterSecrets } from './cluster/transport/secret.ts';
import { openCoordinator, openStore } from './cluster-stores.ts';
import { sanitizedConfig } from './config/sanitized.ts';
import type { ListenerOptions } from './http/listener-options.ts';
import { secureContext } from './http/tls-settings.ts';
import { encodeSorted } from './model/json-encoder.ts';
import {
  CERTIFICATE_WARNING_MS,
  DIAGNOSE_WAIT_MS,
  DISK_FREE_SHARE_MIN,
  OPEN_FILES_MIN,
} from './model/limits.ts';
import { parseServerFlags } from './server-flags.ts';
import { type ClusterSettings, type NodeSettings, settingsOf } from './server-settings.ts';
import { isFolderHeld } from './storage/folder-lock.ts';
import { systemClock } from './system-clock.ts';

export type Status = 'ok' | 'warn' | 'fail' | 'skipped';

export interface Finding {
  readonly name: string;
  readonly status: Status;
  readonly message?: string;
  readonly children?: readonly Finding[];
  /** How long it took to look, ms; absent where nothing was looked at. */
  readonly tookMs?: number;
  /** What else was seen, for who wants to know all of it: whole messages and their causes, settings in force. Nothing secret. */
  readonly details?: readonly string[];
}

export interface DiagnoseOptions {
  /** Files and folders, as `server -config` takes them. */
  readonly config: readonly string[];
  /** `listener`, `storage`, `autounseal`: not looked at. */
  readonly skip: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

type Result = Omit<Finding, 'name'>;

/** A part of a check throws what it found; the first line of that is the message, all of it a detail. */
async function check(
  name: string,
  look: () => Result | undefined | Promise<Result | undefined>,
): Promise<Finding> {
  const startedMs = performance.now();
  const tookMs = () => Math.round(10 * (performance.now() - startedMs)) / 10;
  try {
    const { status = 'ok', ...more } = (await look()) ?? {};
    return { name, status, ...more, tookMs: tookMs() };
  } catch (error) {
    const { message } = error as Error;
    return {
      name,
      status: 'fail',
      message: message.split('\n')[0],
      tookMs: tookMs(),
      details: causesOf(error),
    };
  }
}

/** All lines of an error and of what caused it, down to the system's own code. */
function causesOf(error: unknown): string[] {
  const lines: string[] = [];
  for (let cause = error, depth = 0; cause instanceof Error && depth < 5; cause = cause.cause, depth++) {
    const { code, syscall } = cause as NodeJS.ErrnoException;
    const facts = [code, syscall].filter((fact) => typeof fact === 'string').join(' ');
    lines.push(...`${depth > 0 ? 'because: ' : ''}${cause.message}${facts && ` (${facts})`}`.split('\n'));
  }
  return lines;
}

/** As bad as the worst of them. */
function all(name: string, children: readonly Finding[]): Finding {
  const worst = (['fail', 'warn'] as const).find((status) =>
    children.some((child) => child.status === status),
  );
  return { name, status: worst ?? 'ok', children };
}

const skipped = (name: string, message: string): Finding => ({ name, status: 'skipped', message });

export async function diagnose(options: DiagnoseOptions): Promise<Finding> {
  const isSkipped = (what: string) => options.skip.includes(what);
  let settings: NodeSettings | undefined;
  const parsed = await check('Parse Configuration', () => {
    const flags = parseServerFlags(
      options.config.map((path) => `-config=${path}`),
      options.env,
    );
    settings = settingsOf(flags, options.env, undefined);
    const { warnings } = settings;
    const details = Object.entries(sanitizedConfig(settings)).map(
      ([name, value]) => `${name} = ${encodeSorted(value)}`,
    );
    return warnings.length === 0
      ? { status: 'ok', details }
      : { status: 'warn', message: warnings.join('; '), details };
  });
  const found = [await operatingSystem(settings && folderOf(settings)), parsed];
  if (settings) {
    const { cluster, listeners, storage } = settings;
    const ofStorage = 'Check Storage';
    if (isSkipped('storage')) found.push(skipped(ofStorage, 'as asked for'));
    else
      found.push(
        cluster ? await stores(ofStorage, cluster) : await check(ofStorage, () => folder(storage.folder)),
      );
    if (cluster) found.push(await check('Check Cluster Secret', () => secret(cluster)));
    found.push(skipped('Check Autounseal Encryption', 'this server is unsealed by shares'));
    const checks = listeners.map((listener) => check(`Check ${listener.address}`, () => listens(listener)));
    found.push(
      isSkipped('listener')
        ? skipped('Check Listeners', 'as asked for')
        : all('Check Listeners', await Promise.all(checks)),
    );
  }
  return all('Vault Diagnose', found);
}

function folderOf({ cluster, storage }: NodeSettings): string | undefined {
  return cluster?.dataFolder ?? storage.folder;
}

async function operatingSystem(dataFolder: string | undefined): Promise<Finding> {
  return all('Check Operating System', [
    await check('Check Open File Limits', () => {
      const limit = openFilesLimit();
      if (limit === undefined) return { status: 'skipped', message: 'the system does not say' };
      const message = `Open file limits are set to ${limit}.`;
      return limit < OPEN_FILES_MIN
        ? { status: 'warn', message: `${message} Raise them to ${OPEN_FILES_MIN} at least.` }
        : { status: 'ok', message };
    }),
    await check('Check Disk Usage', () => {
      const place = existing(dataFolder ?? '.');
      const { bavail, blocks } = statfsSync(place);
      const free = Math.floor((100 * bavail) / Math.max(1, blocks));
      const message = `${place}: ${free} % free.`;
      return { status: free < 100 * DISK_FREE_SHARE_MIN ? 'warn' : 'ok', message };
    }),
  ]);
}

function openFilesLimit(): number | undefined {
  try {
    const line = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8'));
    return line?.[1] === 'unlimited' ? Number.MAX_SAFE_INTEGER : line ? Number(line[1]) : undefined;
  } catch {
    return undefined;
  }
}

/** The folder, or what is there of the way to it. */
function existing(folder: string): string {
  return existsSync(folder) ? folder : existing(dirname(folder));
}

function folder(path: string | undefined): Result | undefined {
  if (path === undefined) return { status: 'warn', message: 'what is stored is lost when the server stops' };
  try {
    accessSync(existing(path), constants.W_OK | constants.X_OK);
  } catch {
    throw new Error(`${existing(path)} cannot be written by this user`);
  }
  if (existsSync(path) && isFolderHeld(path)) return { status: 'warn', message: `a server runs on ${path}` };
  return undefined;
}

async function stores(name: string, cluster: ClusterSettings): Promise<Finding> {
  const checks = [
    check('Check Store', async () => {
      if (cluster.storage.type === 'file') return folder(cluster.storage.folder);
      const store = await openStore(cluster, systemClock);
      try {
        await inTime(store.get('seal'), `${cluster.storage.type} does not answer`);
      } finally {
        await store.close?.();
      }
      return undefined;
    }),
    check('Check Coordinator', async () => {
      if (cluster.coordinator.type === 'embedded') return folder(cluster.coordinator.folder);
      const coordinator = await openCoordinator(cluster, systemClock);
      await coordinator.close();
      return undefined;
    }),
    check('Check Data Folder', () => folder(cluster.dataFolder)),
  ];
  return all(name, await Promise.all(checks));
}

async function inTime<T>(work: Promise<T>, message: string): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(message)), DIAGNOSE_WAIT_MS);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function secret({ secretFile, listen }: ClusterSettings): Result | undefined {
  if (secretFile !== undefined) readClusterSecrets(secretFile);
  else if (listen !== undefined) return { status: 'warn', message: 'there is no secret_file' };
  return undefined;
}

async function listens(options: ListenerOptions): Promise<Result | undefined> {
  const tls = options.tls_disable ? undefined : certificate(options);
  const [, host, port] = /^(.*):(\d+)$/.exec(options.address) ?? [];
  const server = createServer();
  const bound = Promise.withResolvers<void>();
  server.once('error', bound.reject);
  server.listen({ host: host?.replace(/^\[|\]$/g, '') || undefined, port: Number(port) }, bound.resolve);
  try {
    await bound.promise;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why =
      code === 'EADDRINUSE'
        ? 'is in use; a running server is looked at with -skip=listener'
        : `cannot be had: ${code}`;
    throw new Error(`${options.address} ${why}`);
  } finally {
    server.close();
  }
  if (tls) return tls;
  return options.tls_disable ? { status: 'warn', message: 'TLS is disabled in this listener.' } : undefined;
}

/** @throws Error where files or dates will not do. */
function certificate(options: ListenerOptions): Result | undefined {
  const { cert } = secureContext(options);
  const { validFromDate, validToDate } = new X509Certificate(cert as Buffer);
  const nowMs = Date.now();
  if (nowMs > validToDate.getTime())
    throw new Error(`the certificate expired on ${validToDate.toISOString()}`);
  if (nowMs < validFromDate.getTime())
    throw new Error(`the certificate is not valid before ${validFromDate.toISOString()}`);
  const isSoon = validToDate.getTime() - nowMs < CERTIFICATE_WARNING_MS;
  return isSoon
    ? { status: 'warn', message: `the certificate expires on ${validToDate.toISOString()}` }
    : undefined;
}
