/**
 * Conditions of filters and exclusions: the expressions of HashiCorp's go-bexpr, as Vault Enterprise takes them.
 *
 *     mount_type == "kv" and (operation == read or not path matches "^secret/public/")
 *
 * @module
 */
import { badRequest } from '../model/errors.ts';
import { AUDIT_EXPRESSION_CHARS_MAX, AUDIT_EXPRESSION_DEPTH_MAX } from '../model/limits.ts';
import { compilePattern } from './pattern.ts';

/** What is at a place of the entry; undefined: nothing. */
export type Lookup = (path: readonly string[]) => unknown;
export type Condition = (lookup: Lookup) => boolean;

export interface ExpressionOptions {
  /** The names that a condition may begin with; undefined: any. */
  readonly names?: readonly string[];
}

/** @throws CodedError `bad_request` that says where it is wrong. */
export function parseExpression(text: string, { names }: ExpressionOptions = {}): Condition {
  if (text.length > AUDIT_EXPRESSION_CHARS_MAX)
    throw badRequest(`an expression must not be longer than ${AUDIT_EXPRESSION_CHARS_MAX} characters`);
  const tokens = tokensOf(text);
  let at = 0;

  const peek = (ahead = 0): Token | undefined => tokens[at + ahead];
  const isWord = (word: string, ahead = 0): boolean =>
    peek(ahead)?.kind === 'word' && peek(ahead)!.text === word;

  function wrong(what: string): never {
    const place = peek() ? `at character ${peek()!.from + 1}` : 'at its end';
    throw badRequest(`the expression is not valid ${place}: ${what}`);
  }

  function or(depth: number): Condition {
    if (depth > AUDIT_EXPRESSION_DEPTH_MAX) wrong('it is nested too deep');
    const parts = [and(depth)];
    while (isWord('or')) {
      at++;
      parts.push(and(depth));
    }
    return parts.length === 1 ? parts[0]! : (lookup) => parts.some((part) => part(lookup));
  }

  function and(depth: number): Condition {
    const parts = [not(depth)];
    while (isWord('and')) {
      at++;
      parts.push(not(depth));
    }
    return parts.length === 1 ? parts[0]! : (lookup) => parts.every((part) => part(lookup));
  }

  function not(depth: number): Condition {
    let negated = false;
    while (isWord('not')) {
      negated = !negated;
      at++;
    }
    const inner = group(depth);
    return negated ? (lookup) => !inner(lookup) : inner;
  }

  function group(depth: number): Condition {
    if (peek()?.text !== '(' || peek()?.kind !== 'sign') return match();
    at++;
    const inner = or(depth + 1);
    if (peek()?.text !== ')') wrong('a parenthesis is not closed');
    at++;
    return inner;
  }

  /** `selector op value`, `selector is empty`, `value in selector`. */
  function match(): Condition {
    const left = peek() ?? wrong('something to compare is missing');
    if (left.kind === 'sign') wrong('a sign has no place here');
    at++;
    const operator = operatorOf();
    if (operator === 'in' || operator === 'not in') {
      const selector = selectorOf(operand());
      return holds(operator, selector, left.text);
    }
    const selector = selectorOf(left);
    if (operator === 'is empty') return (lookup) => isEmpty(lookup(selector));
    if (operator === 'is not empty') return (lookup) => !isEmpty(lookup(selector));
    return holds(operator, selector, operand().text);
  }

  function operand(): Token {
    const token = peek() ?? wrong('something to compare with is missing');
    if (token.kind === 'sign') wrong('a sign has no place here');
    at++;
    return token;
  }

  function operatorOf(): Operator {
    for (const words of OPERATORS) {
      if (!words.every((word, index) => peek(index)?.text === word && peek(index)?.kind !== 'text')) continue;
      at += words.length;
      return words.join(' ') as Operator;
    }
    return wrong(`expected one of ${OPERATORS.map((words) => words.join(' ')).join(', ')}`);
  }

  function selectorOf(token: Token): readonly string[] {
    const path = token.kind === 'text' ? pointerOf(token.text) : token.text.split('.');
    if (path === undefined)
      throw badRequest('the expression names no place where it should: one in quotes begins with /');
    if (names && !names.includes(path[0] ?? ''))
      throw badRequest(`the expression asks for something else: only ${names.join(', ')} can be asked for`);
    return path;
  }

  const condition = or(0);
  if (at < tokens.length) wrong('this has no place here');
  return condition;
}

/** A JSON pointer (RFC 6901) as the names on its way; undefined: it is none. */
export function pointerOf(text: string): string[] | undefined {
  if (!text.startsWith('/')) return undefined;
  return text
    .slice(1)
    .split('/')
    .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'));
}

interface Token {
  /** `text`: it stood in quotes. */
  readonly kind: 'word' | 'text' | 'sign';
  readonly text: string;
  readonly from: number;
}

const TOKEN =
  /\s+|(?<sign>==|!=|[()])|"(?<quoted>(?:[^"\\]|\\.)*)"|`(?<raw>[^`]*)`|(?<word>-?[A-Za-z0-9_][A-Za-z0-9_./:-]*)/gy;

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  for (let from = 0; from < text.length; from = TOKEN.lastIndex) {
    TOKEN.lastIndex = from;
    const groups = TOKEN.exec(text)?.groups;
    if (!groups) throw badRequest(`the expression is not valid at character ${from + 1}`);
    const { sign, quoted, raw, word } = groups;
    if (sign !== undefined) tokens.push({ kind: 'sign', text: sign, from });
    else if (quoted !== undefined) tokens.push({ kind: 'text', text: unquoted(quoted, from), from });
    else if (raw !== undefined) tokens.push({ kind: 'text', text: raw, from });
    else if (word !== undefined) tokens.push({ kind: 'word', text: word, from });
  }
  return tokens;
}

function unquoted(text: string, from: number): string {
  try {
    return JSON.parse(`"${text}"`) as string;
  } catch {
    throw badRequest(`the expression is not valid at character ${from + 1}: a text is not`);
  }
}

const OPERATORS = [
  ['=='],
  ['!='],
  ['is', 'empty'],
  ['is', 'not', 'empty'],
  ['in'],
  ['not', 'in'],
  ['contains'],
  ['not', 'contains'],
  ['matches'],
  ['not', 'matches'],
] as const;

type Operator =
  | '=='
  | '!='
  | 'is empty'
  | 'is not empty'
  | 'in'
  | 'not in'
  | 'contains'
  | 'not contains'
  | 'matches'
  | 'not matches';

function holds(operator: Operator, selector: readonly string[], value: string): Condition {
  switch (operator) {
    case '==':
      return (lookup) => isEqual(lookup(selector), value);
    case '!=':
      return (lookup) => !isEqual(lookup(selector), value);
    case 'in':
    case 'contains':
      return (lookup) => isIn(lookup(selector), value);
    case 'not in':
    case 'not contains':
      return (lookup) => !isIn(lookup(selector), value);
    default: {
      const isFound = compilePattern(value);
      const matches: Condition = (lookup) => isFound(textOf(lookup(selector)));
      return operator === 'matches' ? matches : (lookup) => !matches(lookup);
    }
  }
}

function textOf(value: unknown): string {
  return value === undefined || value === null ? '' : typeof value === 'object' ? '' : String(value);
}

function isEqual(found: unknown, value: string): boolean {
  return (found === undefined || found === null || typeof found !== 'object') && textOf(found) === value;
}

/** Text within text, an element of a list, or a name in a map. */
function isIn(found: unknown, value: string): boolean {
  if (typeof found === 'string') return found.includes(value);
  if (Array.isArray(found)) return found.some((one) => isEqual(one, value));
  return typeof found === 'object' && found !== null && Object.hasOwn(found, value);
}

function isEmpty(found: unknown): boolean {
  if (found === undefined || found === null || found === '') return true;
  if (Array.isArray(found)) return found.length === 0;
  return typeof found === 'object' && Object.keys(found).length === 0;
}
