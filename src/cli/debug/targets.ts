/**
 * What `debug` asks a server for, and the files it makes of the answers, under Vault's names.
 *
 * @module
 */
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Encodable, Json } from '../../model/json.ts';
import { MIB, PROFILE_SECONDS_MAX } from '../../model/limits.ts';
import type { Client } from '../client.ts';
import { messageOf } from '../failure.ts';
import { decodeJson, encodeJsonIndented } from '../go-json.ts';
import { asMap } from '../secret.ts';

/** In Vault's order. */
export const TARGETS = [
  'config',
  'host',
  'metrics',
  'pprof',
  'replication-status',
  'server-status',
  'log',
  'requests',
] as const;
export type Target = (typeof TARGETS)[number];

/** What is asked for again and again: the path, whether its answer has an envelope, and how an entry of the file is called. */
const POLLED: Partial<Record<Target, readonly { path: string; bare?: true; as: string }[]>> = {
  config: [{ path: 'sys/config/state/sanitized', as: 'config' }],
  host: [{ path: 'sys/host-info', as: 'host_info' }],
  metrics: [{ path: 'sys/metrics', bare: true, as: 'metrics' }],
  'replication-status': [{ path: 'sys/replication/status', as: 'replication' }],
  'server-status': [
    { path: 'sys/health', bare: true, as: 'health' },
    { path: 'sys/seal-status', bare: true, as: 'seal' },
  ],
  requests: [{ path: 'sys/in-flight-req', bare: true, as: 'in_flight_requests' }],
};

const FILES: Partial<Record<Target, string>> = {
  config: 'config.json',
  host: 'host_info.json',
  metrics: 'metrics.json',
  'replication-status': 'replication_status.json',
  'server-status': 'server_status.json',
  requests: 'requests.json',
};

const LOG_FILE = 'vault.log';
const LOG_BYTES_MAX = 64 * MIB;
/** Of memory; the time of the processor is watched for what is left of an interval. */
const MEMORY_SECONDS = 2;

export interface Capture {
  readonly client: Client;
  readonly folder: string;
  /** Said to the operator. */
  told(line: string): void;
  /** Such as `2026-11-22T16-30-00Z`. */
  stampNow(): string;
  failed(target: Target, error: unknown): void;
}

/** What one target has said so far. */
export interface Polled {
  readonly target: Target;
  look(): Promise<void>;
  /** Writes its file. @returns its name. */
  save(): Promise<string>;
}

export function makePolled(target: Target, capture: Capture): Polled | undefined {
  const asked = POLLED[target];
  const name = FILES[target];
  if (!asked || name === undefined) return undefined;
  const entries: Encodable[] = [];
  return {
    target,
    async look() {
      const entry: { [key: string]: Encodable } = { timestamp: new Date().toISOString() };
      try {
        for (const { path, bare, as } of asked)
          entry[as] = await answerOf(capture.client, path, bare === true);
        entries.push(entry);
      } catch (error) {
        capture.failed(target, error);
      }
    },
    async save() {
      await write(capture.folder, name, encodeJsonIndented(entries));
      return name;
    },
  };
}

async function answerOf(client: Client, path: string, bare: boolean): Promise<Json> {
  // A node that is sealed or cut off says so in its status; that is what is wanted here.
  const query: ReadonlyMap<string, string[]> =
    path === 'sys/health'
      ? new Map(['sealedcode', 'uninitcode', 'standbycode', 'perfstandbycode'].map((code) => [code, ['299']]))
      : new Map();
  const reply = await client.request({ method: 'GET', path, query });
  const answer = decodeJson(reply.body.toString('utf8'));
  return bare ? answer : (asMap(answer)?.get('data') ?? null);
}

/** Only the operator may read what is gathered. */
export async function write(folder: string, name: string, text: string | Uint8Array): Promise<void> {
  await writeFile(join(folder, name), text, { mode: 0o600, flag: 'wx' });
}

/** One after the other, since a server takes one profile at a time. @returns the names of the files. */
export async function takeProfiles(capture: Capture, seconds: number): Promise<string[]> {
  const { client, folder } = capture;
  const stamp = capture.stampNow();
  await mkdir(join(folder, stamp), { mode: 0o700 });
  const memory = Math.min(MEMORY_SECONDS, Math.max(1, Math.floor(seconds / 4)));
  const time = Math.min(PROFILE_SECONDS_MAX, Math.max(1, seconds - 2 * memory - 1));
  const files: string[] = [];
  for (const [profile, name, query] of [
    ['goroutine', 'goroutine.prof', {}],
    ['goroutine', 'goroutines.txt', { debug: '1' }],
    ['threadcreate', 'threadcreate.prof', {}],
    ['heap', 'heap.txt', { debug: '1' }],
    ['heap', 'heap.prof', { seconds: String(memory) }],
    ['allocs', 'allocs.prof', { seconds: String(memory) }],
    ['profile', 'profile.prof', { seconds: String(time) }],
  ] as const) {
    try {
      const { body } = await client.request({
        method: 'GET',
        path: `sys/pprof/${profile}`,
        query: new Map(Object.entries(query).map(([key, value]) => [key, [value]])),
      });
      await write(folder, `${stamp}/${name}`, body);
      files.push(`${stamp}/${name}`);
    } catch (error) {
      capture.failed('pprof', new Error(`${profile}: ${messageOf(error)}`));
    }
  }
  return files;
}

/** Resolves once `end` is aborted. @returns the name of the file; undefined: there is none. */
export async function takeLog(
  capture: Capture,
  format: string,
  end: AbortSignal,
): Promise<string | undefined> {
  const query = new Map([
    ['log_format', [format]],
    ['log_level', ['trace']],
  ]);
  let lines: AsyncIterable<Buffer>;
  try {
    lines = await capture.client.stream({ method: 'GET', path: 'sys/monitor', query }, end);
  } catch (error) {
    if (!end.aborted) capture.failed('log', error);
    return undefined;
  }
  const out = createWriteStream(join(capture.folder, LOG_FILE), { mode: 0o600, flags: 'wx' });
  try {
    await pipeline(bounded(lines, end), out);
  } catch (error) {
    if (!end.aborted) capture.failed('log', error);
  }
  if (!out.closed) await once(out, 'close');
  return LOG_FILE;
}

async function* bounded(lines: AsyncIterable<Buffer>, end: AbortSignal): AsyncGenerator<Buffer> {
  let left = LOG_BYTES_MAX;
  try {
    for await (const chunk of lines) {
      left -= chunk.length;
      if (left < 0) throw new Error(`the log is cut off after ${LOG_BYTES_MAX} bytes`);
      yield chunk;
    }
  } catch (error) {
    // What came before it was told to stop is kept.
    if (!end.aborted) throw error;
  }
}
