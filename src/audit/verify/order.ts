/**
 * The order of rotated files, as their names say it: `audit.log.2.gz`, `audit.log.1`, `audit.log`; or `audit.log-20261101`, `audit.log`.
 *
 * @module
 */
import { basename } from 'node:path';

interface Name {
  /** What all files of one log begin with. */
  readonly stem: string;
  /** How old: greater is older; undefined: the file that is written to. */
  readonly number?: number;
  /** When it was rotated: greater is younger. */
  readonly date?: string;
}

const ROTATED = /^(.+?)(?:\.(\d{1,6})|[.-](\d{8}\d*|\d{4}-\d\d-\d\d[\dT:_-]*))?(?:\.gz|\.zst)?$/;

function nameOf(path: string): Name {
  const found = ROTATED.exec(basename(path));
  if (!found) return { stem: basename(path) };
  const [, stem, number, date] = found;
  return { stem: stem!, number: number === undefined ? undefined : Number(number), date };
}

/** What a file is called without what rotation adds to it. */
export function stemOf(path: string): string {
  return nameOf(path).stem;
}

/** Oldest first, files of one log together in the place of the first of them. Names that say nothing stay as they are given. */
export function inOrder(paths: readonly string[]): string[] {
  const byStem = Map.groupBy(paths, stemOf);
  return [...byStem.values()].flatMap((group) => group.toSorted(older));
}

function older(a: string, b: string): number {
  const [one, two] = [nameOf(a), nameOf(b)];
  const [isLiveOne, isLiveTwo] = [one, two].map(
    ({ number, date }) => number === undefined && date === undefined,
  );
  if (isLiveOne || isLiveTwo) return Number(isLiveOne) - Number(isLiveTwo);
  if (one.number !== undefined && two.number !== undefined) return two.number - one.number;
  if (one.date !== undefined && two.date !== undefined)
    return one.date < two.date ? -1 : one.date > two.date ? 1 : 0;
  return 0;
}
