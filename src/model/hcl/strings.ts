/**
 * What quoted strings and heredocs of HCL 1 say.
 *
 * @module
 */

const SIMPLE: Readonly<Record<string, number>> = {
  a: 0x07,
  b: 0x08,
  f: 0x0c,
  n: 0x0a,
  r: 0x0d,
  t: 0x09,
  v: 0x0b,
  '\\': 0x5c,
  '"': 0x22,
};

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Thrown by `unquote`: `offset` is the index in the text it was given. */
export class EscapeError extends Error {
  readonly offset: number;
  constructor(offset: number, reason: string) {
    super(reason);
    this.name = 'EscapeError';
    this.offset = offset;
  }
}

/**
 * What stands between the quotes, escapes resolved. `${…}` is kept letter by letter, also what looks like an escape in it:
 * interpolation is the business of whoever reads the value.
 * @param inner - The text between the quotes, as the lexer found it: every `"` in it is escaped or inside `${…}`.
 * @throws EscapeError
 */
export function unquote(inner: string): string {
  if (!inner.includes('\\')) return inner;
  let out = '';
  let at = 0;
  while (at < inner.length) {
    if (inner.startsWith('${', at)) {
      const end = interpolationEnd(inner, at);
      out += inner.slice(at, end);
      at = end;
    } else if (inner[at] === '\\') {
      const run = escapes(inner, at);
      out += run.text;
      at = run.end;
    } else {
      const next = nextSpecial(inner, at);
      out += inner.slice(at, next);
      at = next;
    }
  }
  return out;
}

/** The index behind the `}` that closes the `${` at `at`; the end of the text where it stays open. */
export function interpolationEnd(text: string, at: number): number {
  let depth = 1;
  let index = at + 2;
  for (; index < text.length && depth > 0; index++) {
    if (text[index] === '{') depth++;
    else if (text[index] === '}') depth--;
  }
  return index;
}

function nextSpecial(text: string, from: number): number {
  let index = from + 1;
  while (index < text.length && text[index] !== '\\' && !text.startsWith('${', index)) index++;
  return index;
}

/** A run of escapes. They are taken together since `\xc3\xa9` is one character written as two bytes. */
function escapes(text: string, from: number): { text: string; end: number } {
  const bytes: number[] = [];
  let at = from;
  while (text[at] === '\\') {
    const letter = text[at + 1] ?? '';
    const simple = SIMPLE[letter];
    if (simple !== undefined) {
      bytes.push(simple);
      at += 2;
    } else if (letter === 'x') {
      bytes.push(digits(text, at, at + 2, 2, 16));
      at += 4;
    } else if (letter === 'u' || letter === 'U') {
      const count = letter === 'u' ? 4 : 8;
      const point = digits(text, at, at + 2, count, 16);
      if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) {
        throw new EscapeError(at, 'expected the number of a Unicode character after \\u');
      }
      bytes.push(...new TextEncoder().encode(String.fromCodePoint(point)));
      at += 2 + count;
    } else if (letter >= '0' && letter <= '7' && letter !== '') {
      const byte = digits(text, at, at + 1, 3, 8);
      if (byte > 255) throw new EscapeError(at, 'expected an octal escape of at most \\377');
      bytes.push(byte);
      at += 4;
    } else {
      throw new EscapeError(
        at,
        'illegal char escape: expected one of \\" \\\\ \\a \\b \\f \\n \\r \\t \\v \\x \\u \\U or octal digits',
      );
    }
  }
  try {
    return { text: utf8.decode(Uint8Array.from(bytes)), end: at };
  } catch {
    throw new EscapeError(from, 'the escaped bytes are not UTF-8');
  }
}

function digits(text: string, start: number, from: number, count: number, base: 8 | 16): number {
  const digits = text.slice(from, from + count);
  const allowed = base === 8 ? /^[0-7]+$/ : /^[0-9a-fA-F]+$/;
  if (digits.length !== count || !allowed.test(digits)) {
    throw new EscapeError(
      start,
      `illegal char escape: expected ${count} ${base === 8 ? 'octal' : 'hexadecimal'} digits`,
    );
  }
  return Number.parseInt(digits, base);
}

/**
 * What a heredoc says. With `<<-` the indentation of the closing line is taken off every line, provided that every line has it
 * (an empty one has not).
 * @param body - From the line after the mark up to and with the newline before the closing line.
 * @param indent - The white space in front of the closing mark.
 */
export function heredocText(body: string, indent: string, hanging: boolean): string {
  // Without the dash HCL 1 leaves the closing mark's indentation at the end of the text. Vault's users live with it, so do we.
  if (!hanging) return body + indent;
  const lines = body.split('\n');
  lines.pop();
  if (!lines.every((line) => line.startsWith(indent)))
    return withoutTrailingBlanks(body + indent.slice(0, -1));
  return lines.map((line) => `${line.slice(indent.length)}\n`).join('');
}

/** Not a regular expression: `/[ \t]+$/` would look at a long run of blanks in the middle again and again. */
function withoutTrailingBlanks(text: string): string {
  let end = text.length;
  while (end > 0 && (text[end - 1] === ' ' || text[end - 1] === '\t')) end--;
  return text.slice(0, end);
}
