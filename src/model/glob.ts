/**
 * Texts that stand for others: `*` is any text. Looked for piece by piece from the left, so that no pattern takes longer than its length times
 * the text's.
 *
 * @module
 */

export interface GlobOptions {
  /** It has to be the whole text; otherwise it may stand anywhere in it. */
  readonly whole?: boolean;
  readonly ignoreCase?: boolean;
}

export function makeGlob(
  pattern: string,
  { whole = false, ignoreCase = false }: GlobOptions = {},
): (text: string) => boolean {
  const spelled = (text: string) => (ignoreCase ? text.toLowerCase() : text);
  const pieces = spelled(whole ? pattern : `*${pattern}*`).split('*');
  const first = pieces[0]!;
  const last = pieces.at(-1)!;
  const middle = pieces.slice(1, -1).filter((piece) => piece !== '');
  if (pieces.length === 1) return (text) => spelled(text) === first;
  return (whole) => {
    const text = spelled(whole);
    if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last))
      return false;
    const end = text.length - last.length;
    let at = first.length;
    for (const piece of middle) {
      const found = text.indexOf(piece, at);
      if (found < 0 || found + piece.length > end) return false;
      at = found + piece.length;
    }
    return true;
  };
}
