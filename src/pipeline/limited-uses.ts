/**
 * Requests under way of tokens with limited uses. Such a token is ended when its last use is taken and all its requests are through: ended
 * sooner, it would take those with it that still wait.
 *
 * @module
 */
import type { Caller } from '../model/caller.ts';

export interface LimitedUses {
  /** A request has taken a use. */
  begin(caller: Caller): void;
  /** It is through. Resolves once the token is ended, where this was the last of it. */
  end(caller: Caller): Promise<void>;
}

export function makeLimitedUses(
  revoke: (caller: Caller) => Promise<void>,
  fault: (what: string, error: unknown) => void,
): LimitedUses {
  const running = new Map<string, { requests: number; isSpent: boolean }>();
  return {
    begin({ accessor, state }) {
      const token = running.get(accessor) ?? { requests: 0, isSpent: false };
      token.requests++;
      if (state.usesLeft === 0) token.isSpent = true;
      running.set(accessor, token);
    },
    async end(caller) {
      const token = running.get(caller.accessor);
      if (!token || --token.requests > 0) return;
      running.delete(caller.accessor);
      if (!token.isSpent) return;
      try {
        await revoke(caller);
      } catch (error) {
        // It is spent already, by its own record; only the sweep is late.
        fault('spent token', error);
      }
    },
  };
}
