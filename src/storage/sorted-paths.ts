/**
 * Paths in the order of their bytes, cheap to add to: a list looks at what begins as it asks, and at nothing else.
 *
 * Sorted runs, each at least twice as long as the one behind it, and behind them what was added last, unsorted. Two runs of one length become
 * one, so that each path is moved a few times only, and a look is one search in each of a few runs.
 *
 * @module
 */
import { isAscii } from './path.ts';

/** Unsorted paths at most: sorted anew for each list that follows an addition. */
const FRESH_MAX = 128;

export class SortedPaths {
  /** As `asBytes` makes them; the longest run comes first. */
  readonly #runs: string[][] = [];
  #fresh: string[] = [];
  #isSorted = true;

  /** @param path - one that is not in it yet. */
  add(path: string): void {
    this.#fresh.push(asBytes(path));
    this.#isSorted = false;
    if (this.#fresh.length < FRESH_MAX) return;
    let run = this.#fresh.sort();
    this.#fresh = [];
    this.#isSorted = true;
    while ((this.#runs.at(-1)?.length ?? Number.POSITIVE_INFINITY) <= run.length)
      run = merged(this.#runs.pop()!, run);
    this.#runs.push(run);
  }

  clear(): void {
    this.#runs.length = 0;
    this.#fresh = [];
    this.#isSorted = true;
  }

  /** Are there paths that begin with `prefix`? */
  hasUnder(prefix: string): boolean {
    const start = asBytes(prefix);
    return this.#sorted().some((run) => run[firstFrom(run, start)]?.startsWith(start));
  }

  /** The paths that begin with `prefix`, and are behind `after`, in the order of their bytes. What is added meanwhile may be missing. */
  *under(prefix: string, after: string): Generator<string> {
    const start = asBytes(prefix);
    const behind = asBytes(after);
    const [, later] = [start, behind].sort();
    const rests = this.#sorted().map((run) => ({ run, at: firstFrom(run, later!) }));
    for (;;) {
      let least: (typeof rests)[0] | undefined;
      for (const rest of rests) {
        const path = rest.run[rest.at];
        if (path !== undefined && (!least || path < least.run[least.at]!)) least = rest;
      }
      const path = least?.run[least.at++];
      if (!path?.startsWith(start)) return;
      if (path > behind) yield asText(path);
    }
  }

  /** None of them is changed later on: a list that is under way goes on with what it has. */
  #sorted(): string[][] {
    // Without a function that compares: that would take three times as long.
    if (!this.#isSorted) this.#fresh.sort();
    this.#isSorted = true;
    return [...this.#runs, this.#fresh.slice()];
  }
}

function merged(one: readonly string[], other: readonly string[]): string[] {
  const both: string[] = [];
  for (let a = 0, b = 0; a < one.length || b < other.length; ) {
    const isOne = b === other.length || (a < one.length && one[a]! < other[b]!);
    both.push(isOne ? one[a++]! : other[b++]!);
  }
  return both;
}

/** Index of the first that is `path` or behind it. */
function firstFrom(run: readonly string[], path: string): number {
  let low = 0;
  let high = run.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (run[middle]! < path) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** UTF-8 with a character for each byte, so that strings compare as bytes do. Nearly all paths are ASCII, and their own. */
const asBytes = (text: string): string =>
  isAscii(text) ? text : Buffer.from(text, 'utf8').toString('latin1');

const asText = (bytes: string): string =>
  isAscii(bytes) ? bytes : Buffer.from(bytes, 'latin1').toString('utf8');
