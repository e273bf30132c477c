/**
 * The operator's log: JSON lines (pino) with the names that Vault's have, or Vault's "standard" text. Written without waiting; the
 * level can be changed while running.
 *
 * @module
 */
import { closeSync, openSync } from 'node:fs';
import { type DestinationStream, destination, pino } from 'pino';
import { LOG_WAITING_CHARS_MAX } from '../model/limits.ts';
import type { Log, LogFields, LogLevel } from '../model/log.ts';
import { redact, redactText } from './redact.ts';

export type LogFormat = 'standard' | 'json';

export interface LogOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** Appended to, 0600; standard error where absent. */
  readonly file?: string;
  /** Instead of both, for tests. */
  readonly write?: (line: string) => void;
  /** Wall clock, ms. */
  now?(): number;
}

export interface ServerLog extends Log {
  readonly level: LogLevel;
  /** Also of all logs that were `named` from this one. */
  setLevel(level: LogLevel): void;
  /** SIGHUP: opens the log file again, after it was moved away. @throws Error where that fails; the old one is then written on. */
  reopen(): void;
  /** Writes what waits. Before the process ends. */
  flush(): void;
}

const RANKS: Record<LogLevel, number> = { trace: 10, debug: 20, info: 30, warn: 40, error: 50 };

/** As `-log-level` and VAULT_LOG_LEVEL spell them; undefined for any other text. */
export function parseLogLevel(text: string): LogLevel | undefined {
  const name = text.trim().toLowerCase();
  if (name === 'warning') return 'warn';
  if (name === 'err') return 'error';
  if (name === 'notice') return 'info';
  return name in RANKS ? (name as LogLevel) : undefined;
}

/** As `-log-format` spells them; undefined for any other text. */
export function parseLogFormat(text: string): LogFormat | undefined {
  const name = text.trim().toLowerCase();
  if (name === '' || name === 'standard') return 'standard';
  return name === 'json' ? 'json' : undefined;
}

/** Where lines go, and the level that all names share. */
interface Root {
  rank: number;
  write(level: LogLevel, name: string, message: string, fields: Record<string, unknown> | undefined): void;
}

/** @throws Error when `file` cannot be opened. */
export function makeLog(options: LogOptions): ServerLog {
  const out = openOut(options);
  const now = options.now ?? Date.now;
  const root: Root = {
    rank: RANKS[options.level],
    write: options.format === 'json' ? jsonWriter(out.stream, now) : standardWriter(out.stream, now),
  };
  let level = options.level;
  return {
    ...namedLog(root, ''),
    get level() {
      return level;
    },
    setLevel(wanted) {
      level = wanted;
      root.rank = RANKS[wanted];
    },
    reopen: out.reopen,
    flush: out.flush,
  };
}

function namedLog(root: Root, name: string): Log {
  const at =
    (level: LogLevel) =>
    (message: string, fields?: LogFields): void => {
      if (RANKS[level] < root.rank) return;
      root.write(level, name, redactText(message), fields && redact(fields));
    };
  return {
    trace: at('trace'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    named: (more) => namedLog(root, name === '' ? more : `${name}.${more}`),
  };
}

interface Out {
  readonly stream: DestinationStream;
  reopen(): void;
  flush(): void;
}

function openOut({ file, write }: LogOptions): Out {
  const nothing = (): void => {};
  if (write) return { stream: { write }, reopen: nothing, flush: nothing };
  const stream = destination({
    // Opened here and now, so that a wrong path stops the start instead of losing every line.
    dest: file === undefined ? 2 : openLogFile(file),
    sync: false,
    // What a stuck terminal or a full disk leaves waiting is dropped beyond this, rather than held in memory.
    maxLength: LOG_WAITING_CHARS_MAX,
    ...(file === undefined ? {} : { mode: 0o600, append: true }),
  });
  // It opens no file anew that it was not given by name.
  if (file !== undefined) Object.assign(stream, { file });
  // A log that cannot be written must not stop the server.
  stream.on('error', nothing);
  return {
    stream,
    reopen() {
      if (file === undefined) return;
      closeSync(openLogFile(file));
      stream.reopen(file);
    },
    flush() {
      try {
        stream.flushSync();
      } catch {
        // Nothing can be written there any more, and there is nowhere else to say so.
      }
    },
  };
}

function openLogFile(file: string): number {
  try {
    return openSync(file, 'a', 0o600);
  } catch (error) {
    throw new Error(`the log file ${file} cannot be opened: ${(error as NodeJS.ErrnoException).code}`);
  }
}

/** The member names are those of Vault's JSON log. */
function jsonWriter(stream: DestinationStream, now: () => number): Root['write'] {
  const logger = pino(
    {
      level: 'trace',
      base: null,
      messageKey: '@message',
      formatters: { level: (label) => ({ '@level': label }) },
      timestamp: () => `,"@timestamp":"${timestamp(now())}"`,
    },
    stream,
  );
  return (level, name, message, fields) => {
    logger[level]({ ...(name === '' ? {} : { '@module': name }), ...fields }, message);
  };
}

const TAGS: Record<LogLevel, string> = {
  trace: '[TRACE]',
  debug: '[DEBUG]',
  info: '[INFO] ',
  warn: '[WARN] ',
  error: '[ERROR]',
};

/** `2026-11-22T03:44:35.994Z [INFO]  core: unsealed: threshold=3` */
function standardWriter(stream: DestinationStream, now: () => number): Root['write'] {
  return (level, name, message, fields) => {
    const parts = Object.entries(fields ?? {}).map(([key, value]) => `${key}=${standardValue(value)}`);
    const where = name === '' ? '' : `${name}: `;
    const what = parts.length === 0 ? message : `${message}: ${parts.join(' ')}`;
    stream.write(`${timestamp(now())} ${TAGS[level]} ${where}${what.replaceAll('\n', '\n  | ')}\n`);
  };
}

function standardValue(value: unknown): string {
  if (typeof value !== 'string') return typeof value === 'object' ? JSON.stringify(value) : String(value);
  return /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
}

function timestamp(ms: number): string {
  return new Date(ms).toISOString();
}
