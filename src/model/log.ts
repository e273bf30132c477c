/**
 * What every room may say to the operator. Made in `observe/`, handed in by main.
 *
 * @module
 */

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error';

/** Besides the message. Never a secret: no token, no value, no key bytes, no body. Errors become type, message, code and stack. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Never throws and never blocks. */
export interface Log {
  trace(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** The same log under a longer name, `core.seal` of `core`. */
  named(name: string): Log;
}

const nothing = (): void => {};
/** For tests, and for parts that are used without a server. */
export const SILENT_LOG: Log = {
  trace: nothing,
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  named: () => SILENT_LOG,
};
