/**
 * A command line that is not finished, as words; and words as a shell takes them literally.
 *
 * @module
 */

export interface Line {
  /** Before the one at the cursor, without their quotes. The first is the program. */
  readonly words: readonly string[];
  /** At the cursor, without its quotes; '' where a new one begins. */
  readonly current: string;
  /** The same as it was typed. */
  readonly typed: string;
  /** It begins within quotes that are not closed. */
  readonly isQuoted: boolean;
}

/** Reads a line up to the cursor: quotes and backslashes as shells have them, nothing else of their language. */
export function parseLine(text: string): Line {
  const words: string[] = [];
  let word = '';
  let from = 0;
  let quote = '';
  let isBegun = false;
  let hasQuotes = false;
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!;
    if (quote === "'") {
      if (char === "'") quote = '';
      else word += char;
    } else if (char === '\\') {
      word += text[++at] ?? '';
      isBegun = true;
    } else if (quote === '"') {
      if (char === '"') quote = '';
      else word += char;
    } else if (char === '"' || char === "'") {
      quote = char;
      isBegun = hasQuotes = true;
    } else if (/\s/.test(char)) {
      if (isBegun) words.push(word);
      word = '';
      isBegun = hasQuotes = false;
      from = at + 1;
    } else {
      word += char;
      isBegun = true;
    }
  }
  return { words, current: word, typed: text.slice(from), isQuoted: hasQuotes };
}

/** Signs that mean themselves in every shell, wherever they stand in a word. */
const PLAIN = /^[\w@%+=:,./-]*$/;

export function isPlain(text: string): boolean {
  return PLAIN.test(text);
}

/** So that bash takes it literally, outside of quotes: a name is whatever somebody chose, `$(…)` too. */
export function escapedForBash(text: string): string {
  return text.replace(/[^\w@%+=:,./\u0080-\u{10ffff}-]/gu, '\\$&');
}
