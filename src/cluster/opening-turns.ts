/**
 * Steps that must not overlap.
 *
 * @module
 */

/** Runs `step` after all that were given before, whatever became of them. */
export type Turns = <T>(step: () => Promise<T>) => Promise<T>;

export function makeTurns(): Turns {
  let last: Promise<unknown> = Promise.resolve();
  return (step) => {
    const next = last.then(step, step);
    last = next.catch(() => {});
    return next;
  };
}
