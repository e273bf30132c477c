/**
 * The JSON form of HCL 1 → the same items: a member of an object is `key = value`. As HCL 1's own reader does, it lets a comma
 * stand behind the last element; unlike it, it drops nothing (that one skips bools in lists) and takes nothing after the end.
 *
 * @module
 */
import { HCL_NUMBER_CHARS_MAX } from '../limits.ts';
import {
  HclError,
  type HclFile,
  type HclItem,
  type HclKey,
  type HclList,
  type HclLiteral,
  type HclObject,
  type HclValue,
  type Position,
} from './ast.ts';
import { checkSize, NodeBudget } from './parser.ts';

const SPACE = /[ \t\r\n]+/y;
// No control character but tab: RFC 8259 forbids that one too, Vault's reader takes it.
const STRING = /"(?:[^"\\\u0000-\u0008\u000a-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /true|false|null/y;
const LONE_SURROGATE = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/;

/** @throws HclError and nothing else, whatever the text. */
export function parseHclJson(text: string): HclFile {
  checkSize(text);
  const reader = new Reader(text);
  return { items: reader.file(), comments: [], syntax: 'json' };
}

class Reader {
  readonly #text: string;
  readonly #budget = new NodeBudget();
  #at = 0;
  #marked = { at: 0, line: 1, column: 1 };

  constructor(text: string) {
    this.#text = text;
  }

  file(): readonly HclItem[] {
    const start = this.#here();
    if (!this.#mark('{')) throw new HclError(start, "expected '{'");
    const root = this.#object(start, 0);
    const end = this.#here();
    if (this.#at < this.#text.length) throw new HclError(end, 'expected nothing after the closing }');
    return root.items;
  }

  #value(depth: number): HclValue {
    const position = this.#here();
    this.#budget.spend(position, depth);
    if (this.#mark('{')) return this.#object(position, depth + 1);
    if (this.#mark('[')) return this.#list(position, depth + 1);
    const string = this.#take(STRING);
    if (string !== undefined) return literal('string', string, this.#unquote(string, position), position);
    const number = this.#take(NUMBER);
    if (number !== undefined && number.length > HCL_NUMBER_CHARS_MAX) {
      throw new HclError(position, 'expected a shorter number');
    }
    if (number !== undefined)
      return literal(/[.eE]/.test(number) ? 'float' : 'number', number, number, position);
    const word = this.#take(WORD);
    if (word !== undefined) return literal(word === 'null' ? 'null' : 'bool', word, word, position);
    throw new HclError(position, "expected a string, a number, true, false, null, '[' or '{'");
  }

  #object(position: Position, depth: number): HclObject {
    const items: HclItem[] = [];
    for (;;) {
      const end = this.#here();
      if (this.#mark('}')) return { kind: 'object', position, end, items };
      const keys = [this.#key(end)];
      const assign = this.#here();
      if (!this.#mark(':')) throw new HclError(assign, "expected ':'");
      items.push({ keys, assign, value: this.#value(depth), leadComment: undefined, lineComment: undefined });
      this.#separator('}');
    }
  }

  #key(position: Position): HclKey {
    const raw = this.#take(STRING);
    if (raw === undefined) throw new HclError(position, "expected a key in quotes or '}'");
    return { text: this.#unquote(raw, position), raw, position };
  }

  #list(position: Position, depth: number): HclList {
    const elements: HclValue[] = [];
    for (;;) {
      this.#here();
      if (this.#mark(']')) return { kind: 'list', position, elements };
      elements.push(this.#value(depth));
      this.#separator(']');
    }
  }

  #separator(close: '}' | ']'): void {
    const position = this.#here();
    if (!this.#mark(',') && this.#text[this.#at] !== close)
      throw new HclError(position, `expected ',' or '${close}'`);
  }

  #unquote(raw: string, position: Position): string {
    const text = JSON.parse(raw.replaceAll('\t', '\\t')) as string;
    if (LONE_SURROGATE.test(text)) throw new HclError(position, 'expected a string of Unicode characters');
    return text;
  }

  #mark(char: string): boolean {
    if (this.#text[this.#at] !== char) return false;
    this.#at++;
    return true;
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  /** Steps over white space; the place of what comes then. */
  #here(): Position {
    this.#take(SPACE);
    const mark = this.#marked;
    for (; mark.at < this.#at; mark.at++) {
      const code = this.#text.charCodeAt(mark.at);
      if (code === 0x0a) {
        mark.line++;
        mark.column = 1;
      } else if (code < 0xdc00 || code > 0xdfff) mark.column++;
    }
    return { line: mark.line, column: mark.column };
  }
}

function literal(kind: HclLiteral['kind'], raw: string, text: string, position: Position): HclLiteral {
  return { kind, raw, text, position, leadComment: undefined, lineComment: undefined };
}
