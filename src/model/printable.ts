/** @module Which characters are printable, as Go has it, and texts in quotes with all others escaped. */

/** Whatever is not Go's `unicode.IsPrint`: letters, marks, numbers, punctuation, symbols, and of the blanks only U+0020. */
export const UNPRINTABLE = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u;

const ESCAPES: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '"': '\\"',
  '\\': '\\\\',
};

/** Go's `strconv.Quote`: a double-quoted string in which everything that is not printable is escaped. */
export function quote(text: string): string {
  let out = '"';
  for (const char of text) {
    const known = ESCAPES[char];
    const code = char.codePointAt(0) as number;
    if (known !== undefined) out += known;
    else if (!UNPRINTABLE.test(char)) out += char;
    else if (code < 0x80) out += `\\x${code.toString(16).padStart(2, '0')}`;
    else if (code > 0xffff) out += `\\U${code.toString(16).padStart(8, '0')}`;
    else out += `\\u${code.toString(16).padStart(4, '0')}`;
  }
  return `${out}"`;
}
