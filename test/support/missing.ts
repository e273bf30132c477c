/**
 * How a test says why it does not run. The reason starts with a word that the runner knows:
 * `missing:` is a defect of the machine, and under `CI=true` a failure, as is a skip without such a word. `platform:` can never be had
 * there; `by hand:` is for tests that somebody runs on purpose, such as against another server; `not yet:` for what a later issue brings.
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

/** For tests of what Coffer does not serve yet: they are written, and must fail until it does. */
export function notYet(what: string): string {
  return `not yet: ${what}`;
}

/** For tests that need something on purpose: `byHand('set BAO to a bao binary')`. Not for what CI should find. */
export function byHand(how: string): string {
  return `by hand: ${how}`;
}
