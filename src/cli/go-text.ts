/**
 * Values as Go prints them: `%q` for lists, `%v` for what came from JSON. Vault's tables and messages are made of these.
 *
 * @module
 */
import { type Json, JsonNumber } from '../model/json.ts';
import { quote } from '../model/printable.ts';

/** Go's `%v` of a value decoded from JSON: `map[a:1 b:[x y]]`, `<nil>`. */
export function display(value: Json | undefined): string {
  if (value === null || value === undefined) return '<nil>';
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return String(value);
  if (value instanceof JsonNumber) return value.text;
  if (Array.isArray(value)) return `[${value.map(display).join(' ')}]`;
  return displayMap(value);
}

/** Go's `%v` of a map: its keys in byte order. A nil map prints as an empty one. */
export function displayMap(map: ReadonlyMap<string, Json> | null | undefined): string {
  const parts = [...(map ?? [])].sort(([a], [b]) => compareBytes(a, b)).map(([k, v]) => `${k}:${display(v)}`);
  return `map[${parts.join(' ')}]`;
}

/** Go's `%q` of a list of strings: `["default" "root"]`. */
export function quoteList(list: readonly string[]): string {
  return `[${list.map(quote).join(' ')}]`;
}

/** Byte order of the UTF-8 forms, which is the order of code points; JavaScript's own `<` is not, above U+FFFF. */
export function compareBytes(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    const surrogateX = x >= 0xd800 && x < 0xe000;
    const surrogateY = y >= 0xd800 && y < 0xe000;
    if (surrogateX !== surrogateY) return surrogateX ? 1 : -1;
    return x - y;
  }
  return a.length - b.length;
}

/** Lines of at most `width` characters, broken where the raggedness is least, as kr/text does for Vault. Line ends in `text` count as spaces. */
export function wrapText(text: string, width = 78): string {
  const words = text.trim().split(/[ \n]/);
  const n = words.length;
  const lengths = words.map((word) => [...word].length);
  const cost = new Array<number>(n + 1).fill(Number.MAX_SAFE_INTEGER);
  const next = new Array<number>(n + 1).fill(n);
  cost[n] = 0;
  for (let i = n - 1; i >= 0; i--) {
    let length = -1;
    for (let j = i + 1; j <= n; j++) {
      length += 1 + (lengths[j - 1] as number);
      // The last line may be as short as it likes. A line that is too long is allowed where one word is, at a price.
      const last = j === n && length <= width;
      const slack = (width - length) ** 2 + (length > width ? 100_000 : 0);
      const total = last ? 0 : slack + (cost[j] as number);
      if (last || total < (cost[i] as number)) {
        cost[i] = total;
        next[i] = j;
      }
      if (length > width) break;
    }
  }
  const lines: string[] = [];
  for (let i = 0; i < n; i = next[i] as number) lines.push(words.slice(i, next[i]).join(' '));
  return lines.join('\n');
}

/** `wrapText` with every line moved `pad` columns to the right, within the same width. */
export function wrapPadded(text: string, pad: number): string {
  const indent = ' '.repeat(pad);
  return wrapText(text, 78 - pad)
    .split('\n')
    .map((line) => indent + line)
    .join('\n');
}
