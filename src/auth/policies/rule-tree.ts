/**
 * Finds the rule that comes first among those that are no exact paths, in one walk down the path.
 *
 * The order of contract §15 (the later first wildcard; then not ending in `*`; then fewer `+`; then the longer; then the greater) puts
 * patterns with different places of the first wildcard in the order of those places. All patterns that match a path start with the same
 * characters, so they hang in one radix tree by the text before their first wildcard, and the deepest node with a match decides.
 *
 * @module
 */
import { comesBeforePrefix, comparePrecedence, matchesSegments, type SegmentPattern } from './pattern.ts';

interface Segments<R> {
  readonly pattern: SegmentPattern;
  readonly rule: R;
}

class Node<R> {
  /** What this node adds to its parent's text. */
  edge: string;
  children: Map<number, Node<R>> | undefined;
  /** `+` patterns whose first `+` stands here, the first to be tried first; those that come before a plain prefix. */
  before: Segments<R>[] = [];
  /** The plain prefix that ends here. */
  prefix: R | undefined;
  /** The other `+` patterns. */
  after: Segments<R>[] = [];

  constructor(edge: string) {
    this.edge = edge;
  }
}

export class RuleTree<R> {
  readonly #root = new Node<R>('');

  addPrefix(text: string, rule: R): void {
    this.#at(text).prefix = rule;
  }

  addSegments(all: readonly Segments<R>[]): void {
    for (const one of all.toSorted((a, b) => comparePrecedence(a.pattern, b.pattern))) {
      const node = this.#at(one.pattern.head);
      (comesBeforePrefix(one.pattern) ? node.before : node.after).push(one);
    }
  }

  /** The rule that decides about `path` where no exact one does. */
  find(path: string): R | undefined {
    return find(this.#root, path, 0);
  }

  /** The node for `text`, made where it is missing. */
  #at(text: string): Node<R> {
    let node = this.#root;
    let at = 0;
    while (at < text.length) {
      node.children ??= new Map();
      const child = node.children.get(text.charCodeAt(at));
      if (child === undefined) {
        const leaf = new Node<R>(text.slice(at));
        node.children.set(text.charCodeAt(at), leaf);
        return leaf;
      }
      const common = commonLength(child.edge, text, at);
      node = common === child.edge.length ? child : split(node, child, common);
      at += common;
    }
    return node;
  }
}

function split<R>(parent: Node<R>, child: Node<R>, at: number): Node<R> {
  const middle = new Node<R>(child.edge.slice(0, at));
  child.edge = child.edge.slice(at);
  middle.children = new Map([[child.edge.charCodeAt(0), child]]);
  parent.children?.set(middle.edge.charCodeAt(0), middle);
  return middle;
}

function commonLength(edge: string, text: string, at: number): number {
  let length = 0;
  while (length < edge.length && edge.charCodeAt(length) === text.charCodeAt(at + length)) length++;
  return length;
}

/** @param at - How much of `path` the nodes down to this one have compared. */
function find<R>(node: Node<R>, path: string, at: number): R | undefined {
  if (node.children !== undefined && at < path.length) {
    const child = node.children.get(path.charCodeAt(at));
    if (child !== undefined && path.startsWith(child.edge, at)) {
      const deeper = find(child, path, at + child.edge.length);
      if (deeper !== undefined) return deeper;
    }
  }
  return firstMatch(node.before, path) ?? node.prefix ?? firstMatch(node.after, path);
}

function firstMatch<R>(list: readonly Segments<R>[], path: string): R | undefined {
  for (const { pattern, rule } of list) if (matchesSegments(pattern, path)) return rule;
  return undefined;
}
