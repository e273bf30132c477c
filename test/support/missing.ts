/**
 * How a test says why it does not run. The reason starts with one of two words, which the runner tells apart:
 * `missing:` is a defect of the machine, and under `CI=true` a failure; `platform:` can never be had there.
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
