/**
 * Changes wait in line at the node that let them in: it numbers them, and has at most one unanswered for each actor, so that the last number
 * is all that the actor must remember of it (protocol §9).
 *
 * @module
 */
import type { Entry } from '../actors/memory.ts';
import { CodedError } from '../model/errors.ts';

export interface ChangeLines {
  /**
   * Runs it under a number of its own once those before it, for the same actor, are answered.
   * @param max - how many may wait; one more is refused
   * @throws CodedError `overloaded`
   */
  inTurn<R>(key: string, max: number, run: (entry: Entry) => Promise<R>): Promise<R>;
  /** Changes that are unanswered or wait. */
  count(): number;
}

/** @param inc - of this node's life as it is now */
export function makeChangeLines(inc: () => string): ChangeLines {
  /** Those that wait behind the one that runs, by actor. */
  const lines = new Map<string, (() => void)[]>();
  let last = 0;

  return {
    async inTurn(key, max, run) {
      const line = lines.get(key);
      if (line) {
        if (line.length >= max) throw new CodedError('overloaded');
        await new Promise<void>((resolve) => line.push(resolve));
      } else {
        lines.set(key, []);
      }
      try {
        return await run({ inc: inc(), n: ++last });
      } finally {
        const next = lines.get(key)!.shift();
        if (next) next();
        else lines.delete(key);
      }
    },
    count() {
      let count = 0;
      for (const line of lines.values()) count += 1 + line.length;
      return count;
    },
  };
}
