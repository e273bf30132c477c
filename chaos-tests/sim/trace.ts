/**
 * What happened in a run, line by line: a hash of all of it, by which two runs are compared, and the last lines, to read.
 *
 * @module
 */
import { createHash } from 'node:crypto';

export interface Trace {
  /** Lines so far. */
  readonly count: number;
  add(line: string): void;
  /** SHA-256 of all lines so far. */
  digest(): string;
  /** The last of them; all where the trace was made to keep all. */
  lines(): readonly string[];
}

const LINES_KEPT = 400;

export function makeTrace({ keepAll = false } = {}): Trace {
  const hash = createHash('sha256');
  let lines: string[] = [];
  let count = 0;
  return {
    get count() {
      return count;
    },
    add(line) {
      count++;
      hash.update(line);
      hash.update('\n');
      lines.push(line);
      if (!keepAll && lines.length >= 2 * LINES_KEPT) lines = lines.slice(-LINES_KEPT);
    },
    digest: () => hash.copy().digest('hex'),
    lines: () => (keepAll ? lines : lines.slice(-LINES_KEPT)),
  };
}
