/**
 * A secret id that is good for so many logins: made once, used as often as allowed, and over when it is destroyed or its time has come.
 *
 * @module
 */
import type { Model } from './wgl.ts';

export type SecretIdInput = { readonly op: 'make'; readonly uses: number } | { readonly op: 'login' | 'end' };

/** `in`: a use was taken. `refused`: there was none to be had. */
export type SecretIdOutput = 'done' | 'in' | 'refused';

/** The state is how many uses are left; 0: there is none, not yet or not any more. */
export const limitedUses: Model<number, SecretIdInput, SecretIdOutput> = {
  initial: 0,
  keyOf: (left) => String(left),
  step(left, input, output) {
    if (input.op === 'make') return input.uses;
    if (input.op === 'end') return 0;
    const told = left > 0 ? 'in' : 'refused';
    if (output !== undefined && output !== told) return undefined;
    return Math.max(0, left - 1);
  },
};
