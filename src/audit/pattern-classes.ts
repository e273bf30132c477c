/**
 * Which characters a place of a pattern takes: single ones, ranges, and RE2's classes.
 *
 * @module
 */

/** Of a code point. */
export type CharTest = (code: number) => boolean;

export const only =
  (wanted: number): CharTest =>
  (code) =>
    code === wanted;

/** Both ends are in it. */
export const range =
  (low: number, high: number): CharTest =>
  (code) =>
    code >= low && code <= high;

export const not =
  (test: CharTest): CharTest =>
  (code) =>
    !test(code);

export function anyOf(tests: readonly CharTest[]): CharTest {
  return tests.length === 1 ? tests[0]! : (code) => tests.some((test) => test(code));
}

/** Whatever its case. */
export function folded(test: CharTest): CharTest {
  return (code) => {
    if (test(code)) return true;
    const char = String.fromCodePoint(code);
    return isCase(test, char.toLowerCase()) || isCase(test, char.toUpperCase());
  };
}

/** A case that is longer than one character is none that a class can hold. */
function isCase(test: CharTest, char: string): boolean {
  const code = char.codePointAt(0)!;
  return char.length === (code > 0xffff ? 2 : 1) && test(code);
}

/** One character against a class of the language's own: there is nothing to go back to. */
const byRegExp =
  (pattern: RegExp): CharTest =>
  (code) =>
    pattern.test(String.fromCodePoint(code));

const DIGIT = range(0x30, 0x39);
const SPACE = byRegExp(/^[\t\n\f\r ]$/);
export const WORD: CharTest = (code) =>
  (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a) || DIGIT(code) || code === 0x5f;

const ESCAPED: Readonly<Record<string, CharTest>> = {
  d: DIGIT,
  D: not(DIGIT),
  s: SPACE,
  S: not(SPACE),
  w: WORD,
  W: not(WORD),
};

export function escapedClass(char: string): CharTest | undefined {
  return Object.hasOwn(ESCAPED, char) ? ESCAPED[char] : undefined;
}

const POSIX: Readonly<Record<string, RegExp>> = {
  alnum: /^[0-9A-Za-z]$/,
  alpha: /^[A-Za-z]$/,
  ascii: /^[\0-\x7f]$/,
  blank: /^[\t ]$/,
  cntrl: /^[\0-\x1f\x7f]$/,
  digit: /^[0-9]$/,
  graph: /^[!-~]$/,
  lower: /^[a-z]$/,
  print: /^[ -~]$/,
  punct: /^[!-/:-@[-`{-~]$/,
  space: /^[\t\n\v\f\r ]$/,
  upper: /^[A-Z]$/,
  word: /^[0-9A-Za-z_]$/,
  xdigit: /^[0-9A-Fa-f]$/,
};

/** A category or script of Unicode (`L`, `Greek`), or with a colon before it one of POSIX's (`:alpha`). */
export function classNamed(name: string): CharTest | undefined {
  if (name.startsWith(':')) {
    const posix = name.slice(1);
    return Object.hasOwn(POSIX, posix) ? byRegExp(POSIX[posix]!) : undefined;
  }
  if (name === 'Any') return () => true;
  for (const property of [`General_Category=${name}`, `Script=${name}`]) {
    try {
      return byRegExp(new RegExp(`^\\p{${property}}$`, 'u'));
    } catch {
      // Perhaps one of the other kind.
    }
  }
  return undefined;
}
