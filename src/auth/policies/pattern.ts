/**
 * The three kinds of path a rule can have, and which of two that match the same request comes first (contract §15).
 *
 * @module
 */
import { fill, type Template } from './template.ts';

/** One path, character by character. */
export interface ExactPattern {
  readonly kind: 'exact';
  readonly text: string;
}

/** Ended in `*`: whatever starts with `text`. */
export interface PrefixPattern {
  readonly kind: 'prefix';
  readonly text: string;
}

/** Has a `+`, which stands for one segment, whatever is in it. May end in `*`. */
export interface SegmentPattern {
  readonly kind: 'segments';
  /** As the policy says it, values filled in, without the `*` at its end. */
  readonly text: string;
  /** What each segment has to be; null: anything. With `open` the last one is what it has to start with. */
  readonly segments: readonly (string | null)[];
  /** Ended in `*`. */
  readonly open: boolean;
  /** What stands before the first `+`: every path it matches starts with that. */
  readonly head: string;
  /** Tells it apart from others. Not `text`, since a `+` that came from a value is no wildcard. */
  readonly key: string;
}

export type Pattern = ExactPattern | PrefixPattern | SegmentPattern;

/** Does the path have `+` segments, as HCL's author means them? `a+b/*` has none. */
export function hasSegmentWildcards(text: string): boolean {
  return text === '+' || text.startsWith('+/') || text.includes('/+');
}

/**
 * The pattern that a rule's path is, once `values` stand in for its directives.
 * @param template - Of the path without a leading slash.
 */
export function patternOf(template: Template, values: readonly string[]): Pattern {
  const { text } = template;
  const open = text.endsWith('*');
  const bare = open ? text.slice(0, -1) : text;
  const filled = fill(bare, values, 0).text;
  if (!hasSegmentWildcards(text)) return { kind: open ? 'prefix' : 'exact', text: filled };
  const segments: (string | null)[] = [];
  let next = 0;
  for (const segment of bare.split('/')) {
    if (segment === '+') segments.push(null);
    else {
      const part = fill(segment, values, next);
      next = part.next;
      // A value may hold a slash in a rule that denies: then it names a path of more segments.
      segments.push(...part.text.split('/'));
    }
  }
  const head = fill(bare.slice(0, bare.indexOf('+')), values, 0).text;
  return { kind: 'segments', text: filled, segments, open, head, key: keyOf(segments, open) };
}

/** The same pattern with its text below `mount` (ends in `/`) lower-cased; unchanged where it reaches no name below it. */
export function foldBelow(pattern: Pattern, mount: string): Pattern {
  if (pattern.kind !== 'segments') {
    return pattern.text.startsWith(mount)
      ? { ...pattern, text: mount + pattern.text.slice(mount.length).toLowerCase() }
      : pattern;
  }
  const depth = mount.split('/').length - 1;
  const segments = pattern.segments.map((segment, index) =>
    index < depth ? segment : (segment?.toLowerCase() ?? null),
  );
  const fold = (text: string) =>
    text
      .split('/')
      .map((part, index) => (index < depth ? part : part.toLowerCase()))
      .join('/');
  return {
    ...pattern,
    text: fold(pattern.text),
    segments,
    head: fold(pattern.head),
    key: keyOf(segments, pattern.open),
  };
}

function keyOf(segments: readonly (string | null)[], open: boolean): string {
  return JSON.stringify([segments, open]);
}

/** Does a pattern match a path by itself? */
export function matches(pattern: Pattern, path: string): boolean {
  if (pattern.kind === 'exact') return pattern.text === path;
  return pattern.kind === 'prefix' ? path.startsWith(pattern.text) : matchesSegments(pattern, path);
}

/** Does `path` match? What comes before `pattern.head` has been compared already and is compared again: it is short. */
export function matchesSegments(pattern: SegmentPattern, path: string): boolean {
  const { segments, open } = pattern;
  const last = segments.length - 1;
  let at = 0;
  for (let index = 0; index <= last; index++) {
    const segment = segments[index] as string | null;
    if (index === last && open) return segment === null || path.startsWith(segment, at);
    let end = path.indexOf('/', at);
    if (end === -1) end = path.length;
    if (segment !== null && (end - at !== segment.length || !path.startsWith(segment, at))) return false;
    if (index === last) return end === path.length;
    if (end === path.length) return false;
    at = end + 1;
  }
  return false;
}

/**
 * Which of two patterns with the same head comes first: not ending in `*`, then fewer `+`, then the longer one, then the one that is
 * greater byte by byte.
 * @returns Negative where `a` comes first.
 */
export function comparePrecedence(a: SegmentPattern, b: SegmentPattern): number {
  const [aBytes, bBytes] = [Buffer.from(a.text), Buffer.from(b.text)];
  return (
    Number(a.open) - Number(b.open) ||
    wildcards(a) - wildcards(b) ||
    bBytes.length - aBytes.length ||
    Buffer.compare(bBytes, aBytes)
  );
}

/** Does it come before the plain prefix that ends where its first `+` stands? That one ends in `*`, has no `+`, and is shorter. */
export function comesBeforePrefix(pattern: SegmentPattern): boolean {
  return !pattern.open || wildcards(pattern) === 0;
}

function wildcards(pattern: SegmentPattern): number {
  return pattern.segments.filter((segment) => segment === null).length;
}

/** May a path under `mount` (ends in `/`), or a list of it, match? For what the UI shows of mounts. */
export function mayMatchUnder(pattern: SegmentPattern, mount: string): boolean {
  const { segments, open } = pattern;
  const last = segments.length - 1;
  return mount
    .slice(0, -1)
    .split('/')
    .every((part, index) => {
      if (index > last) return open;
      const segment = segments[index];
      return (
        segment === null || segment === part || (open && index === last && part.startsWith(segment as string))
      );
    });
}
