/**
 * HCL 1 text → its items. HCL 1 (not 2) is what Vault's policies and server configurations are written in: no expressions, `${}` is
 * plain text, several items may share a line, objects may hold commas.
 *
 * @module
 */
import { HCL_BYTES_MAX, HCL_DEPTH_MAX, HCL_NODES_MAX } from '../limits.ts';
import {
  type Comment,
  type CommentGroup,
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
import { Lexer, type Token, type TokenKind } from './lexer.ts';

/** @throws HclError and nothing else, whatever the text. */
export function parseHcl(text: string): HclFile {
  checkSize(text);
  const parser = new Parser(text);
  return { items: parser.items(undefined, 0), comments: parser.comments, syntax: 'hcl' };
}

/** @throws HclError above HCL_BYTES_MAX. */
export function checkSize(text: string): void {
  if (Buffer.byteLength(text) > HCL_BYTES_MAX) {
    throw new HclError({ line: 1, column: 1 }, `expected at most ${HCL_BYTES_MAX} bytes`);
  }
}

/** Counts what a text makes, so that a small text cannot make a big tree deep or wide beyond the limits. */
export class NodeBudget {
  #left = HCL_NODES_MAX;

  /** @throws HclError */
  spend(position: Position, depth: number): void {
    if (--this.#left < 0) throw new HclError(position, `expected at most ${HCL_NODES_MAX} items and values`);
    if (depth > HCL_DEPTH_MAX)
      throw new HclError(position, `expected at most ${HCL_DEPTH_MAX} blocks and lists inside each other`);
  }
}

class Parser {
  readonly comments: CommentGroup[] = [];
  readonly #lexer: Lexer;
  readonly #budget = new NodeBudget();
  #token: Token;
  /** Read from the lexer, not yet a token: comments have been stepped over. */
  #ahead: Token;
  /** Waiting for the next item or list element to take it. */
  #leadComment: CommentGroup | undefined;
  /** Waiting for the item or list element it stands behind. */
  #lineComment: CommentGroup | undefined;

  constructor(text: string) {
    this.#lexer = new Lexer(text);
    this.#ahead = this.#lexer.next();
    this.#token = { kind: 'end', raw: '', text: '', position: { line: 0, column: 0 } };
    this.#advance();
  }

  /** Items up to the `}` of the `{` at `open`, or up to the end of the text; either stays the current token. */
  items(open: Position | undefined, depth: number): HclItem[] {
    const items: HclItem[] = [];
    while (this.#token.kind !== (open === undefined ? 'end' : '}')) {
      if (this.#token.kind === 'end')
        throw new HclError(this.#token.position, `expected '}' for the '{' at ${place(open)}`);
      items.push(this.#item(depth));
      if (this.#token.kind === ',') this.#advance();
    }
    return items;
  }

  #item(depth: number): HclItem {
    const keys = this.#keys();
    const leadComment = this.#takeLeadComment();
    const { kind, position } = this.#token;
    this.#budget.spend(position, depth);
    if (kind === '{') {
      const value = this.#object(depth + 1);
      return { keys, assign: undefined, value, leadComment, lineComment: this.#takeLineComment() };
    }
    const names = keys.map((key) => key.raw).join(' ');
    if (kind !== '=') {
      throw new HclError(
        position,
        `key '${names}' expected start of object ('{') or assignment ('='), got ${shown(this.#token)}`,
      );
    }
    if (keys.length > 1)
      throw new HclError(position, `key '${names}' expected start of object ('{'), got '='`);
    this.#advance();
    const value = this.#value(depth + 1);
    return { keys, assign: position, value, leadComment, lineComment: this.#takeLineComment() };
  }

  #keys(): HclKey[] {
    const keys: HclKey[] = [];
    while (this.#token.kind === 'identifier' || this.#token.kind === 'string') {
      const { text, raw, position } = this.#token;
      keys.push({ text, raw, position });
      this.#budget.spend(position, 0);
      this.#advance();
    }
    if (keys.length === 0) {
      throw new HclError(
        this.#token.position,
        `expected a key (a word or a quoted string), got ${shown(this.#token)}`,
      );
    }
    return keys;
  }

  #value(depth: number): HclValue {
    const { kind, position } = this.#token;
    if (kind === '{') return this.#object(depth);
    if (kind === '[') return this.#list(depth);
    if (!isLiteral(kind)) {
      throw new HclError(
        position,
        `expected a quoted string, a number, true, false, '[' or '{', got ${shown(this.#token)}`,
      );
    }
    return this.#literal(kind, undefined, depth);
  }

  #literal(kind: HclLiteral['kind'], leadComment: CommentGroup | undefined, depth: number): HclLiteral {
    const { raw, text, position } = this.#token;
    this.#budget.spend(position, depth);
    this.#advance();
    return { kind, raw, text, position, leadComment, lineComment: undefined };
  }

  #object(depth: number): HclObject {
    const { position } = this.#token;
    this.#budget.spend(position, depth);
    this.#advance();
    const items: HclItem[] = [];
    while (this.#token.kind !== '}') {
      if (this.#token.kind === 'end')
        throw new HclError(this.#token.position, `expected '}' for the '{' at ${place(position)}`);
      items.push(this.#item(depth));
      if (this.#token.kind === ',') this.#advance();
    }
    const end = this.#token.position;
    this.#advance();
    return { kind: 'object', position, end, items };
  }

  #list(depth: number): HclList {
    const { position } = this.#token;
    this.#budget.spend(position, depth);
    this.#advance();
    const elements: HclValue[] = [];
    for (;;) {
      const { kind } = this.#token;
      if (kind === ']') break;
      if (kind === ',') {
        this.#advance();
        this.#commentLastElement(elements);
        continue;
      }
      elements.push(
        isLiteral(kind) ? this.#literal(kind, this.#takeLeadComment(), depth) : this.#element(depth),
      );
      if (this.#token.kind !== ',' && this.#token.kind !== ']') {
        throw new HclError(
          this.#token.position,
          `error parsing list, expected comma or list end, got ${shown(this.#token)}`,
        );
      }
    }
    this.#advance();
    return { kind: 'list', position, elements };
  }

  #element(depth: number): HclValue {
    if (this.#token.kind === '{') return this.#object(depth + 1);
    if (this.#token.kind === '[') return this.#list(depth + 1);
    throw new HclError(this.#token.position, `expected a list element or ']', got ${shown(this.#token)}`);
  }

  /** A comment behind the comma belongs to the element before it. */
  #commentLastElement(elements: HclValue[]): void {
    const last = elements.at(-1);
    if (
      this.#lineComment === undefined ||
      last === undefined ||
      last.kind === 'list' ||
      last.kind === 'object'
    )
      return;
    elements[elements.length - 1] = { ...last, lineComment: this.#lineComment };
    this.#lineComment = undefined;
  }

  #takeLeadComment(): CommentGroup | undefined {
    const comment = this.#leadComment;
    this.#leadComment = undefined;
    return comment;
  }

  #takeLineComment(): CommentGroup | undefined {
    const comment = this.#lineComment;
    this.#lineComment = undefined;
    return comment;
  }

  /** Makes the next token current and sorts the comments before it: behind the last token, in front of the next, or on their own. */
  #advance(): void {
    const line = this.#token.position.line;
    if (this.#ahead.kind === 'comment' && this.#ahead.position.line === line) {
      const { group, endLine } = this.#commentGroup(0);
      if (this.#ahead.position.line !== endLine) this.#lineComment = group;
    }
    let lead: { group: CommentGroup; endLine: number } | undefined;
    while (this.#ahead.kind === 'comment') lead = this.#commentGroup(1);
    const { kind, position } = this.#ahead;
    if (lead !== undefined && lead.endLine + 1 === position.line && kind !== '}' && kind !== ']') {
      this.#leadComment = lead.group;
    }
    this.#token = this.#ahead;
    if (kind !== 'end') this.#ahead = this.#lexer.next();
  }

  /** Comments from here on, each starting at most `gap` lines after the end of the one before. */
  #commentGroup(gap: 0 | 1): { group: CommentGroup; endLine: number } {
    const group: Comment[] = [];
    let endLine = this.#ahead.position.line;
    while (this.#ahead.kind === 'comment' && this.#ahead.position.line <= endLine + gap) {
      const { raw, position } = this.#ahead;
      this.#budget.spend(position, 0);
      group.push({ text: raw, position });
      endLine = position.line + raw.split('\n').length - 1;
      this.#ahead = this.#lexer.next();
    }
    this.comments.push(group);
    return { group, endLine };
  }
}

function isLiteral(kind: TokenKind): kind is 'string' | 'heredoc' | 'number' | 'float' | 'bool' {
  return kind === 'string' || kind === 'heredoc' || kind === 'number' || kind === 'float' || kind === 'bool';
}

function place(position: Position | undefined): string {
  return position === undefined ? 'the start' : `${position.line}:${position.column}`;
}

/** Kinds and marks only: what a string says may be a secret, and an error text goes into logs. */
function shown(token: Token): string {
  switch (token.kind) {
    case 'end':
      return 'the end of the text';
    case 'identifier':
      return `the word ${token.text}`;
    case 'string':
    case 'heredoc':
      return 'a string';
    case 'number':
    case 'float':
      return 'a number';
    case 'bool':
      return token.text;
    default:
      return `'${token.kind}'`;
  }
}
