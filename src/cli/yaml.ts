/**
 * YAML as Go's yaml.v2 writes it for Vault: block style, keys in natural order, lists not indented, lines folded after 80 columns.
 *
 * @module
 */
import { type Encodable, JsonNumber, RawJson } from '../model/json.ts';
import { decodeJson } from './go-json.ts';

const WIDTH = 80;
/** Words that other YAML readers take for something else than text. */
const RESERVED =
  /^(?:|~|null|Null|NULL|[yYnN]|yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF|true|True|TRUE|false|False|FALSE|\.nan|\.NaN|\.NAN|[-+]?\.(?:inf|Inf|INF))$/;
const INTEGER = /^[-+]?(?:0[xX][\da-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|\d+)$/;
const FLOAT = /^[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?$/;
const SIXTIES = /^[-+]?\d[\d_]*(?::[0-5]?\d)+(?:\.[\d_]*)?$/;
const TIMESTAMP =
  /^\d{4}-\d{1,2}-\d{1,2}(?:(?:[Tt]|\s+)\d{1,2}:\d{1,2}:\d{1,2}(?:\.\d+)?(?:Z|[-+]\d{1,2}(?::\d{2})?)?)?$/;

/** The whole document, without the line end after its last line. */
export function encodeYaml(value: Encodable): string {
  return node(value, 0, 0).replace(/^ /, '').trim();
}

/**
 * A value as it stands after `key:` or `-`: on the same line (then it starts with a space) or on the next lines.
 * @param indent - columns in front of the lines of a nested mapping.
 * @param column - where this line has got to, for folding.
 */
function node(value: Encodable, indent: number, column: number): string {
  if (value instanceof RawJson) return node(decodeJson(value.text), indent, column);
  if (value === null || value === undefined) return ' null';
  if (typeof value === 'string') return ` ${scalar(value, indent, column + 1)}`;
  if (value instanceof JsonNumber) return ` ${number(value.text)}`;
  if (typeof value !== 'object') return ` ${value}`;
  if (Array.isArray(value)) return sequence(value, indent);
  const entries =
    value instanceof Map ? [...value] : Object.entries(value).filter(([, member]) => member !== undefined);
  return mapping(entries, indent);
}

function mapping(entries: [string, Encodable][], indent: number): string {
  if (entries.length === 0) return ' {}';
  const pad = ' '.repeat(indent);
  return [...entries]
    .sort(([a], [b]) => compareNaturally(a, b))
    .map(([key, member]) => {
      const name = scalar(key, indent, indent, true);
      // A list stands at the column of its key; a mapping goes deeper.
      const deeper = Array.isArray(member) ? indent : indent + 2;
      return `\n${pad}${name}:${node(member, isBlock(member) ? deeper : indent, indent + name.length + 1)}`;
    })
    .join('');
}

function sequence(items: readonly Encodable[], indent: number): string {
  if (items.length === 0) return ' []';
  const pad = ' '.repeat(indent);
  return items
    .map((item) => {
      const text = node(item, isBlock(item) ? indent + 2 : indent, indent + 1);
      // The first line of a nested mapping or list follows the dash.
      return `\n${pad}-${isBlock(item) ? ` ${text.trimStart()}` : text}`;
    })
    .join('');
}

function isBlock(value: Encodable): boolean {
  if (typeof value !== 'object' || value === null || value instanceof JsonNumber) return false;
  if (Array.isArray(value)) return value.length > 0;
  return value instanceof Map ? value.size > 0 : Object.keys(value).length > 0;
}

/** Whole numbers as they are, others as Go's `%g` with the fewest digits. */
function number(text: string): string {
  if (/^-?\d+$/.test(text) && BigInt(text) >= -(2n ** 63n) && BigInt(text) < 2n ** 64n) return text;
  const value = Number(text);
  const exponent = value === 0 ? 0 : Number(value.toExponential().split('e')[1]);
  if (exponent >= -4 && exponent < 21 && Number.isInteger(value) && exponent < 6) return String(value);
  if (exponent >= -4 && exponent < 6) return String(value);
  return value.toExponential().replace(/e([-+])(\d)$/, 'e$10$2');
}

function scalar(text: string, indent: number, column: number, isKey = false): string {
  const special =
    /[^\n\x20-\x7e\u00a0-\ud7ff\ue000-\ufefe\uff00-\ufffd]|[\u2028\u2029]|[\u{10000}-\u{10ffff}]/u.test(text);
  const breakAfterSpace = / \n/.test(text);
  if (text.includes('\n')) {
    const literal = !special && !isKey && !breakAfterSpace && !text.endsWith(' ');
    return literal ? literalBlock(text, indent + 2) : doubleQuoted(text, indent + 2, column, isKey);
  }
  if (special || mustDoubleQuote(text)) return doubleQuoted(text, indent + 2, column, isKey);
  if (isPlain(text)) return fold(text, indent + 2, column, isKey, 0);
  return `'${fold(text.replaceAll("'", "''"), indent + 2, column + 1, isKey, 1)}'`;
}

/** Text that would be read back as a number, a boolean, a date. */
function mustDoubleQuote(text: string): boolean {
  if (RESERVED.test(text) || SIXTIES.test(text) || TIMESTAMP.test(text)) return true;
  if (!/^[-+.\d]/.test(text)) return false;
  const bare = text.replaceAll('_', '');
  return INTEGER.test(bare) || FLOAT.test(bare);
}

/** Whether the text needs no quotes in block style. */
function isPlain(text: string): boolean {
  if (text.startsWith(' ') || text.endsWith(' ')) return false;
  if (/^(?:---|\.\.\.)/.test(text)) return false;
  if (/^[#,[\]{}&*!|>'"%@`]/.test(text)) return false;
  if (/^[-?:](?: |$)/.test(text)) return false;
  return !/:(?: |$)| #/.test(text);
}

/** Breaks a line at the first single space past the width. @param edge - spaces this close to an end stay. */
function fold(text: string, indent: number, column: number, isKey: boolean, edge: number): string {
  if (isKey || column + text.length <= WIDTH) return text;
  const chars = [...text];
  let out = '';
  let at = column;
  for (const [i, char] of chars.entries()) {
    const inside = i >= edge && i < chars.length - edge;
    if (char === ' ' && at > WIDTH && inside && chars[i - 1] !== ' ' && chars[i + 1] !== ' ') {
      out += `\n${' '.repeat(indent)}`;
      at = indent;
    } else {
      out += char;
      at += 1;
    }
  }
  return out;
}

/** The `|` form. A digit says how far it is indented where the text itself starts with a space; `-` and `+` say how it ends. */
function literalBlock(text: string, indent: number): string {
  const pad = ' '.repeat(indent);
  const hint = /^[ \n]/.test(text) ? '2' : '';
  const keep = text.endsWith('\n\n') || text === '\n' ? '+' : text.endsWith('\n') ? '' : '-';
  const body = text.endsWith('\n') ? text.slice(0, -1) : text;
  const lines = body.split('\n').map((line) => (line === '' ? '' : pad + line));
  return `|${hint}${keep}\n${lines.join('\n')}`;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\0': '\\0',
  '\x07': '\\a',
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\v': '\\v',
  '\f': '\\f',
  '\r': '\\r',
  '\x1b': '\\e',
  '"': '\\"',
  '\\': '\\\\',
  '\u0085': '\\N',
  '\u2028': '\\L',
  '\u2029': '\\P',
};

function doubleQuoted(text: string, indent: number, column: number, isKey: boolean): string {
  const chars = [...text];
  let out = '"';
  let at = column + 1;
  for (const [i, char] of chars.entries()) {
    const foldHere =
      char === ' ' && !isKey && at > WIDTH && i > 0 && i < chars.length - 1 && chars[i - 1] !== ' ';
    if (foldHere) {
      out += `\n${' '.repeat(indent)}${chars[i + 1] === ' ' ? '\\' : ''}`;
      at = indent;
      continue;
    }
    const piece = escapeChar(char);
    out += piece;
    at += piece.length;
  }
  return `${out}"`;
}

function escapeChar(char: string): string {
  const known = ESCAPES[char];
  if (known !== undefined) return known;
  const code = char.codePointAt(0) as number;
  if (code >= 0x20 && code < 0x7f) return char;
  if (code >= 0xa0 && code < 0xd800) return char;
  if (code >= 0xe000 && code <= 0xfffd && code !== 0xfeff) return char;
  const digits = code.toString(16).toUpperCase();
  if (code <= 0xff) return `\\x${digits.padStart(2, '0')}`;
  return code <= 0xffff ? `\\u${digits.padStart(4, '0')}` : `\\U${digits.padStart(8, '0')}`;
}

/** Numbers inside keys count as numbers (`k9` before `k10`), and digits and signs come before letters. */
export function compareNaturally(a: string, b: string): number {
  const left = [...a];
  const right = [...b];
  for (let i = 0; i < left.length && i < right.length; i++) {
    const x = left[i] as string;
    const y = right[i] as string;
    if (x === y) continue;
    const letterX = /\p{L}/u.test(x);
    const letterY = /\p{L}/u.test(y);
    if (letterX !== letterY) return letterX ? 1 : -1;
    if (!letterX) {
      const byNumber = compareDigits(left.slice(i), right.slice(i));
      if (byNumber !== 0) return byNumber;
    }
    return (x.codePointAt(0) as number) - (y.codePointAt(0) as number);
  }
  return left.length - right.length;
}

function compareDigits(left: string[], right: string[]): number {
  const digits = (chars: string[]) => /^\d*/.exec(chars.join(''))?.[0] ?? '';
  const x = digits(left);
  const y = digits(right);
  const difference = BigInt(x || '0') - BigInt(y || '0');
  if (difference !== 0n) return difference < 0n ? -1 : 1;
  return x.length - y.length;
}
