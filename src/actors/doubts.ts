/**
 * Actors of which a commit may still land though nobody waits for it any more: its outcome was unknown, and what was loaded since is from
 * before it. Until another commit has taken the place of what it compares, none of their messages may be told that it changed nothing. Kept
 * beside the actors, since an actor may be let go of in between; a new claim of its shard would end the doubt too.
 *
 * @module
 */
import { REMEMBER_MS } from '../model/limits.ts';

export class Doubts {
  /** By actor's key, oldest first: when the commit was made, cluster time, ms. */
  readonly #sinceMs = new Map<string, number>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  has(key: string): boolean {
    return this.#sinceMs.has(key);
  }

  add(key: string): void {
    const nowMs = this.#now();
    for (const [old, sinceMs] of this.#sinceMs) {
      // Nobody asks for so long what became of a change.
      if (nowMs - sinceMs <= REMEMBER_MS) break;
      this.#sinceMs.delete(old);
    }
    this.#sinceMs.delete(key);
    this.#sinceMs.set(key, nowMs);
  }

  /** A commit was made since. */
  settle(key: string): void {
    this.#sinceMs.delete(key);
  }
}
