/**
 * Single values in YAML, as yaml.v2 writes them: plain where that can be read back, quoted or as a block where not.
 *
 * @module
 */

/** Lines are folded at the first space after this column. */
const WIDTH = 80;
/** Words that other YAML readers take for something else than text. */
const RESERVED =
  /^(?:|~|null|Null|NULL|[yYnN]|yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF|true|True|TRUE|false|False|FALSE|\.nan|\.NaN|\.NAN|[-+]?\.(?:inf|Inf|INF))$/;
const INTEGER = /^[-+]?(?:0[xX][\da-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|\d+)$/;
const FLOAT = /^[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?$/;
const SIXTIES = /^[-+]?\d[\d_]*(?::[0-5]?\d)+(?:\.[\d_]*)?$/;
const TIMESTAMP =
  /^\d{4}-\d{1,2}-\d{1,2}(?:(?:[Tt]|\s+)\d{1,2}:\d{1,2}:\d{1,2}(?:\.\d+)?(?:Z|[-+]\d{1,2}(?::\d{2})?)?)?$/;

/** Whole numbers as they are, others as Go's `%g` with the fewest digits. */
export function number(text: string): string {
  if (/^-?\d+$/.test(text) && BigInt(text) >= -(2n ** 63n) && BigInt(text) < 2n ** 64n) return text;
  const value = Number(text);
  const exponent = value === 0 ? 0 : Number(value.toExponential().split('e')[1]);
  if (Object.is(value, -0)) return '-0';
  if (exponent >= -4 && exponent < 6) return String(value);
  return value.toExponential().replace(/e([-+])(\d)$/, 'e$10$2');
}

/**
 * Text as it stands after `key:` or a dash, or as a key.
 * @param indent - of the mapping it is in; lines that follow are two deeper.
 * @param column - where its first character stands.
 */
export function scalar(text: string, indent: number, column: number, isKey = false): string {
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
