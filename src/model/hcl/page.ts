/**
 * Lines of text that are put into one another: a value is glued to its key's line, a block is indented, and lines whose white space
 * is part of a value (heredocs) stay where they are.
 *
 * @module
 */

interface Line {
  text: string;
  /** Not to be indented. */
  readonly fixed: boolean;
}

const INDENT = '  ';

export class Page {
  readonly #lines: Line[] = [{ text: '', fixed: false }];

  /** One line of text, or several of which the second and later ones stay where they are. */
  static fixed(text: string): Page {
    const page = new Page();
    const [first = '', ...rest] = text.split('\n');
    page.write(first);
    for (const line of rest) page.#lines.push({ text: line, fixed: true });
    return page;
  }

  get height(): number {
    return this.#lines.length;
  }

  /** UTF-8 bytes, newlines counted. */
  get bytes(): number {
    return this.#lines.reduce((sum, line) => sum + Buffer.byteLength(line.text) + 1, -1);
  }

  /** Puts `text` at the end; each newline in it starts a line. */
  write(text: string): this {
    const [first = '', ...rest] = text.split('\n');
    this.#last.text += first;
    for (const line of rest) this.#lines.push({ text: line, fixed: false });
    return this;
  }

  newline(): this {
    this.#lines.push({ text: '', fixed: false });
    return this;
  }

  /** Its first line goes on with our last one. `other` is not used any more. */
  glue(other: Page): this {
    const [first, ...rest] = other.#lines;
    this.#last.text += first?.text ?? '';
    for (const line of rest) this.#lines.push(line);
    return this;
  }

  /** Two spaces in front of every line that is neither empty nor fixed. */
  indent(): this {
    for (const line of this.#lines) {
      if (!line.fixed && line.text !== '') line.text = INDENT + line.text;
    }
    return this;
  }

  toString(): string {
    return this.#lines.map((line) => line.text).join('\n');
  }

  get #last(): Line {
    return this.#lines.at(-1) as Line;
  }
}
