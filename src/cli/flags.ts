/**
 * Flags as Go's flag package reads them, which Vault's scripts rely on: one dash or two, `-f=v` or `-f v`, and the first
 * argument that is no flag ends them.
 *
 * @module
 */

import { quote } from '../model/printable.ts';
import { parseDuration } from './duration.ts';
import { type Environment, lookupVariable } from './environment.ts';

/** One flag. `read` turns its text into a value, given the value so far (lists and maps grow). */
export interface Flag<T> {
  readonly usage: string;
  readonly absent: T;
  /** What the help shows between `<` and `>`; empty for booleans, which take no value. */
  readonly example: string;
  readonly boolean: boolean;
  /** Vault's name of the variable that gives the default. One that does not parse is passed over. */
  readonly env?: string;
  readonly aliases?: readonly string[];
  readonly hidden?: boolean;
  read(text: string, soFar: T): T;
}

// biome-ignore lint/suspicious/noExplicitAny: a table mixes flags of all types; `FlagValues` gives each its own back.
export type FlagTable = Readonly<Record<string, Flag<any>>>;
export type FlagValues<F extends FlagTable> = {
  readonly [K in keyof F]: F[K] extends Flag<infer T> ? T : never;
};

interface FlagDetail<T> {
  absent?: T;
  env?: string;
  aliases?: readonly string[];
  hidden?: boolean;
}

export function stringFlag(usage: string, detail: FlagDetail<string> = {}): Flag<string> {
  return { absent: '', example: 'string', boolean: false, ...detail, usage, read: (text) => text };
}

export function boolFlag(usage: string, detail: FlagDetail<boolean> = {}): Flag<boolean> {
  return { absent: false, example: '', boolean: true, ...detail, usage, read: parseBool };
}

/** A boolean that also knows whether it was given at all. */
export function optionalBoolFlag(usage: string): Flag<boolean | undefined> {
  return { absent: undefined, example: '', boolean: true, usage, read: parseBool };
}

export function intFlag(usage: string, detail: FlagDetail<number> = {}): Flag<number> {
  return { absent: 0, example: 'int', boolean: false, ...detail, usage, read: parseInteger };
}

export function unsignedFlag(usage: string, detail: FlagDetail<number> = {}): Flag<number> {
  const read = (text: string) => {
    if (/^[+-]/.test(text)) throw new Error(`strconv.ParseUint: parsing ${quote(text)}: invalid syntax`);
    return parseInteger(text);
  };
  return { absent: 0, example: 'uint', boolean: false, ...detail, usage, read };
}

/** Nanoseconds. `system` is Vault's older word for -1. */
export function durationFlag(usage: string, detail: FlagDetail<bigint> = {}): Flag<bigint> {
  const read = (text: string) => parseDuration(text === 'system' ? '-1' : text);
  return { absent: 0n, example: 'duration', boolean: false, ...detail, usage, read };
}

/** May be given many times; each adds one. */
export function listFlag(usage: string, detail: FlagDetail<readonly string[]> = {}): Flag<readonly string[]> {
  const read = (text: string, soFar: readonly string[]) => [...soFar, text.trim()];
  return { absent: [], example: 'string', boolean: false, ...detail, usage, read };
}

/** `key=value`, may be given many times. */
export function mapFlag(usage: string): Flag<ReadonlyMap<string, string>> {
  const read = (text: string, soFar: ReadonlyMap<string, string>) => {
    const equals = text.indexOf('=');
    if (equals < 0) throw new Error(`missing = in KV pair: ${quote(text)}`);
    return new Map([...soFar, [text.slice(0, equals), text.slice(equals + 1)]]);
  };
  return { absent: new Map(), example: 'key=value', boolean: false, usage, read };
}

/** Go's `strconv.ParseBool`. @throws Error with its words. */
export function parseBool(text: string): boolean {
  if (/^(1|t|T|true|TRUE|True)$/.test(text)) return true;
  if (/^(0|f|F|false|FALSE|False)$/.test(text)) return false;
  throw new Error(`strconv.ParseBool: parsing ${quote(text)}: invalid syntax`);
}

/** Go's `strconv.ParseInt(text, 0, 64)`, within what a double holds exactly. */
function parseInteger(text: string): number {
  const fault = (why: string) => new Error(`strconv.ParseInt: parsing ${quote(text)}: ${why}`);
  const match =
    /^([+-]?)(0[xX]_?[\da-fA-F][\da-fA-F_]*|0[bB]_?[01][01_]*|0[oO]?_?[0-7][0-7_]*|[1-9][\d_]*|0)$/.exec(
      text,
    );
  if (!match) throw fault('invalid syntax');
  const digits = (match[2] as string).replaceAll('_', '').replace(/^0(?=[0-7])/, '0o');
  const value = Number(digits) * (match[1] === '-' ? -1 : 1);
  if (!Number.isSafeInteger(value)) throw fault('value out of range');
  return value;
}

export interface ParsedFlags<F extends FlagTable> {
  values: FlagValues<F>;
  /** Names (not aliases) of the flags that were given, not those that came from the environment. */
  given: ReadonlySet<string>;
  /** The arguments after the flags. */
  rest: string[];
  /** What was wrong, in Go's words; parsing stopped there. */
  fault?: string;
}

/** Reads flags from the front of `args`. Never throws: `fault` says what is wrong. */
export function parseFlags<F extends FlagTable>(
  table: F,
  args: readonly string[],
  env: Environment,
): ParsedFlags<F> {
  const values = startingValues(table, env);
  const given = new Set<string>();
  let rest = [...args];
  const stop = (fault?: string): ParsedFlags<F> => ({ values: values as FlagValues<F>, given, rest, fault });
  for (;;) {
    const arg = rest[0];
    if (arg === undefined || arg.length < 2 || !arg.startsWith('-')) return stop();
    if (arg === '--') {
      rest = rest.slice(1);
      return stop();
    }
    const body = arg.replace(/^--?/, '');
    if (body === '' || /^[-=]/.test(body)) return stop(`bad flag syntax: ${arg}`);
    rest = rest.slice(1);
    const equals = body.indexOf('=');
    const spelled = equals < 0 ? body : body.slice(0, equals);
    const name = canonicalName(table, spelled);
    if (name === undefined) return stop(`flag provided but not defined: -${spelled}`);
    const flag = table[name] as Flag<unknown>;
    let text = equals < 0 ? undefined : body.slice(equals + 1);
    if (text === undefined) text = flag.boolean ? 'true' : rest.shift();
    if (text === undefined) return stop(`flag needs an argument: -${spelled}`);
    try {
      values[name] = flag.read(text, values[name]);
    } catch (error) {
      const kind = flag.boolean ? 'invalid boolean value' : 'invalid value';
      const join = flag.boolean ? 'for' : 'for flag';
      return stop(`${kind} ${quote(text)} ${join} -${spelled}: ${(error as Error).message}`);
    }
    given.add(name);
  }
}

function startingValues(table: FlagTable, env: Environment): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const [name, flag] of Object.entries(table)) {
    values[name] = flag.absent;
    const text = flag.env === undefined ? undefined : lookupVariable(env, flag.env);
    if (text === undefined) continue;
    try {
      values[name] = Array.isArray(flag.absent)
        ? text.split(',').map((part) => part.trim())
        : flag.read(text, flag.absent);
    } catch {
      // Vault passes over a variable that does not parse where it only gives a flag its default.
    }
  }
  return values;
}

function canonicalName(table: FlagTable, spelled: string): string | undefined {
  if (Object.hasOwn(table, spelled)) return spelled;
  return Object.keys(table).find((name) => table[name]?.aliases?.includes(spelled));
}
