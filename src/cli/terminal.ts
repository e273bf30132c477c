/**
 * Where a command reads and writes: lines to standard output, complaints to standard error, colours only on a terminal.
 *
 * @module
 */
import type { Readable, Writable } from 'node:stream';
import { type Environment, readVariable } from './environment.ts';

export interface Streams {
  stdin: Readable & { isTTY?: boolean; setRawMode?(mode: boolean): unknown };
  stdout: Writable & { isTTY?: boolean };
  stderr: Writable & { isTTY?: boolean };
}

const RED = '\u001b[0;31m';
const YELLOW = '\u001b[0;33m';
const PLAIN = '\u001b[0m';

export interface Terminal {
  readonly streams: Streams;
  /** A line on standard output. */
  output(text: string): void;
  /** Text on standard output as it is; a line end follows only where a person reads it. */
  raw(text: string): void;
  /** A line on standard error. */
  error(text: string): void;
  warn(text: string): void;
  /** Text on standard error as it is. */
  prompt(text: string): void;
}

/**
 * @param format - only tables are coloured.
 * @param complaints - where set, takes what would go to standard error: `-output-curl-string` drops it unless it fails.
 */
export function makeTerminal(
  streams: Streams,
  env: Environment,
  format: string,
  complaints?: string[],
): Terminal {
  const person = streams.stdout.isTTY === true && readVariable(env, 'NO_COLOR') === '' && env.TERM !== 'dumb';
  const colour = person && format === 'table' && readVariable(env, 'VAULT_CLI_NO_COLOR') === '';
  const complain = (text: string) => {
    if (complaints) complaints.push(text);
    else streams.stderr.write(text);
  };
  const line = (text: string, start: string) => complain(colour ? `${start}${text}${PLAIN}\n` : `${text}\n`);
  return {
    streams,
    output: (text) => void streams.stdout.write(`${text}\n`),
    raw: (text) => void streams.stdout.write(person ? `${text}\n` : text),
    error: (text) => line(text, RED),
    warn: (text) => line(text, YELLOW),
    prompt: (text) => void streams.stderr.write(text),
  };
}
