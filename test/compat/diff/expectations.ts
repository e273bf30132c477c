/**
 * The differences between OpenBao and Coffer that are meant, each with its reason. `npm run diff-bao` fails for a difference that is not
 * here, and for an entry here that no longer applies.
 *
 * @module
 */

export interface Expectation {
  /** Matched against `METHOD path` as the sequences write it. */
  asks: RegExp;
  /** Matched against where the difference is: `status`, `header x`, `body`, `key order` or a JSON pointer. */
  where: RegExp;
  /** The value of ours it covers, as JSON (`absent` where there is none); any where not given. */
  ours?: RegExp;
  reason: string;
}

export const EXPECTATIONS: readonly Expectation[] = [];
