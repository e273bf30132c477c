/**
 * Contract §15's rules of selection, as slow and plain as they are written, to compare the compiled ACL with.
 *
 * @module
 */
import type { Capability } from '../../../src/auth/policies/capabilities.ts';

export interface PlainRule {
  readonly path: string;
  readonly capabilities: readonly Capability[];
}

/** The capabilities, sorted, of the path string that wins; undefined where nothing matches. */
export function referenceCapabilities(
  rules: readonly PlainRule[],
  path: string,
  isList: boolean,
): string[] | undefined {
  const won = winner(rules, path, isList);
  if (won === undefined) return undefined;
  const all = new Set(rules.filter((rule) => rule.path === won).flatMap((rule) => rule.capabilities));
  return all.has('deny') || all.size === 0 ? ['deny'] : [...all].sort();
}

function winner(rules: readonly PlainRule[], path: string, isList: boolean): string | undefined {
  const paths = [...new Set(rules.map((rule) => rule.path))];
  const bare = path.replace(/\/$/, '');
  const exact = paths.filter((pattern) => !pattern.endsWith('*') && !isSegmented(pattern));
  if (exact.includes(path)) return path;
  if (isList && exact.includes(bare)) return bare;
  return best(paths, path) ?? (isList && path.endsWith('/') ? best(paths, bare) : undefined);
}

function best(paths: readonly string[], path: string): string | undefined {
  const matching = paths.filter((pattern) => matches(pattern, path));
  return matching.sort(byPrecedence)[0];
}

function isSegmented(pattern: string): boolean {
  return pattern === '+' || pattern.startsWith('+/') || pattern.includes('/+');
}

function matches(pattern: string, path: string): boolean {
  if (!isSegmented(pattern)) return pattern.endsWith('*') && path.startsWith(pattern.slice(0, -1));
  const glob = pattern.endsWith('*');
  const source = pattern
    .replace(/\*$/, '')
    .split('/')
    .map((segment) => (segment === '+' ? '[^/]*' : segment.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')))
    .join('/');
  return new RegExp(`^${source}${glob ? '' : '$'}`, 's').test(path);
}

function byPrecedence(a: string, b: string): number {
  const [x, y] = [describe(a), describe(b)];
  return (
    y.first - x.first ||
    Number(x.glob) - Number(y.glob) ||
    x.wildcards - y.wildcards ||
    y.text.length - x.text.length ||
    (x.text < y.text ? 1 : -1)
  );
}

function describe(pattern: string): { first: number; glob: boolean; wildcards: number; text: string } {
  const text = pattern.replace(/\*$/, '');
  const segmented = isSegmented(pattern);
  return {
    first: segmented ? pattern.indexOf('+') : text.length,
    glob: pattern.endsWith('*'),
    wildcards: segmented ? text.split('/').filter((segment) => segment === '+').length : 0,
    text,
  };
}
