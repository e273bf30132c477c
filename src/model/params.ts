/**
 * Parameters as an operation declares them: the wire type, its coercions (contract §1.9), and the type the handler gets.
 *
 * @module
 */
import { badRequest, CodedError } from './errors.ts';
import { type Json, type JsonMap, JsonNumber } from './json.ts';
import { DURATION_CHARS_MAX, TEXT_ITEMS_MAX } from './limits.ts';

export interface Param<T> {
  /** Name of the type in help and OpenAPI. */
  readonly type: 'string' | 'integer' | 'boolean' | 'array' | 'object' | 'number';
  readonly format?: string;
  readonly description: string;
  readonly required?: boolean;
  /** @throws Error with a short reason that echoes no value. */
  decode(json: Json): T;
  readonly absent?: T;
  readonly lowerCase?: boolean;
}

export type Params = Readonly<Record<string, Param<unknown>>>;
export type Decoded<P extends Params> = { readonly [K in keyof P]: P[K] extends Param<infer T> ? T : never };

type Options<T> = { absent?: T; required?: boolean };
type Declared<T, O> = O extends { absent: T } ? Param<T> : Param<T | undefined>;

function declare<T, O extends Options<T>>(
  type: Param<T>['type'],
  description: string,
  decode: (json: Json) => T | undefined,
  options: O | undefined,
  format?: string,
): Declared<T, O> {
  return { type, description, decode, format, ...options } as unknown as Declared<T, O>;
}

export function string<O extends Options<string>>(description: string, options?: O): Declared<string, O> {
  return declare('string', description, toText, options);
}

/** As `string`, lower-cased before anything sees it. */
export function lowerString<O extends Options<string>>(
  description: string,
  options?: O,
): Declared<string, O> {
  return declare('string', description, (json) => toText(json).toLowerCase(), options);
}

export function int<O extends Options<number>>(description: string, options?: O): Declared<number, O> {
  return declare('integer', description, toInt, options);
}

/** Any finite number. */
export function number<O extends Options<number>>(description: string, options?: O): Declared<number, O> {
  const decode = (json: Json) => {
    if (json === null) return undefined;
    const text = toText(json).trim();
    const value = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
    if (!Number.isFinite(value)) throw new Error('expected a number');
    return value;
  };
  return declare<number, O>('number', description, decode, options);
}

export function bool<O extends Options<boolean>>(description: string, options?: O): Declared<boolean, O> {
  return declare('boolean', description, toBool, options);
}

/** Whole seconds. Null is unset; negative is refused. */
export function duration<O extends Options<number>>(description: string, options?: O): Declared<number, O> {
  const decode = (json: Json) => {
    if (json === null) return undefined;
    const seconds = toDurationSeconds(json);
    if (seconds < 0) throw new Error('cannot provide negative value');
    return wholeSeconds(seconds);
  };
  return declare<number, O>('string', description, decode, options, 'duration');
}

/** Whole seconds, negative allowed. */
export function signedDuration<O extends Options<number>>(
  description: string,
  options?: O,
): Declared<number, O> {
  const decode = (json: Json) => (json === null ? undefined : wholeSeconds(toDurationSeconds(json)));
  return declare<number, O>('string', description, decode, options, 'duration');
}

/** A list, or one text split at commas, items trimmed. */
export function commaStrings<O extends Options<string[]>>(
  description: string,
  options?: O,
): Declared<string[], O> {
  return declare('array', description, toCommaStrings, options);
}

/** A list; one scalar is a list of one, not split. */
export function strings<O extends Options<string[]>>(
  description: string,
  options?: O,
): Declared<string[], O> {
  const decode = (json: Json) =>
    Array.isArray(json) ? json.map(toText) : json === '' || json === null ? [] : [toText(json)];
  return declare<string[], O>('array', description, decode, options);
}

export function commaInts<O extends Options<number[]>>(
  description: string,
  options?: O,
): Declared<number[], O> {
  const decode = (json: Json) =>
    Array.isArray(json)
      ? json.map(toInt)
      : typeof json === 'string' || json === null
        ? toCommaStrings(json).map(toInt)
        : [toInt(json)];
  return declare<number[], O>('array', description, decode, options);
}

/** An object of scalars, or a list of `k=v` texts. */
export function kvPairs<O extends Options<Map<string, string>>>(
  description: string,
  options?: O,
): Declared<Map<string, string>, O> {
  return declare<Map<string, string>, O>('object', description, toKvPairs, options);
}

/** An object, its values untouched. */
export function object<O extends Options<JsonMap>>(description: string, options?: O): Declared<JsonMap, O> {
  const decode = (json: Json) => {
    if (json === null) return undefined;
    if (!(json instanceof Map)) throw new Error('expected an object');
    return json;
  };
  return declare<JsonMap, O>('object', description, decode, options);
}

/** Whatever was sent, undefined where nothing was: for PATCH, where null means "remove". */
export function anything(description: string): Param<Json | undefined> {
  return { type: 'object', description, decode: (json) => json };
}

/** Of lists. */
export const PAGE_PARAMS = {
  after: string('Only names after this one, which need not exist.', { absent: '' }),
  limit: int('At most so many names; 0: all.', { absent: 0 }),
};

/** The parameters an operation declared, from what was sent. @throws CodedError naming the field, never its value. */
export function decodeParams<P extends Params>(declared: P, sent: JsonMap | undefined): Decoded<P> {
  const out: Record<string, unknown> = {};
  for (const name in declared) {
    const param = declared[name]!;
    const json = sent?.get(name);
    if (json === undefined) {
      if (param.required) throw badRequest(`missing ${name}`);
      out[name] = param.absent;
      continue;
    }
    try {
      const value = param.decode(json);
      out[name] = value === undefined ? param.absent : value;
    } catch (error) {
      throw badRequest(
        `Field validation failed: error converting input for field "${name}": ${reasonOf(error)}`,
      );
    }
  }
  return out as Decoded<P>;
}

/** JavaScript's own errors (RangeError, SyntaxError) are bugs of ours, and some quote what was sent. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) throw error;
  if (error.constructor !== Error && !(error instanceof CodedError)) throw error;
  return error.message;
}

function kindOf(json: Json): string {
  if (json === null) return 'null';
  if (Array.isArray(json)) return 'a list';
  if (json instanceof Map) return 'an object';
  return json instanceof JsonNumber ? 'a number' : `a ${typeof json}`;
}

export function toText(json: Json): string {
  if (typeof json === 'string') return json;
  if (json instanceof JsonNumber) return json.text;
  if (typeof json === 'boolean') return json ? '1' : '0';
  if (json === null) return '';
  throw new Error(`expected a string, got ${kindOf(json)}`);
}

/** Digits only, as Vault reads integers: `5.0` and `1e1` are none. Texts may have Go's prefixes, and an octal's leading 0. */
export function toInt(json: Json): number {
  if (json === null) return 0;
  if (typeof json === 'boolean') return json ? 1 : 0;
  const text = typeof json === 'string' ? json.trim() : json instanceof JsonNumber ? json.text : undefined;
  if (text === undefined) throw new Error(`expected an integer, got ${kindOf(json)}`);
  if (text === '') return 0;
  const [, sign, digits] = /^([+-]?)(0x[0-9a-fA-F]+|0b[01]+|0o[0-7]+|\d+)$/.exec(text) ?? [];
  if (digits === undefined) throw new Error('expected an integer');
  const value = /^0[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : Number(digits);
  if (!Number.isSafeInteger(value)) throw new Error('integer out of range');
  return sign === '-' ? -value : value;
}

const TRUE_TEXTS = new Set(['1', 't', 'T', 'TRUE', 'true', 'True']);
const FALSE_TEXTS = new Set(['0', 'f', 'F', 'FALSE', 'false', 'False', '']);

export function toBool(json: Json): boolean {
  if (json === null) return false;
  if (typeof json === 'boolean') return json;
  if (json instanceof JsonNumber) return Number(json.text) !== 0;
  if (typeof json === 'string') {
    if (TRUE_TEXTS.has(json)) return true;
    if (FALSE_TEXTS.has(json)) return false;
  }
  throw new Error(`expected a boolean, got ${kindOf(json)}`);
}

const UNIT_SECONDS: Record<string, number> = {
  ns: 1e-9,
  us: 1e-6,
  µs: 1e-6,
  μs: 1e-6,
  ms: 1e-3,
  s: 1,
  m: 60,
  h: 3600,
};

/** What is less than a second is one, not none: 0 would mean "the default". */
function wholeSeconds(seconds: number): number {
  return seconds > 0 && seconds < 1 ? 1 : Math.trunc(seconds);
}

/** A duration as Vault reads it: seconds, or Go's syntax, or whole days (`7d`). */
export function toDurationSeconds(json: Json): number {
  if (json instanceof JsonNumber) return boundedSeconds(Number(json.text));
  if (typeof json !== 'string') throw new Error(`expected a duration, got ${kindOf(json)}`);
  const text = json.trim();
  if (text === '') return 0;
  if (text.length > DURATION_CHARS_MAX) throw new Error('duration out of range');
  if (/^[+-]?\d+(\.\d+)?$/.test(text)) return boundedSeconds(Number(text));
  const days = /^([+-]?\d+)d$/.exec(text);
  if (days) return boundedSeconds(Number(days[1]) * 86_400);
  const match = /^([+-]?)((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)$/.exec(text);
  if (!match) throw new Error('expected a duration such as "90s" or "1h30m"');
  let seconds = 0;
  for (const part of match[2]!.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g)) {
    seconds += Number(part[1]) * UNIT_SECONDS[part[2]!]!;
  }
  return boundedSeconds(match[1] === '-' ? -seconds : seconds);
}

/** Go's longest duration is 2^63 ns. */
function boundedSeconds(seconds: number): number {
  if (!Number.isFinite(seconds) || Math.abs(seconds) > 9_223_372_036)
    throw new Error('duration out of range');
  return seconds;
}

export function toCommaStrings(json: Json): string[] {
  if (Array.isArray(json)) return json.map((item) => toText(item).trim());
  if (json === null) return [];
  const text = toText(json).trim();
  if (text === '') return [];
  const items = text.split(',', TEXT_ITEMS_MAX + 1);
  if (items.length > TEXT_ITEMS_MAX) throw new Error(`expected at most ${TEXT_ITEMS_MAX} items`);
  return items.map((item) => item.trim());
}

function toKvPairs(json: Json): Map<string, string> {
  if (json instanceof Map) return new Map([...json].map(([key, value]) => [key, toText(value)]));
  const pairs = new Map<string, string>();
  for (const item of Array.isArray(json) ? json : json === null || json === '' ? [] : [json]) {
    const text = toText(item);
    const at = text.indexOf('=');
    if (at < 0) throw new Error('expected key=value pairs');
    pairs.set(text.slice(0, at), text.slice(at + 1));
  }
  return pairs;
}

/** Go's text of a duration: `0s`, `1m30s`, `3h25m19s`. Whole seconds. */
export function goDuration(seconds: number): string {
  const sign = seconds < 0 ? '-' : '';
  const all = Math.abs(seconds);
  const [h, m, s] = [Math.floor(all / 3600), Math.floor((all % 3600) / 60), all % 60];
  if (h > 0) return `${sign}${h}h${m}m${s}s`;
  return m > 0 ? `${sign}${m}m${s}s` : `${sign}${s}s`;
}
