/**
 * Do other nodes run requests of a token whose last use was taken? Each answers when it does not.
 *
 * @module
 */
import { CodedError } from '../model/errors.ts';
import { REQUEST_DURATION_MS } from '../model/limits.ts';
import type { Membership } from './membership-interface.ts';
import type { Post } from './post.ts';

export interface UsesElsewhereOptions {
  readonly post: Pick<Post, 'request' | 'onRequest'>;
  membership(): Pick<Membership, 'inc' | 'view' | 'members'>;
  /** Resolves when no request of that token runs here. */
  whenUnused(accessor: string): Promise<void>;
}

const UNUSED = 'token/unused';

/** @returns what resolves when each other member has said so, was asked in vain, or no request is as old. */
export function makeUsesElsewhere(options: UsesElsewhereOptions): (accessor: string) => Promise<void> {
  const { post, membership } = options;
  post.onRequest(UNUSED, async (accessor) => {
    if (typeof accessor !== 'string') throw new CodedError('unsupported');
    await options.whenUnused(accessor);
  });
  return async (accessor) => {
    const others = (membership().view()?.members ?? []).filter(({ inc }) => inc !== membership().inc());
    await Promise.all(
      others.map(async ({ inc }) => {
        const peer = membership().members().get(inc)?.peerId;
        if (peer === undefined) return;
        const asked = post.request(peer, UNUSED, accessor, { timeoutMs: REQUEST_DURATION_MS });
        // Whoever cannot be asked has requests that will hear that their token is gone.
        await asked.catch(() => {});
      }),
    );
  };
}
