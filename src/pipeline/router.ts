/**
 * Route tables, compiled: which route of an engine a path names, and what its captures are.
 *
 * @module
 */
import type { Engine, Route } from '../model/engine.ts';

export interface Match {
  readonly pattern: string;
  readonly route: Route;
  readonly captures: Readonly<Record<string, string>>;
}

export interface Router {
  /**
   * @param path - relative to the mount. A list's ends in `/`, which only a `:path*` or `:path+` capture keeps.
   * @param isList - for any other verb, a path with a slash at its end is another path, and only these may take it.
   */
  match(path: string, isList?: boolean): Match | undefined;
}

interface Compiled {
  readonly pattern: string;
  readonly route: Route;
  readonly segments: readonly Segment[];
}

type Segment =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'name'; readonly name: string; readonly lowerCase: boolean }
  | {
      readonly kind: 'rest';
      readonly name: string;
      readonly lowerCase: boolean;
      readonly mayBeEmpty: boolean;
      /** The literals behind it, such as `/tune`; '' where it is the last segment. */
      readonly tail: string;
    };

const CAPTURE = /^:(\w+)([*+]?)$/;

/** Vault's name class: begins and ends with a word character, `-` and `.` inside (contract §1.1, Path regexes). */
const NAME = /^\w(?:[\w.-]*\w)?$/;

export function makeRouter(engine: Engine): Router {
  const compiled = Object.entries(engine.routes).map(([pattern, route]) => compile(pattern, route));
  // Candidates by first segment, in the order of the table, so that most requests look at one or two.
  const byFirst = new Map<string, Compiled[]>();
  const others: Compiled[] = [];
  for (const candidate of compiled) {
    const first = candidate.segments[0];
    if (first?.kind === 'literal') byFirst.set(first.text, []);
  }
  for (const candidate of compiled) {
    const first = candidate.segments[0];
    if (first?.kind === 'literal') byFirst.get(first.text)!.push(candidate);
    else {
      others.push(candidate);
      for (const list of byFirst.values()) list.push(candidate);
    }
  }

  return {
    match(path, isList = false) {
      const slash = path.indexOf('/');
      const first = slash < 0 ? path : path.slice(0, slash);
      for (const candidate of byFirst.get(first) ?? others) {
        const captures = matchOne(candidate.segments, path, isList);
        if (captures) return { pattern: candidate.pattern, route: candidate.route, captures };
      }
      return undefined;
    },
  };
}

function compile(pattern: string, route: Route): Compiled {
  const segments = (pattern === '' ? [] : pattern.split('/')).map((text, index, all): Segment => {
    const [, name, rest] = CAPTURE.exec(text) ?? [];
    if (name === undefined) return { kind: 'literal', text };
    const lowerCase = route.lowerCase?.includes(name) ?? false;
    if (rest === '') return { kind: 'name', name, lowerCase };
    const tail = all.slice(index + 1).map((literal) => `/${literal}`);
    const mayBeEmpty = rest === '*' && tail.length === 0;
    return { kind: 'rest', name, lowerCase, mayBeEmpty, tail: tail.join('') };
  });
  return { pattern, route, segments };
}

function matchOne(
  segments: readonly Segment[],
  path: string,
  isList: boolean,
): Record<string, string> | undefined {
  const captures: Record<string, string> = {};
  let at = 0;
  for (const segment of segments) {
    if (segment.kind === 'rest') {
      const text = path.slice(at, path.length - segment.tail.length);
      if ((text === '' && !segment.mayBeEmpty) || !path.endsWith(segment.tail)) return undefined;
      captures[segment.name] = segment.lowerCase ? text.toLowerCase() : text;
      return captures;
    }
    if (at >= path.length) return undefined;
    const slash = path.indexOf('/', at);
    const end = slash < 0 ? path.length : slash;
    const text = path.slice(at, end);
    if (segment.kind === 'literal') {
      if (text !== segment.text) return undefined;
    } else {
      if (!NAME.test(text)) return undefined;
      captures[segment.name] = segment.lowerCase ? text.toLowerCase() : text;
    }
    at = end + 1;
  }
  // All of the path is used up, but for the slash that ends a list.
  const isUsedUp = at > path.length || path === '';
  return isUsedUp || (isList && at === path.length) ? captures : undefined;
}

/** The path with the captures as the route spells them, for policy and audit: lower-cased where the table says so. */
export function canonicalRelative(pattern: string, match: Match, path: string): string {
  if (match.route.lowerCase === undefined) return path;
  const text = pattern
    .split('/')
    .map((segment) => match.captures[CAPTURE.exec(segment)?.[1] ?? ''] ?? segment)
    .join('/');
  return path.endsWith('/') && !text.endsWith('/') ? `${text}/` : text;
}
