/**
 * Cuts HCL 1 text into tokens. Reads each character a bounded number of times, whatever the text.
 *
 * @module
 */
import { HCL_NUMBER_CHARS_MAX } from '../limits.ts';
import { HclError, type Position } from './ast.ts';
import { EscapeError, heredocText, interpolationEnd, unquote } from './strings.ts';

export type TokenKind =
  | 'end'
  | 'comment'
  | 'identifier'
  | 'string'
  | 'heredoc'
  | 'number'
  | 'float'
  | 'bool'
  | '{'
  | '}'
  | '['
  | ']'
  | ','
  | '=';

export interface Token {
  readonly kind: TokenKind;
  readonly raw: string;
  /** What a string or heredoc says; `raw` for the others. */
  readonly text: string;
  readonly position: Position;
}

const IDENTIFIER = /[\p{L}_][\p{L}\p{Nd}_.-]*/uy;
const SPACE = /[ \t\r\n]+/y;
const LINE_COMMENT = /(?:#|\/\/)[^\n]*/y;
// A zero alone, hexadecimal, octal, or decimal with point and exponent: what Go's ParseInt and ParseFloat take.
const NUMBER = /-?0[xX][0-9a-fA-F]+|(?:-?\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y;
const HEREDOC_HEAD = /<<(-?)([\p{L}\p{Nd}_]*)([^\n]?)/uy;
const BAD_CHARACTER = /[\u0000\uE123]|[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/;
const PUNCTUATION = '{}[],=';

/** One pass over `text`; each `next()` gives a token, at the end `end` again and again. */
export class Lexer {
  readonly #text: string;
  #at = 0;
  /** The last place that was asked for. Positions are only ever asked for in ascending order. */
  #marked = { at: 0, line: 1, column: 1 };

  /** @throws HclError where a character can stand nowhere in HCL. */
  constructor(text: string) {
    this.#text = text.replaceAll('\r\n', '\n');
    const bad = BAD_CHARACTER.exec(this.#text);
    if (bad !== null)
      throw new HclError(this.#position(bad.index), `illegal character ${codeName(this.#text, bad.index)}`);
  }

  /** @throws HclError */
  next(): Token {
    this.#take(SPACE);
    const at = this.#at;
    const position = this.#position(at);
    const char = this.#text[at];
    if (char === undefined) return { kind: 'end', raw: '', text: '', position };
    if (PUNCTUATION.includes(char)) {
      this.#at++;
      return { kind: char as TokenKind, raw: char, text: char, position };
    }
    if (char === '"') return this.#string(position);
    if (char === '#' || char === '/') return this.#comment(position);
    if (char === '<') return this.#heredoc(position);
    if ((char >= '0' && char <= '9') || char === '-' || char === '.') return this.#number(position);
    const word = this.#take(IDENTIFIER);
    if (word === undefined) throw new HclError(position, `illegal character ${codeName(this.#text, at)}`);
    return {
      kind: word === 'true' || word === 'false' ? 'bool' : 'identifier',
      raw: word,
      text: word,
      position,
    };
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  #string(position: Position): Token {
    const text = this.#text;
    const start = this.#at;
    let at = start + 1;
    for (;;) {
      const char = text[at];
      if (char === undefined || char === '\n')
        throw new HclError(position, 'literal not terminated: expected a closing "');
      if (char === '"') break;
      if (char === '\\') at += 2;
      else if (char === '$' && text[at + 1] === '{') at = interpolationEnd(text, at);
      else at++;
    }
    this.#at = at + 1;
    try {
      return {
        kind: 'string',
        raw: text.slice(start, at + 1),
        text: unquote(text.slice(start + 1, at)),
        position,
      };
    } catch (error) {
      if (!(error instanceof EscapeError)) throw error;
      throw new HclError(this.#position(start + 1 + error.offset), error.message);
    }
  }

  #comment(position: Position): Token {
    const line = this.#take(LINE_COMMENT);
    if (line !== undefined) return { kind: 'comment', raw: line, text: line, position };
    if (!this.#text.startsWith('/*', this.#at)) throw new HclError(position, "expected '/' for comment");
    const end = this.#text.indexOf('*/', this.#at + 2);
    if (end === -1) throw new HclError(position, 'comment not terminated: expected */');
    const raw = this.#text.slice(this.#at, end + 2);
    this.#at = end + 2;
    return { kind: 'comment', raw, text: raw, position };
  }

  #number(position: Position): Token {
    const raw = this.#take(NUMBER);
    if (raw === undefined)
      throw new HclError(position, `illegal character ${codeName(this.#text, this.#at)}`);
    const next = this.#text[this.#at] ?? '';
    // HCL 1 would read `1h` as the number 1 and then a key `h`. Nobody means that.
    if (/[\p{L}\p{Nd}_.]/u.test(next)) {
      throw new HclError(position, 'expected a number; a value such as 1h has to be quoted');
    }
    if (raw.length > HCL_NUMBER_CHARS_MAX) throw new HclError(position, 'expected a shorter number');
    const float = !/^-?0[xX]/.test(raw) && /[.eE]/.test(raw);
    if (!float && /^-?0[0-9]*[89]/.test(raw)) throw new HclError(position, 'illegal octal number');
    return { kind: float ? 'float' : 'number', raw, text: raw, position };
  }

  #heredoc(position: Position): Token {
    const text = this.#text;
    const start = this.#at;
    HEREDOC_HEAD.lastIndex = start;
    const head = HEREDOC_HEAD.exec(text);
    if (head === null) throw new HclError(position, "heredoc expected second '<'");
    const [whole, dash = '', mark = '', rest] = head;
    if (rest !== '')
      throw new HclError(position, 'invalid characters in heredoc anchor: expected letters and digits');
    if (mark === '') throw new HclError(position, 'zero-length heredoc anchor: expected a word such as EOF');
    const bodyStart = start + whole.length + 1;
    for (let lineStart = bodyStart; ; ) {
      const lineEnd = text.indexOf('\n', lineStart);
      if (lineEnd === -1)
        throw new HclError(position, `heredoc not terminated: expected a line with ${mark}`);
      const indent = closingIndent(text, lineStart, lineEnd, mark, dash !== '');
      if (indent !== undefined) {
        this.#at = lineEnd + 1;
        const value = heredocText(text.slice(bodyStart, lineStart), indent, dash !== '');
        return { kind: 'heredoc', raw: text.slice(start, lineEnd + 1), text: value, position };
      }
      lineStart = lineEnd + 1;
    }
  }

  #position(at: number): Position {
    const mark = this.#marked;
    for (; mark.at < at; mark.at++) {
      const code = this.#text.charCodeAt(mark.at);
      if (code === 0x0a) {
        mark.line++;
        mark.column = 1;
      } else if (code < 0xdc00 || code > 0xdfff) mark.column++;
    }
    return { line: mark.line, column: mark.column };
  }
}

/** The white space before the closing mark where the line is one, else undefined. */
function closingIndent(
  text: string,
  start: number,
  end: number,
  mark: string,
  hanging: boolean,
): string | undefined {
  if (end - start < mark.length || !text.startsWith(mark, end - mark.length)) return undefined;
  const indent = text.slice(start, end - mark.length);
  // HCL 1 does not see the end of a `<<-` text whose closing mark is not indented.
  if (hanging && indent === '') return undefined;
  return /^[ \t\r\v\f]*$/.test(indent) ? indent : undefined;
}

function codeName(text: string, at: number): string {
  const point = text.codePointAt(at) ?? 0;
  const shown = point > 0x20 && point < 0x7f ? `'${String.fromCodePoint(point)}' ` : '';
  return `${shown}(U+${point.toString(16).toUpperCase().padStart(4, '0')})`;
}
