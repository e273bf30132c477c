/**
 * What a command is: its words for the help, its flags, and what it does. One file under `commands/` declares one or a few of them.
 *
 * @module
 */
import type { Client } from './client.ts';
import type { Environment } from './environment.ts';
import { localFailure } from './failure.ts';
import type { FlagTable, FlagValues, ParsedFlags } from './flags.ts';
import type { httpFlags, OutputFlags, outputFlagTable } from './global-flags.ts';
import type { Printer } from './output.ts';
import type { Terminal } from './terminal.ts';

type CommonFlags = typeof httpFlags & typeof outputFlagTable;

/** One run of one command. */
export interface Run<F extends FlagTable = FlagTable> {
  /** `coffer` or `vault`: the name it was called by. */
  readonly program: string;
  readonly env: Environment;
  readonly flags: FlagValues<F & CommonFlags>;
  readonly given: ParsedFlags<F>['given'];
  /** What is left after the flags. */
  readonly args: readonly string[];
  readonly terminal: Terminal;
  readonly printer: Printer;
  /** A client with the token of the environment or the token helper. @throws CommandFailure */
  client(): Promise<Client>;
  /** A client with no token but that of the environment. @throws CommandFailure */
  clientWithoutHelper(): Promise<Client>;
}

export interface Command<F extends FlagTable = FlagTable> {
  /** What follows the program's name: `read [options] PATH`. */
  readonly usage: string;
  /** Explains and shows examples; `$ vault …` becomes `$ coffer …` where that is the name. */
  readonly about: string;
  readonly flags: F;
  readonly output: OutputFlags;
  /** Whatever stands behind its name is passed over. */
  readonly takesAnything?: boolean;
  /** @returns the exit code. */
  run(run: Run<F>): Promise<number>;
}

/** Declares a command; its flags' types follow from their declarations. */
export function command<F extends FlagTable>(definition: {
  usage: string;
  about: string;
  flags?: F;
  output?: OutputFlags;
  takesAnything?: boolean;
  run(run: Run<F>): Promise<number>;
}): Command<F> {
  return { flags: {} as F, output: {}, ...definition };
}

/** @throws CommandFailure in Vault's words, unless there are `min` to `max` arguments. */
export function expectArguments(args: readonly string[], min: number, max = min): void {
  const expected = max === Number.POSITIVE_INFINITY || max === min ? String(min) : `${min}-${max}`;
  if (args.length < min)
    throw localFailure(`Not enough arguments (expected ${expected}, got ${args.length})`);
  if (args.length > max) throw localFailure(`Too many arguments (expected ${expected}, got ${args.length})`);
}
