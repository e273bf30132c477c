/**
 * Waiting for what is to come true, instead of for a time in which it should have.
 *
 * @module
 */
import assert from 'node:assert/strict';

const PAUSE_MS = 5;
/** Far more than anything takes here, for machines that have other things to do. */
const PATIENCE_MS = 30_000;

/**
 * Waits until `holds` does, and says how long it took, in ms.
 * @throws AssertionError that names `what` where it does not within `withinMs`.
 */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  withinMs = PATIENCE_MS,
): Promise<number> {
  const began = performance.now();
  while (!(await holds())) {
    assert(performance.now() - began < withinMs, `not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  return performance.now() - began;
}
