/**
 * Logins of one name under lockout: wrong passwords count, the right one begins anew, and a full count lets nobody in.
 *
 * @module
 */
import type { Model } from './wgl.ts';

export interface LoginInput {
  readonly isRight: boolean;
}

/** `wrong`: looked at, and counted. `locked`: refused, whatever the password. */
export type LoginOutput = 'in' | 'wrong' | 'locked';

/** The state is the count. @param threshold - wrong passwords by which the name is locked for good. */
export function lockout(threshold: number): Model<number, LoginInput, LoginOutput> {
  return {
    initial: 0,
    keyOf: (count) => String(count),
    step(count, { isRight }, output) {
      const told = count >= threshold ? 'locked' : isRight ? 'in' : 'wrong';
      if (output !== undefined && output !== told) return undefined;
      if (told === 'locked') return count;
      return isRight ? 0 : count + 1;
    },
  };
}
