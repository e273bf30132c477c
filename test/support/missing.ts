/**
 * How a test says why it does not run. The reason starts with a word that the runner knows:
 * `missing:` is a defect of the machine, and under `CI=true` a failure, as is a skip without such a word. `platform:` can never be had
 * there; `by hand:` is for tests that somebody runs on purpose, such as against another server.
 *
 * @module
 */

/** For `test(name, { skip: missing('strace') }, …)`: something that could be installed here is not. */
export function missing(what: string): string {
  return `missing: ${what}`;
}

/** For tests that mean nothing on this operating system. */
export function notOnThisPlatform(why: string): string {
  return `platform: ${why}`;
}

/** For tests that need something on purpose: `byHand('set BAO to a bao binary')`. Not for what CI should find. */
export function byHand(how: string): string {
  return `by hand: ${how}`;
}
