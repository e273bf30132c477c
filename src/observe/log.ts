/**
 * The operator's log: JSON lines (pino) with the names that Vault's have, or Vault's "standard" text. Written without waiting; the
 * level can be changed while running.
 *
 * @module
 */
import { closeSync, openSync } from 'node:fs';
import { type DestinationStream, destination } from 'pino';
import { LOG_WAITING_CHARS_MAX } from '../model/limits.ts';
import type {
  Log,
  LogControl,
  LogFields,
  LogFormat,
  LogLevel,
  LogLevels,
  LogWatch,
  LogWatchOptions,
} from '../model/log.ts';
import { systemReason } from '../model/system-reason.ts';
import { type LineWriter, makeLineWriter } from './log-lines.ts';
import { redact, redactText } from './redact.ts';

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

export interface ServerLog extends Log, LogControl {
  readonly level: LogLevel;
  /** As it is configured: of all names, whatever was set of one since. */
  setLevel(level: LogLevel): void;
  /** SIGHUP: opens the log file again, after it was moved away. @throws Error where that fails; the old one is then written on. */
  reopen(): void;
  /** Writes what waits. Before the process ends. */
  flush(): void;
}

const RANKS: Record<LogLevel, number> = { trace: 10, debug: 20, info: 30, warn: 40, error: 50 };

/** How much of one name is written. */
interface Named {
  level: LogLevel;
  rank: number;
}

/** Where lines go. */
interface Root {
  /** `''` is the log that has no name. */
  readonly names: Map<string, Named>;
  /** Of names to come. */
  level: LogLevel;
  readonly write: LineWriter;
  readonly watches: Set<{ readonly rank: number; readonly write: LineWriter }>;
  /** Of all watches, the lowest. */
  watchedRank: number;
}

/** @throws Error when `file` cannot be opened. */
export function makeLog(options: LogOptions): ServerLog {
  const out = openOut(options);
  const now = options.now ?? Date.now;
  const root: Root = {
    names: new Map(),
    level: options.level,
    write: makeLineWriter(options.format, out.stream, now),
    watches: new Set(),
    watchedRank: Number.POSITIVE_INFINITY,
  };
  let configured = options.level;
  const levels: LogLevels = {
    all: () =>
      new Map([...root.names].filter(([name]) => name !== '').map(([name, { level }]) => [name, level])),
    set(level) {
      root.level = level;
      for (const named of root.names.values()) setLevel(named, level);
    },
    setOne(name, level) {
      const named = name === '' ? undefined : root.names.get(name);
      if (named) setLevel(named, level);
      return named !== undefined;
    },
    configured: () => configured,
  };
  return {
    ...namedLog(root, ''),
    get level() {
      return root.level;
    },
    setLevel(wanted) {
      configured = wanted;
      levels.set(wanted);
    },
    levels,
    format: options.format,
    watch: (wanted) => watch(root, wanted, now),
    reopen: out.reopen,
    flush: out.flush,
  };
}

function setLevel(named: Named, level: LogLevel): void {
  named.level = level;
  named.rank = RANKS[level];
}

function watch(root: Root, { level, format, write }: LogWatchOptions, now: () => number): LogWatch {
  const added = { rank: RANKS[level], write: makeLineWriter(format, { write }, now) };
  const count = () => {
    root.watchedRank = Math.min(Number.POSITIVE_INFINITY, ...[...root.watches].map(({ rank }) => rank));
  };
  root.watches.add(added);
  count();
  return {
    stop() {
      root.watches.delete(added);
      count();
    },
  };
}

function namedLog(root: Root, name: string): Log {
  let named = root.names.get(name);
  if (!named) {
    named = { level: root.level, rank: RANKS[root.level] };
    root.names.set(name, named);
  }
  const own = named;
  const at =
    (level: LogLevel) =>
    (message: string, fields?: LogFields): void => {
      const rank = RANKS[level];
      const isWritten = rank >= own.rank;
      if (!isWritten && rank < root.watchedRank) return;
      const text = redactText(message);
      const shown = fields && redact(fields);
      if (isWritten) root.write(level, name, text, shown);
      for (const watch of root.watches) if (rank >= watch.rank) watch.write(level, name, text, shown);
    };
  return {
    trace: at('trace'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    isHeard: (level) => RANKS[level] >= own.rank || RANKS[level] >= root.watchedRank,
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
    throw new Error(`the log file ${file} cannot be opened: ${systemReason(error)}`);
  }
}
