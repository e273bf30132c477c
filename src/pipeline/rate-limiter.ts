/**
 * Counts requests by client, in windows that begin with a client's first request.
 *
 * @module
 */

export interface LimitRules {
  /** Requests in each window; of a part of one there is one in a longer window. */
  readonly rate: number;
  readonly intervalMs: number;
  /** For so long a client that asked too often is refused; 0: until its window is over. */
  readonly blockMs: number;
}

export interface Taken {
  readonly allowed: boolean;
  readonly limit: number;
  readonly left: number;
  /** Until there is more, ms. */
  readonly resetMs: number;
}

interface Window {
  endsAtMs: number;
  left: number;
  blocked: boolean;
}

export interface RateLimiter {
  take(key: string, rules: LimitRules, nowMs: number): Taken;
  /** Whoever's key begins so counts anew. */
  forget(prefix: string): void;
}

/** @param clientsMax - the one that was met first is forgotten first beyond it. */
export function makeRateLimiter(clientsMax: number): RateLimiter {
  const windows = new Map<string, Window>();
  return {
    take(key, { rate, intervalMs, blockMs }, nowMs) {
      const limit = Math.max(1, Math.floor(rate));
      const lengthMs = rate < 1 ? intervalMs / rate : intervalMs;
      let window = windows.get(key);
      if (!window || window.endsAtMs <= nowMs) {
        windows.delete(key);
        if (windows.size >= clientsMax) windows.delete(windows.keys().next().value!);
        window = { endsAtMs: nowMs + lengthMs, left: limit, blocked: false };
        windows.set(key, window);
      }
      const allowed = window.left > 0 && !window.blocked;
      if (allowed) window.left--;
      else if (blockMs > 0 && !window.blocked) {
        window.blocked = true;
        window.endsAtMs = nowMs + blockMs;
      }
      return { allowed, limit, left: window.left, resetMs: window.endsAtMs - nowMs };
    },
    forget(prefix) {
      for (const key of windows.keys()) if (key.startsWith(prefix)) windows.delete(key);
    },
  };
}
