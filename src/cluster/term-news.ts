/**
 * A new term of the keyring goes round: whoever began it is through when every member of the view and of the proposed one encrypts with it
 * (protocol §15). Members that join later read the keyring as they catch up.
 *
 * @module
 */
import type { Clock } from '../model/clock.ts';
import { CodedError } from '../model/errors.ts';
import { TERM_AGAIN_MS, TERM_ANSWER_MS, TERM_TELL_MS } from '../model/limits.ts';
import type { Seal } from '../seal/seal.ts';
import type { Membership } from './membership.ts';
import type { Post } from './post.ts';

export interface TermNewsOptions {
  readonly clock: Clock;
  readonly post: Pick<Post, 'request' | 'onRequest'>;
  readonly seal: Pick<Seal, 'barrier' | 'keyStatus'>;
  membership(): Membership;
}

export interface TermNews {
  /** Resolves when all encrypt with the term that is active here. @throws CodedError `unavailable` after a while; the term stands. */
  tell(): Promise<void>;
}

const TERM = 'key/term';

export function makeTermNews({ clock, post, seal, membership }: TermNewsOptions): TermNews {
  post.onRequest(TERM, async (value) => {
    const { to, term } = (value ?? {}) as { readonly to?: unknown; readonly term?: unknown };
    if (typeof term !== 'number') throw new CodedError('unsupported');
    // Another process with that member's identity must not answer for it.
    if (to !== membership().inc()) throw new CodedError('unavailable');
    // Sealed, it will read the keyring when it is unsealed.
    if (seal.barrier.isSealed() || seal.keyStatus().term >= term) return;
    await seal.barrier.reload();
    if (seal.keyStatus().term < term) throw new CodedError('unavailable');
  });

  async function tellOne(inc: string, term: number): Promise<boolean> {
    const peer = membership().members().get(inc)?.peerId;
    if (peer === undefined) return false;
    try {
      await post.request(peer, TERM, { to: inc, term }, { timeoutMs: TERM_ANSWER_MS });
      return true;
    } catch {
      // It is told again, or is no member any more.
      return false;
    }
  }

  function others(): Set<string> {
    const { inc, view } = membership();
    const incs = [...(view()?.members ?? []), ...(view()?.next?.members ?? [])].map((member) => member.inc);
    const found = new Set(incs);
    found.delete(inc());
    return found;
  }

  return {
    async tell() {
      const { term } = seal.keyStatus();
      const endMs = clock.monotonicMs() + TERM_TELL_MS;
      const told = new Set<string>();
      for (;;) {
        const missing = [...others()].filter((inc) => !told.has(inc));
        // Out of time, somebody may have joined of whom this node does not know.
        if (missing.length === 0 && membership().isInTime()) return;
        await Promise.all(
          missing.map(async (inc) => {
            if (await tellOne(inc, term)) told.add(inc);
          }),
        );
        if (missing.every((inc) => told.has(inc)) && membership().isInTime()) continue;
        if (clock.monotonicMs() > endMs)
          throw new CodedError(
            'unavailable',
            'not every node has the new key yet; it is in use all the same',
          );
        await new Promise<void>((resolve) => void clock.after(resolve, TERM_AGAIN_MS));
      }
    },
  };
}
