/**
 * Patterns of `matches`, read: RE2's syntax, which Vault's are written in. What no automaton can tell (references back, looking around) is
 * not in it, so that matching takes time in proportion to the text, whatever the pattern (`pattern.ts`).
 *
 * @module
 */
import { badRequest } from '../model/errors.ts';
import { AUDIT_PATTERN_DEPTH_MAX, AUDIT_PATTERN_REPEATS_MAX } from '../model/limits.ts';
import {
  anyOf,
  type CharTest,
  classNamed,
  escapedClass,
  folded,
  not,
  only,
  range,
} from './pattern-classes.ts';

export type Place = 'text start' | 'text end' | 'line start' | 'line end' | 'word edge' | 'no word edge';

export type Tree =
  | { readonly kind: 'char'; readonly test: CharTest }
  | { readonly kind: 'place'; readonly place: Place }
  | { readonly kind: 'all'; readonly parts: readonly Tree[] }
  | { readonly kind: 'one'; readonly parts: readonly Tree[] }
  /** `max` undefined: any number. */
  | { readonly kind: 'repeat'; readonly part: Tree; readonly min: number; readonly max: number | undefined };

interface Flags {
  readonly i: boolean;
  readonly m: boolean;
  readonly s: boolean;
}

const PLACES: Readonly<Record<string, Place>> = {
  A: 'text start',
  z: 'text end',
  b: 'word edge',
  B: 'no word edge',
};
const CONTROLS: Readonly<Record<string, number>> = { a: 7, f: 12, t: 9, n: 10, r: 13, v: 11 };

/** @throws CodedError `bad_request`. */
export function parsePattern(text: string): Tree {
  // By code points: a pattern's dot is one character, however many units it takes.
  const chars = [...text];
  let at = 0;

  function wrong(): never {
    throw badRequest('the expression holds a pattern that is not valid');
  }
  const take = (char: string): boolean => {
    if (chars[at] !== char) return false;
    at++;
    return true;
  };
  const next = (): string => chars[at++] ?? wrong();

  function one(flags: Flags, depth: number): Tree {
    if (depth > AUDIT_PATTERN_DEPTH_MAX) wrong();
    const scope = { flags };
    const parts = [all(scope, depth)];
    while (take('|')) parts.push(all(scope, depth));
    return parts.length === 1 ? parts[0]! : { kind: 'one', parts };
  }

  /** Flags that are set in the midst of a group hold for what follows in it. */
  function all(scope: { flags: Flags }, depth: number): Tree {
    const parts: Tree[] = [];
    while (at < chars.length && chars[at] !== '|' && chars[at] !== ')') {
      const part = atom(scope, depth);
      if (part) parts.push(repeated(part));
    }
    return parts.length === 1 ? parts[0]! : { kind: 'all', parts };
  }

  function repeated(part: Tree): Tree {
    const times = counts();
    if (!times) return part;
    // Which of several matches is meant makes no difference to whether there is one.
    take('?');
    if (counts()) wrong();
    return { kind: 'repeat', part, ...times };
  }

  function counts(): { min: number; max: number | undefined } | undefined {
    if (take('*')) return { min: 0, max: undefined };
    if (take('+')) return { min: 1, max: undefined };
    if (take('?')) return { min: 0, max: 1 };
    // A brace that opens no count stands for itself, as in RE2.
    const found = /^\{(\d{1,5})(?:(,)(\d{1,5})?)?\}/.exec(chars.slice(at, at + 14).join(''));
    if (!found) return undefined;
    at += found[0].length;
    const min = Number(found[1]);
    const max = found[3] !== undefined ? Number(found[3]) : found[2] === undefined ? min : undefined;
    if (Math.max(min, max ?? 0) > AUDIT_PATTERN_REPEATS_MAX || (max ?? min) < min) wrong();
    return { min, max };
  }

  function atom(scope: { flags: Flags }, depth: number): Tree | undefined {
    const { flags } = scope;
    const char = next();
    switch (char) {
      case '(':
        return group(scope, depth);
      case '[':
        return { kind: 'char', test: set(flags) };
      case '.':
        return { kind: 'char', test: flags.s ? () => true : not(only(10)) };
      case '^':
        return { kind: 'place', place: flags.m ? 'line start' : 'text start' };
      case '$':
        return { kind: 'place', place: flags.m ? 'line end' : 'text end' };
      case '*':
      case '+':
      case '?':
        return wrong();
      case '\\':
        return escaped(flags);
      default:
        return { kind: 'char', test: literal(char.codePointAt(0)!, flags) };
    }
  }

  function group(scope: { flags: Flags }, depth: number): Tree | undefined {
    let { flags } = scope;
    if (take('?')) {
      const head = /^(?:P?<\w+>|([imsU]*)(?:-([imsU]+))?([:)]))/.exec(chars.slice(at, at + 200).join(''));
      if (!head) return wrong();
      at += head[0].length;
      const [, on = '', off = '', end] = head;
      const isOn = (flag: keyof Flags) => !off.includes(flag) && (on.includes(flag) || flags[flag]);
      flags = { i: isOn('i'), m: isOn('m'), s: isOn('s') };
      if (end === ')') {
        if (on === '' && off === '') wrong();
        scope.flags = flags;
        return undefined;
      }
    }
    const inner = one(flags, depth + 1);
    if (!take(')')) wrong();
    return inner;
  }

  function escaped(flags: Flags): Tree {
    if (chars[at] === 'Q') {
      at++;
      return quoted(flags);
    }
    const place = PLACES[chars[at] ?? ''];
    if (place) {
      at++;
      return { kind: 'place', place };
    }
    return { kind: 'char', test: escapedTest() ?? literal(escapedChar(), flags) };
  }

  /** `\Q…\E`: signs that stand for themselves. */
  function quoted(flags: Flags): Tree {
    const parts: Tree[] = [];
    while (at < chars.length) {
      if (chars[at] === '\\' && chars[at + 1] === 'E') {
        at += 2;
        break;
      }
      parts.push({ kind: 'char', test: literal(next().codePointAt(0)!, flags) });
    }
    return { kind: 'all', parts };
  }

  /** `\d`, `\pL` and their like; undefined: one character is meant. */
  function escapedTest(): CharTest | undefined {
    const char = chars[at] ?? wrong();
    const test = escapedClass(char);
    if (test) {
      at++;
      return test;
    }
    if (char !== 'p' && char !== 'P') return undefined;
    at++;
    const found = /^(?:\{(\^?)(\w{1,40})\}|([A-Z]))/.exec(chars.slice(at, at + 50).join('')) ?? wrong();
    at += found[0].length;
    const named = classNamed(found[2] ?? found[3]!) ?? wrong();
    return (found[1] === '^') === (char === 'P') ? named : not(named);
  }

  function escapedChar(): number {
    const char = next();
    const control = CONTROLS[char];
    if (control !== undefined) return control;
    if (char === 'x') {
      const found =
        /^(?:([\da-fA-F]{2})|\{([\da-fA-F]{1,6})\})/.exec(chars.slice(at, at + 8).join('')) ?? wrong();
      at += found[0].length;
      const code = Number.parseInt(found[1] ?? found[2]!, 16);
      return code > 0x10ffff ? wrong() : code;
    }
    if (char === '0') return 0;
    // A letter or digit may come to mean something; everything else stands for itself.
    if (/^[\da-zA-Z]$/.test(char)) wrong();
    return char.codePointAt(0)!;
  }

  function set(flags: Flags): CharTest {
    const negated = take('^');
    const tests: CharTest[] = [];
    for (let first = true; first || chars[at] !== ']'; first = false) {
      const named = /^\[:(\^?)(\w+):\]/.exec(chars.slice(at, at + 12).join(''));
      if (named) {
        at += named[0].length;
        const test = classNamed(`:${named[2]}`) ?? wrong();
        tests.push(named[1] === '^' ? not(test) : test);
        continue;
      }
      const low = setMember();
      if (typeof low !== 'number') tests.push(low);
      else if (chars[at] === '-' && chars[at + 1] !== ']' && chars[at + 1] !== undefined) {
        at++;
        const high = setMember();
        if (typeof high !== 'number' || high < low) return wrong();
        tests.push(range(low, high));
      } else tests.push(only(low));
    }
    at++;
    const test = flags.i ? folded(anyOf(tests)) : anyOf(tests);
    return negated ? not(test) : test;
  }

  function setMember(): CharTest | number {
    if (!take('\\')) return next().codePointAt(0)!;
    return escapedTest() ?? escapedChar();
  }

  const literal = (code: number, { i }: Flags): CharTest => (i ? folded(only(code)) : only(code));

  const tree = one({ i: false, m: false, s: false }, 0);
  if (at < chars.length) wrong();
  return tree;
}
