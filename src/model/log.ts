/**
 * What every room may say to the operator. Made in `observe/`, handed in by main.
 *
 * @module
 */

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error';
export type LogFormat = 'standard' | 'json';

const LEVELS: ReadonlyMap<string, LogLevel> = new Map([
  ['trace', 'trace'],
  ['debug', 'debug'],
  ['notice', 'info'],
  ['info', 'info'],
  ['warn', 'warn'],
  ['warning', 'warn'],
  ['err', 'error'],
  ['error', 'error'],
]);

/** As `-log-level`, VAULT_LOG_LEVEL and `sys/loggers` spell them; undefined for any other text. */
export function parseLogLevel(text: string): LogLevel | undefined {
  return LEVELS.get(text.trim().toLowerCase());
}

/** As `-log-format` spells them; undefined for any other text. */
export function parseLogFormat(text: string): LogFormat | undefined {
  const name = text.trim().toLowerCase();
  if (name === '' || name === 'standard') return 'standard';
  return name === 'json' ? 'json' : undefined;
}

/** Besides the message. Never a secret: no token, no value, no key bytes, no body. Errors become type, message, code and stack. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Never throws and never blocks. */
export interface Log {
  trace(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** Does anybody read what is said at this level? For what costs something to say. */
  isHeard(level: LogLevel): boolean;
  /** The same log under a longer name, `core.seal` of `core`. */
  named(name: string): Log;
}

/** How much of the log is written, by the names in it, while the server runs. */
export interface LogLevels {
  /** Of each name that there is; what is said without a name is not among them. */
  all(): ReadonlyMap<string, LogLevel>;
  /** Of all names, also of those to come. */
  set(level: LogLevel): void;
  /** @returns whether there is such a name. */
  setOne(name: string, level: LogLevel): boolean;
  /** As the configuration says it. */
  configured(): LogLevel;
}

/** Lines as they are logged, for who looks on. */
export interface LogWatchOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** Called with each line, which ends in `\n`. Must not throw, wait or log. */
  write(line: string): void;
}

export interface LogWatch {
  stop(): void;
}

/** What may be asked of this node's log while it runs. */
export interface LogControl {
  readonly levels: LogLevels;
  readonly format: LogFormat;
  /** All that is said from now on, also what is below the level of the log itself. */
  watch(options: LogWatchOptions): LogWatch;
}

const nothing = (): void => {};
/** For tests, and for parts that are used without a server. */
export const SILENT_LOG: Log = {
  trace: nothing,
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  isHeard: () => false,
  named: () => SILENT_LOG,
};

/** Of `SILENT_LOG`. */
export const SILENT_CONTROL: LogControl = {
  levels: { all: () => new Map(), set: nothing, setOne: () => false, configured: () => 'info' },
  format: 'standard',
  watch: () => ({ stop: nothing }),
};
