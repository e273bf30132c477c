/**
 * Reading values out of a parsed text. Each reader says, with line and column, what it expected where something else stands.
 *
 * @module
 */
import { type Json, JsonNumber } from '../json.ts';
import { toBool, toDurationSeconds, toInt } from '../params.ts';
import { HclError, type HclItem, type HclList, type HclObject, type HclValue, kindName } from './ast.ts';

/** @returns What a string or heredoc says, or a number as it was written. */
export function textOf(value: HclValue, expected = 'a string'): string {
  if (value.kind === 'string' || value.kind === 'heredoc' || value.kind === 'number') return value.text;
  throw unexpected(value, expected);
}

/** `true`, `false`, or what Go's ParseBool takes, in quotes. */
export function boolOf(value: HclValue): boolean {
  return scalar(value, 'true or false', toBool);
}

/** A whole number, also hexadecimal or octal, also in quotes. */
export function integerOf(
  value: HclValue,
  min = Number.MIN_SAFE_INTEGER,
  max = Number.MAX_SAFE_INTEGER,
): number {
  const expected =
    max < Number.MAX_SAFE_INTEGER ? `a whole number from ${min} to ${max}` : expectedAtLeast(min);
  if (value.kind === 'bool') throw unexpected(value, expected);
  const number = scalar(value, expected, toInt);
  if (number < min || number > max) throw new HclError(value.position, `expected ${expected}`);
  return number;
}

function expectedAtLeast(min: number): string {
  return min > Number.MIN_SAFE_INTEGER ? `a whole number of at least ${min}` : 'a whole number';
}

/** A number is seconds; a string is one of `30`, `90s`, `1h30m`, `7d`. Not negative. */
export function secondsOf(value: HclValue): number {
  const expected = 'a duration such as "90s", "1h30m" or a number of seconds';
  if (value.kind === 'bool' || value.kind === 'null') throw unexpected(value, expected);
  const seconds = scalar(value, expected, toDurationSeconds);
  if (seconds < 0) throw new HclError(value.position, `expected ${expected}, not a negative one`);
  return seconds;
}

export function listOf(value: HclValue, expected = 'a list'): HclList {
  if (value.kind !== 'list') throw unexpected(value, expected);
  return value;
}

export function stringsOf(value: HclValue): string[] {
  return listOf(value, 'a list of strings').elements.map((element) => textOf(element));
}

export function objectOf(value: HclValue, expected = "a block: '{ … }'"): HclObject {
  if (value.kind !== 'object') throw unexpected(value, expected);
  return value;
}

function scalar<T>(value: HclValue, expected: string, read: (json: Json) => T): T {
  if (value.kind === 'object' || value.kind === 'list') throw unexpected(value, expected);
  try {
    return read(jsonOf(value));
  } catch {
    throw unexpected(value, expected);
  }
}

/** The error to throw where `expected` should stand. */
export function unexpected(value: HclValue, expected: string): HclError {
  const got = kindName(value);
  // "expected a number, got a number" helps nobody.
  return new HclError(
    value.position,
    expected.startsWith(got) ? `expected ${expected}` : `expected ${expected}, got ${got}`,
  );
}

/** The same value as JSON. Hexadecimal and octal numbers become decimal; of two members of one name the last one stays. */
export function jsonOf(value: HclValue): Json {
  switch (value.kind) {
    case 'object':
      return new Map(value.items.map((item) => [item.keys[0]?.text ?? '', nested(item, 1)]));
    case 'list':
      return value.elements.map(jsonOf);
    case 'string':
    case 'heredoc':
      return value.text;
    case 'number':
      return new JsonNumber(decimalText(value.text));
    case 'float':
      return new JsonNumber(value.text);
    case 'bool':
      return value.text === 'true';
    case 'null':
      return null;
  }
}

/** `a "b" { … }` is `a` with a member `b`. */
function nested(item: HclItem, from: number): Json {
  const label = item.keys[from];
  return label === undefined ? jsonOf(item.value) : new Map([[label.text, nested(item, from + 1)]]);
}

function decimalText(text: string): string {
  const sign = text.startsWith('-') ? '-' : '';
  const digits = text.slice(sign.length);
  if (/^0[xX]/.test(digits)) return `${sign}${BigInt(digits)}`;
  return /^0[0-7]+$/.test(digits) ? `${sign}${BigInt(`0o${digits.slice(1)}`)}` : text;
}

/** A block and the labels in front of it. */
export interface Block {
  readonly labels: readonly string[];
  readonly body: HclObject;
  readonly item: HclItem;
}

/**
 * The blocks named `key`: `key "label" { … }` as often as it stands there; in JSON `"key": { "label": { … } }`, or lists of such.
 * @param labels - How many labels stand in front of the body. In HCL missing ones are not made up: see what `labels` came to.
 * @throws HclError where something else than a block stands.
 */
export function blocks(
  items: readonly HclItem[],
  key: string,
  labels: 0 | 1,
  syntax: 'hcl' | 'json',
): Block[] {
  const found: Block[] = [];
  for (const item of items) {
    if (item.keys[0]?.text !== key) continue;
    const written = item.keys.slice(1).map((label) => label.text);
    for (const value of syntax === 'json' ? elementsOf(item.value) : [item.value]) {
      const body = objectOf(value);
      if (written.length >= labels || syntax === 'hcl') found.push({ labels: written, body, item });
      else for (const member of body.items) found.push(...labelled(member));
    }
  }
  return found;
}

function elementsOf(value: HclValue): readonly HclValue[] {
  return value.kind === 'list' ? value.elements : [value];
}

function labelled(member: HclItem): Block[] {
  const labels = [member.keys[0]?.text ?? ''];
  return elementsOf(member.value).map((value) => ({ labels, body: objectOf(value), item: member }));
}
