/**
 * HCL 1 in its usual layout: what `vault policy fmt` writes. Where that loses or moves a comment, we keep it where it stood.
 *
 * @module
 */
import type { CommentGroup, HclItem, HclList, HclLiteral, HclObject, HclValue, Position } from './ast.ts';
import { Page } from './page.ts';
import { parseHcl } from './parser.ts';

/**
 * Two spaces a level; neighbouring attributes of a block aligned at their `=` and comments; an empty line between all else.
 * @returns Text that ends in a newline.
 * @throws HclError
 */
export function formatHcl(text: string): string {
  const file = parseHcl(text);
  const attached = new Set<CommentGroup>();
  collectAttached(file.items, attached);
  const layout = new Layout(file.comments.filter((group) => !attached.has(group)));
  return `${layout.file(file.items)}\n`;
}

function collectAttached(items: readonly HclItem[], into: Set<CommentGroup>): void {
  for (const item of items) {
    addComments(item, into);
    collectFromValue(item.value, into);
  }
}

function collectFromValue(value: HclValue, into: Set<CommentGroup>): void {
  if (value.kind === 'object') collectAttached(value.items, into);
  else if (value.kind === 'list') for (const element of value.elements) collectFromValue(element, into);
  else addComments(value, into);
}

function addComments(node: HclItem | HclLiteral, into: Set<CommentGroup>): void {
  if (node.leadComment !== undefined) into.add(node.leadComment);
  if (node.lineComment !== undefined) into.add(node.lineComment);
}

class Layout {
  /** Comments that belong to no item, in order; the first `#printed` of them are on the page. */
  readonly #loose: readonly CommentGroup[];
  #printed = 0;

  constructor(loose: readonly CommentGroup[]) {
    this.#loose = loose;
  }

  file(items: readonly HclItem[]): Page {
    const page = new Page();
    items.forEach((item, index) => {
      for (const group of this.#looseBefore(item.keys[0]?.position)) page.write(`${lines(group)}\n\n`);
      page.glue(this.#item(item));
      const next = items[index + 1];
      if (next !== undefined) page.write(canHug(item, next) ? '\n' : '\n\n');
    });
    for (const group of this.#looseBefore(undefined)) {
      page.write(items.length > 0 ? `\n\n${lines(group)}\n` : `${lines(group)}\n`);
    }
    return page;
  }

  #item(item: HclItem): Page {
    const page = new Page();
    if (item.leadComment !== undefined) page.write(`${lines(item.leadComment)}\n`);
    const sameLine = commentFollows(item);
    if (item.lineComment !== undefined && !sameLine) page.write(`${lines(item.lineComment)}\n`);
    for (const { raw } of item.keys) page.glue(Page.fixed(raw)).write(' ');
    if (item.assign !== undefined) page.write('= ');
    page.glue(this.#value(item.value));
    if (item.lineComment !== undefined && sameLine) page.write(` ${texts(item.lineComment)}`);
    return page;
  }

  #value(value: HclValue): Page {
    if (value.kind === 'object') return this.#object(value);
    if (value.kind === 'list') return isOneLine(value) ? this.#shortList(value) : this.#longList(value);
    return Page.fixed(value.kind === 'heredoc' ? value.raw.replace(/\n$/, '') : value.raw);
  }

  #object(object: HclObject): Page {
    const page = new Page().write('{');
    const { items } = object;
    let opened = false;
    let commented = false;
    let index = 0;
    for (;;) {
      const next = items[index]?.keys[0]?.position ?? object.end;
      for (const group of this.#looseBefore(next)) {
        if (!opened) page.newline();
        opened = true;
        for (const [n, comment] of group.entries()) {
          if (index > 0) commented = true;
          if (index > 0 || n > 0) page.newline();
          page.glue(Page.fixed(comment.text).indent());
        }
        page.newline();
        if (index < items.length && next.line !== (group.at(-1)?.position.line ?? 0) + 1) page.newline();
      }
      if (index === items.length) break;
      if (!opened) page.newline();
      opened = true;
      const run = this.#alignable(items, index);
      if (!commented && index > 0) page.newline();
      if (run.length > 0) page.glue(this.#aligned(run).indent());
      else page.glue(this.#item(items[index] as HclItem).indent());
      index += Math.max(run.length, 1);
      page.newline();
    }
    return page.write('}');
  }

  /** The items from `from` on, each on the line after the one before, which fit on one line each. */
  #alignable(items: readonly HclItem[], from: number): HclItem[] {
    const run: HclItem[] = [];
    if (items.length === 1) return run;
    for (let index = from; index < items.length; index++) {
      const item = items[index] as HclItem;
      if (this.#height(item) > 2) break;
      const line = startLine(item);
      const before = index === 0 ? 0 : startLine(items[index - 1]);
      const after = startLine(items[index + 1]);
      if (line + 1 !== after && line - 1 !== before) break;
      run.push(item);
      if (line + 1 !== after) break;
    }
    return run;
  }

  #aligned(items: readonly HclItem[]): Page {
    const values = items.map((item) => this.#value(item.value));
    const keyBytes = Math.max(...items.map((item) => Buffer.byteLength(item.keys[0]?.raw ?? '')));
    const valueBytes = Math.max(...values.map((value) => value.bytes));
    const page = new Page();
    items.forEach((item, index) => {
      const value = values[index] as Page;
      const sameLine = commentFollows(item);
      if (item.leadComment !== undefined) page.write(`${lines(item.leadComment)}\n`);
      if (item.lineComment !== undefined && !sameLine) page.write(`${lines(item.lineComment)}\n`);
      for (const { raw } of item.keys)
        page.write(raw + ' '.repeat(Math.max(keyBytes - Buffer.byteLength(raw), 0) + 1));
      // An empty block among its neighbours becomes an attribute, as in Vault.
      if (item.keys.length === 1) page.write('= ');
      const padding = ' '.repeat(valueBytes - value.bytes + 1);
      page.glue(value);
      if (item.lineComment !== undefined && sameLine) page.write(padding + texts(item.lineComment));
      if (index < items.length - 1) page.newline();
    });
    return page;
  }

  /** How many lines the item will take, or just more than two. Looks at the item itself only, not at what is inside it. */
  #height(item: HclItem): number {
    const comment = commentFollows(item) ? [] : (item.lineComment ?? []);
    const above = [...(item.leadComment ?? []), ...comment];
    let height = above.reduce((sum, { text }) => sum + text.split('\n').length, 0);
    for (const { raw } of item.keys) height += raw.split('\n').length - 1;
    const { value } = item;
    if (value.kind === 'object') {
      height += value.items.length > 0 || this.#looseInside(value) ? 3 : 1;
    } else if (value.kind === 'list') {
      height += isOneLine(value) ? this.#shortList(value).height : 3;
    } else height += value.raw.replace(/\n$/, '').split('\n').length;
    return height;
  }

  #shortList(list: HclList): Page {
    const page = new Page().write('[');
    list.elements.forEach((element, index) => {
      if (index > 0) page.write(', ');
      page.glue(this.#value(element));
      // A heredoc's closing mark stands alone on its line.
      if (element.kind === 'heredoc') page.newline();
    });
    return page.write(']');
  }

  #longList(list: HclList): Page {
    const longest = Math.max(
      ...list.elements.map((element) => ('raw' in element ? Buffer.byteLength(element.raw) : 0)),
    );
    const page = new Page().write('[').newline();
    let emptyLine = false;
    list.elements.forEach((element, index) => {
      const lead = 'raw' in element ? element.leadComment : undefined;
      if (lead !== undefined) {
        if (!emptyLine && index > 0) page.newline();
        page.glue(new Page().write(lines(lead)).indent()).newline();
      }
      const value = this.#value(element);
      const padding = ' '.repeat(Math.max(longest - value.bytes, 0) + 1);
      page.glue(value.indent());
      if (element.kind === 'heredoc') page.newline().glue(new Page().write(',').indent());
      else page.write(',');
      if ('raw' in element && element.lineComment !== undefined)
        page.write(padding + texts(element.lineComment));
      page.newline();
      emptyLine = lead !== undefined && index < list.elements.length - 1;
      if (emptyLine) page.newline();
    });
    return page.write(']');
  }

  /** The loose comments not yet printed that stand before `position`, or all that are left. */
  #looseBefore(position: Position | undefined): CommentGroup[] {
    const groups: CommentGroup[] = [];
    for (;;) {
      const group = this.#loose[this.#printed];
      const start = group?.[0]?.position;
      if (group === undefined || start === undefined) return groups;
      if (position !== undefined && !isBefore(start, position)) return groups;
      groups.push(group);
      this.#printed++;
    }
  }

  #looseInside(object: HclObject): boolean {
    let low = 0;
    let high = this.#loose.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isBefore(startOf(this.#loose[middle]), object.position)) low = middle + 1;
      else high = middle;
    }
    return low < this.#loose.length && isBefore(startOf(this.#loose[low]), object.end);
  }
}

/** Written on one line, of literals only, no comment, at most one heredoc: stays on one line. */
function isOneLine(list: HclList): boolean {
  return list.elements.every(
    (element) =>
      element.position.line === list.position.line &&
      'raw' in element &&
      (element.kind !== 'heredoc' || list.elements.length === 1) &&
      element.lineComment === undefined,
  );
}

/** Two empty blocks on neighbouring lines need no empty line between them. */
function canHug(item: HclItem, next: HclItem): boolean {
  return startLine(next) === startLine(item) + 1 && isEmptyBlock(item) && isEmptyBlock(next);
}

function isEmptyBlock(item: HclItem): boolean {
  return (
    item.leadComment === undefined &&
    item.assign === undefined &&
    item.value.kind === 'object' &&
    item.value.items.length === 0
  );
}

/** Can its comment stand behind it? A closing heredoc mark stands alone on its line. */
function commentFollows({ keys, value }: HclItem): boolean {
  return value.position.line === keys[0]?.position.line && value.kind !== 'heredoc';
}

function startOf(group: CommentGroup | undefined): Position {
  return group?.[0]?.position ?? { line: 0, column: 0 };
}

function startLine(item: HclItem | undefined): number {
  return item?.keys[0]?.position.line ?? 0;
}

function isBefore(a: Position, b: Position): boolean {
  return a.line < b.line || (a.line === b.line && a.column < b.column);
}

function lines(group: CommentGroup): string {
  return group.map(({ text }) => text).join('\n');
}

function texts(group: CommentGroup): string {
  return group.map(({ text }) => text).join('');
}
