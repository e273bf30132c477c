/**
 * Times as the wire shows them.
 *
 * @module
 */

/** RFC 3339 in UTC as Go writes it: fraction without trailing zeros. @param ms - wall clock. */
export function rfc3339(ms: number): string {
  // Under load many ask for the same millisecond.
  if (ms !== lastMs) {
    lastText = new Date(ms).toISOString().replace(/\.?0*Z$/, 'Z');
    lastMs = ms;
  }
  return lastText;
}

let lastMs = Number.NaN;
let lastText = '';
