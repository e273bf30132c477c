/**
 * `debug`: what helps to find out what is wrong with a server, gathered for a while, in one archive. Nothing secret is asked for.
 *
 * @module
 */
import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { basename } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Encodable } from '../../model/json.ts';
import { COFFER_VERSION } from '../../model/version.ts';
import { command, expectArguments } from '../command.ts';
import {
  type Capture,
  makePolled,
  TARGETS,
  type Target,
  takeLog,
  takeProfiles,
  write,
} from '../debug/targets.ts';
import { describing, localFailure, messageOf } from '../failure.ts';
import { boolFlag, durationFlag, type FlagTable, listFlag, stringFlag } from '../flags.ts';
import { decodeJson, encodeJsonIndented } from '../go-json.ts';
import { display } from '../go-text.ts';
import { asMap } from '../secret.ts';

const SECOND_NS = 1_000_000_000n;
/** Less than this shows nothing. */
const SECONDS_MIN = 5;

const flags = {
  compress: boolFlag('Make one .tar.gz of it, rather than a folder.', { absent: true }),
  duration: durationFlag('How long to gather.', { absent: 120n * SECOND_NS }),
  interval: durationFlag('How often to ask the server, and how long one profile takes at most.', {
    absent: 30n * SECOND_NS,
  }),
  'metrics-interval': durationFlag('How often to ask for metrics.', { absent: 10n * SECOND_NS }),
  'log-format': stringFlag('Of the log: "standard" or "json".', { absent: 'standard' }),
  output: stringFlag('Where to write it. Without it, vault-debug- and the time.'),
  target: listFlag(`What to gather; may be given several times: ${TARGETS.join(', ')}. Without it, all.`, {
    aliases: ['targets'],
  }),
} satisfies FlagTable;

export const debug = command({
  usage: 'debug [options]',
  about: `
Gathers what helps to find out what is wrong with a server: its configuration, machine, metrics, profiles, status,
running requests and log, as they are for a while. The token needs a policy that reads sys/config/state/sanitized,
sys/host-info, sys/metrics, sys/pprof/*, sys/monitor and sys/in-flight-req; what it may not read is left out, and
index.json says so. No secret is in it; paths of requests, addresses and names of the machine are.

    $ vault debug
    $ vault debug -duration=1m -interval=10s -target=log -target=pprof -output=slow.tar.gz`,
  flags,
  async run({ args, flags: given, client: connect, terminal }) {
    expectArguments(args, 0);
    const targets = targetsOf(given.target);
    const seconds = atLeast('duration', given.duration, (text) => terminal.warn(text));
    const interval = Math.min(
      seconds,
      atLeast('interval', given.interval, (text) => terminal.warn(text)),
    );
    const metricsInterval = Math.min(seconds, Math.max(1, Number(given['metrics-interval'] / SECOND_NS)));
    const started = new Date();
    const output = given.output || `vault-debug-${stampOf(started)}${given.compress ? '.tar.gz' : ''}`;
    const folder = given.compress ? output.replace(/(\.tar\.gz|\.tgz)?$/, '') : output;
    const file = `${folder}.tar.gz`;
    for (const path of given.compress ? [folder, file] : [folder]) {
      if (existsSync(path)) throw localFailure(`output directory already exists: ${path}`);
    }
    const client = (await connect()).with({ namespace: '', wrapTtl: '' });
    const health = await describing(
      'Error during validation: unable to connect to the server',
      version(client),
    );
    terminal.output(
      [
        '==> Starting debug capture...',
        `         Vault Address: ${addressOf(client.settings.address)}`,
        `        Client Version: ${COFFER_VERSION}`,
        `        Server Version: ${health}`,
        `              Duration: ${seconds}s`,
        `              Interval: ${interval}s`,
        `      Metrics Interval: ${metricsInterval}s`,
        `               Targets: ${targets.join(', ')}`,
        `                Output: ${given.compress ? file : folder}`,
        '',
      ].join('\n'),
    );
    const errors: Encodable[] = [];
    const capture: Capture = {
      // A profile takes as long as it takes.
      client: client.with({ timeoutMs: Math.max(client.settings.timeoutMs, (interval + 60) * 1_000) }),
      folder,
      told: terminal.output,
      stampNow: () => stampOf(new Date()),
      failed(target, error) {
        const text = firstLines(messageOf(error));
        errors.push({ error: text, target, timestamp: new Date().toISOString() });
        terminal.error(`Error capturing ${target}: ${text}`);
      },
    };
    await describing('Error creating the output', mkdir(folder, { recursive: false, mode: 0o700 }), 1);
    const stop = new AbortController();
    const end = () => stop.abort();
    process.once('SIGINT', end);
    try {
      const files = await gather(capture, {
        targets,
        seconds,
        interval,
        metricsInterval,
        stop,
        format: given['log-format'],
      });
      await write(
        folder,
        'index.json',
        encodeJsonIndented({
          version: 1,
          vault_address: addressOf(client.settings.address),
          client_version: COFFER_VERSION,
          server_version: health,
          timestamp: started.toISOString(),
          duration_seconds: seconds,
          interval_seconds: interval,
          metrics_interval_seconds: metricsInterval,
          compress: given.compress,
          targets: [...targets],
          output: { files },
          errors,
        }),
      );
      if (given.compress) {
        terminal.output('\nFinished capturing information, bundling files...');
        const { archive } = await import('../debug/tar.ts');
        await describing('Error encountered during bundle', archive(folder, basename(folder), file), 1);
        await rm(folder, { recursive: true });
      }
    } finally {
      process.off('SIGINT', end);
    }
    terminal.output(`Success! Bundle written to: ${given.compress ? file : folder}`);
    return 0;
  },
});

interface Plan {
  readonly targets: readonly Target[];
  readonly seconds: number;
  readonly interval: number;
  readonly metricsInterval: number;
  readonly format: string;
  readonly stop: AbortController;
}

/** @returns the names of the files. */
async function gather(
  capture: Capture,
  { targets, seconds, interval, metricsInterval, format, stop }: Plan,
): Promise<string[]> {
  const ended = new AbortController();
  const end = AbortSignal.any([ended.signal, stop.signal]);
  const endsAtMs = Date.now() + seconds * 1_000;
  const files: string[] = [];
  const log = targets.includes('log') ? takeLog(capture, format, end) : undefined;
  const every = async (what: string, eachSeconds: number, look: (secondsLeft: number) => Promise<void>) => {
    for (let count = 0; !end.aborted; count++) {
      const beganMs = Date.now();
      const leftMs = endsAtMs - beganMs;
      if (leftMs <= 0) return;
      capture.told(`${new Date().toISOString()} [INFO]  capturing ${what}: count=${count}`);
      await look(Math.max(1, Math.floor(leftMs / 1_000)));
      const waitMs = Math.min(endsAtMs, beganMs + eachSeconds * 1_000) - Date.now();
      await pause(Math.max(0, waitMs), undefined, { signal: end }).catch(() => {});
    }
  };
  const polled = targets.map((target) => makePolled(target, capture)).filter((one) => one !== undefined);
  const looking = polled.map((one) =>
    // What never changes while a server runs is asked for once.
    every(
      one.target,
      one.target === 'config' ? seconds : one.target === 'metrics' ? metricsInterval : interval,
      one.look,
    ),
  );
  if (targets.includes('pprof')) {
    looking.push(
      every('pprof', interval, async (left) => {
        files.push(...(await takeProfiles(capture, Math.min(interval, left))));
      }),
    );
  }
  await Promise.all([...looking, pause(seconds * 1_000, undefined, { signal: end }).catch(() => {})]);
  ended.abort();
  const logFile = await log;
  if (logFile !== undefined) files.push(logFile);
  for (const one of polled) files.push(await one.save());
  return files.sort();
}

/** @throws CommandFailure for a name that is none. */
function targetsOf(given: readonly string[]): readonly Target[] {
  const names = given.flatMap((one) => one.split(',')).filter((name) => name !== '');
  const unknown = names.filter((name) => !(TARGETS as readonly string[]).includes(name));
  if (unknown.length > 0) throw localFailure(`Invalid targets: ${unknown.join(', ')}`);
  return names.length === 0 ? TARGETS : TARGETS.filter((name) => names.includes(name));
}

/** Seconds. */
function atLeast(name: string, ns: bigint, warn: (text: string) => void): number {
  const seconds = Number(ns / SECOND_NS);
  if (seconds >= SECONDS_MIN) return seconds;
  warn(`Overwriting ${name} value "${seconds}s" to the minimum value of "${SECONDS_MIN}s"`);
  return SECONDS_MIN;
}

/** As a name of a file. */
function stampOf(time: Date): string {
  return time
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replaceAll(':', '-');
}

/** Without user and password, which an address may have. */
function addressOf({
  scheme,
  host,
  socketPath,
}: {
  scheme: string;
  host: string;
  socketPath?: string;
}): string {
  return socketPath === undefined ? `${scheme}://${host}` : `unix://${socketPath}`;
}

/** Of a refusal, what was wrong; its address is said elsewhere. */
function firstLines(text: string): string {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .join('; ')
    .slice(0, 1_000);
}

async function version(client: { request: Capture['client']['request'] }): Promise<string> {
  const { body } = await client.request({ method: 'GET', path: 'sys/seal-status' });
  return display(asMap(decodeJson(body.toString('utf8')))?.get('version') ?? '');
}
