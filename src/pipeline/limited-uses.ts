/**
 * Requests under way of tokens with limited uses. Such a token is ended when its last use is taken and all its requests are through, on
 * every node: ended sooner, it would take those with it that still wait.
 *
 * @module
 */
import type { Caller } from '../model/caller.ts';
import { SPENT_WAIT_MS } from '../model/limits.ts';

export interface LimitedUsesOptions {
  revoke(caller: Caller): Promise<void>;
  /** Resolves when no other node runs a request of that token, or can be asked. */
  unusedElsewhere(accessor: string): Promise<void>;
  /** Runs `run` once after `ms`. */
  after(run: () => void, ms: number): { clear(): void };
  fault(what: string, error: unknown): void;
}

export interface LimitedUses {
  /** A use is asked for: until it is known what became of that, a request may be about to begin. */
  asked(accessor: string, use: Promise<unknown>): void;
  /** A request has taken a use. */
  begin(caller: Caller): void;
  /** It is through. Resolves once the token is ended, where this was the last of it; after SPENT_WAIT_MS it ends in the background. */
  end(caller: Caller): Promise<void>;
  /** Resolves when no request of that token runs here, or is about to. */
  whenUnused(accessor: string): Promise<void>;
}

export function makeLimitedUses(options: LimitedUsesOptions): LimitedUses {
  const running = new Map<string, { requests: number; isSpent: boolean }>();
  const asking = new Map<string, number>();
  let waiting: { readonly accessor: string; readonly resolve: () => void }[] = [];

  const isUsed = (accessor: string) => running.has(accessor) || asking.has(accessor);

  function look(): void {
    const over = waiting.filter(({ accessor }) => !isUsed(accessor));
    waiting = waiting.filter(({ accessor }) => isUsed(accessor));
    for (const { resolve } of over) resolve();
  }

  function answered(accessor: string): void {
    const left = asking.get(accessor)! - 1;
    if (left > 0) asking.set(accessor, left);
    else asking.delete(accessor);
    look();
  }

  async function endSpent(caller: Caller): Promise<void> {
    try {
      await options.unusedElsewhere(caller.accessor);
      await options.revoke(caller);
    } catch (error) {
      // It is spent already, by its own record; only the sweep is late.
      options.fault('spent token', error);
    }
  }

  return {
    asked(accessor, use) {
      asking.set(accessor, (asking.get(accessor) ?? 0) + 1);
      // The request begins in the turn in which it hears of its use.
      const later = () => void options.after(() => answered(accessor), 0);
      use.then(later, later);
    },
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
      look();
      if (!token.isSpent) return;
      const late = Promise.withResolvers<void>();
      const timer = options.after(late.resolve, SPENT_WAIT_MS);
      await Promise.race([endSpent(caller), late.promise]);
      timer.clear();
    },
    whenUnused(accessor) {
      if (!isUsed(accessor)) return Promise.resolve();
      return new Promise((resolve) => waiting.push({ accessor, resolve }));
    },
  };
}
