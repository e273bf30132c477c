/**
 * YAML as Go's yaml.v2 writes it for Vault: block style, keys in natural order, lists not indented, lines folded after 80 columns.
 *
 * @module
 */
import { type Encodable, JsonNumber, RawJson } from '../model/json.ts';
import { decodeJson } from './go-json.ts';
import { number, scalar } from './yaml-scalar.ts';

const SIMPLE_KEY_BYTES_MAX = 128;
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
      if (!isSimpleKey(key))
        return `\n${pad}?${node(key, indent, indent + 1)}\n${pad}:${inlined(member, indent)}`;
      const name = scalar(key, indent, indent, true);
      // A list stands at the column of its key; a mapping goes deeper.
      const deeper = Array.isArray(member) ? indent : indent + 2;
      return `\n${pad}${name}:${node(member, isBlock(member) ? deeper : indent, indent + name.length + 1)}`;
    })
    .join('');
}

/** Longer keys, and those of several lines, are written as `? key` and `: value`. */
function isSimpleKey(key: string): boolean {
  return !key.includes('\n') && Buffer.byteLength(key) <= SIMPLE_KEY_BYTES_MAX;
}

function sequence(items: readonly Encodable[], indent: number): string {
  if (items.length === 0) return ' []';
  const pad = ' '.repeat(indent);
  return items.map((item) => `\n${pad}-${inlined(item, indent)}`).join('');
}

/** What follows a dash, or the colon of a `? key`: the first line of a nested mapping or list stands on the same line. */
function inlined(value: Encodable, indent: number): string {
  if (!isBlock(value)) return node(value, indent, indent + 1);
  return ` ${node(value, indent + 2, indent + 1).trimStart()}`;
}

function isBlock(value: Encodable): boolean {
  if (typeof value !== 'object' || value === null || value instanceof JsonNumber) return false;
  if (Array.isArray(value)) return value.length > 0;
  return value instanceof Map ? value.size > 0 : Object.keys(value).length > 0;
}

/**
 * Numbers inside keys count as numbers (`k9` before `k10`), digits and signs come before letters. This is yaml.v2's order, which looks at
 * the first difference only and so is not quite transitive: `k6`, `k10`, `k1a` have no order there either.
 */
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
      const byNumber = compareDigits(left, right, i);
      if (byNumber !== 0) return byNumber;
    }
    return (x.codePointAt(0) as number) - (y.codePointAt(0) as number);
  }
  return left.length - right.length;
}

/** Compares the numbers that differ from `at` on. Digits that both have in front of it make a zero there count. */
function compareDigits(left: string[], right: string[], at: number): number {
  const prefix = /[1-9]\d*$/.test(left.slice(0, at).join('')) ? '1' : '';
  const digits = (chars: string[]) => /^\d*/.exec(chars.slice(at).join(''))?.[0] ?? '';
  const x = digits(left);
  const y = digits(right);
  const difference = BigInt(`${prefix}${x}` || '0') - BigInt(`${prefix}${y}` || '0');
  if (difference !== 0n) return difference < 0n ? -1 : 1;
  return x.length - y.length;
}
