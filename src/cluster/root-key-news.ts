/**
 * A new root key goes round (protocol §15). First every member is told what the root key is about to be, and keeps it beside the one in use; then
 * seal and keyring change, in one commit; then every member reads the keyring, and takes the new key where the old one does not open it any more.
 * So whichever node stops on the way, every other goes on, and who starts is given the key that opens what is stored.
 *
 * @module
 */
import type { Clock } from '../model/clock.ts';
import { CodedError } from '../model/errors.ts';
import { TERM_AGAIN_MS, TERM_ANSWER_MS, TERM_TELL_MS } from '../model/limits.ts';
import type { SealDraft } from '../seal/rekeying.ts';
import type { Seal } from '../seal/seal.ts';
import type { Membership } from './membership.ts';
import type { Post } from './post.ts';

export interface RootKeyNewsOptions {
  readonly clock: Clock;
  readonly post: Pick<Post, 'request' | 'onRequest'>;
  readonly seal: Pick<Seal, 'barrier' | 'rekeying'>;
  membership(): Membership;
  /** Reads the keyring again, whatever root key it lies under. */
  reload(): Promise<void>;
  fault(what: string, error: unknown): void;
}

export interface RootKeyNews {
  /**
   * Puts a draft in force, and resolves when every member goes by it, or after a while.
   * @throws CodedError `unavailable` where not every member could be told before: then nothing has changed; and as `Rekeying.install`.
   */
  install(draft: SealDraft, before: string): Promise<void>;
}

const NEXT = 'key/next';
const CHANGED = 'key/changed';

export function makeRootKeyNews(options: RootKeyNewsOptions): RootKeyNews {
  const { clock, post, seal, membership } = options;

  post.onRequest(NEXT, (value) => {
    const { to, rootKey } = (value ?? {}) as { readonly to?: unknown; readonly rootKey?: unknown };
    if (!(rootKey instanceof Uint8Array)) throw new CodedError('unsupported');
    try {
      refuseForOthers(to);
      // Sealed, it will find the keyring as it is when it is unsealed.
      if (!seal.barrier.isSealed()) seal.rekeying.expect(rootKey);
    } finally {
      rootKey.fill(0);
    }
  });
  post.onRequest(CHANGED, async (value) => {
    refuseForOthers((value as { readonly to?: unknown } | null)?.to);
    if (seal.barrier.isSealed()) return;
    await options.reload();
    await seal.rekeying.inForce();
  });

  /** Another process with that member's identity must not answer for it. */
  function refuseForOthers(to: unknown): void {
    if (to !== membership().inc()) throw new CodedError('unavailable');
  }

  function others(): Set<string> {
    const { inc, view } = membership();
    const incs = [...(view()?.members ?? []), ...(view()?.next?.members ?? [])].map((member) => member.inc);
    const found = new Set(incs);
    found.delete(inc());
    return found;
  }

  async function tellOne(inc: string, kind: string, more: object): Promise<boolean> {
    const peer = membership().members().get(inc)?.peerId;
    if (peer === undefined) return false;
    try {
      await post.request(peer, kind, { to: inc, ...more }, { timeoutMs: TERM_ANSWER_MS });
      return true;
    } catch {
      // It is told again, or is no member any more.
      return false;
    }
  }

  /** False after a while: somebody was not told. */
  async function tellAll(kind: string, more: object): Promise<boolean> {
    const endMs = clock.monotonicMs() + TERM_TELL_MS;
    const told = new Set<string>();
    for (;;) {
      const missing = [...others()].filter((inc) => !told.has(inc));
      // Out of time, somebody may have joined of whom this node does not know.
      if (missing.length === 0 && membership().isInTime()) return true;
      await Promise.all(
        missing.map(async (inc) => {
          if (await tellOne(inc, kind, more)) told.add(inc);
        }),
      );
      if (missing.every((inc) => told.has(inc)) && membership().isInTime()) continue;
      if (clock.monotonicMs() > endMs) return false;
      await new Promise<void>((resolve) => void clock.after(resolve, TERM_AGAIN_MS));
    }
  }

  return {
    async install(draft, before) {
      seal.rekeying.expect(draft.rootKey);
      if (!(await tellAll(NEXT, { rootKey: draft.rootKey })))
        throw new CodedError(
          'unavailable',
          'not every node could be told of the new key; nothing was changed',
        );
      await seal.rekeying.install(draft, before);
      // Whoever waits has the only copy of the new shares: what is left to do must not keep them.
      if (!(await tellAll(CHANGED, {})))
        options.fault('a new root key', new Error('not every node has read the keyring yet'));
    },
  };
}
