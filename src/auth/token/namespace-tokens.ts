/**
 * All tokens of a namespace, some at a time.
 *
 * @module
 */
import { type Cluster, OWN_CLAIMS, type SendOptions } from '../../model/actor.ts';
import { SWEEP_PAGE, TIDIED_AT_ONCE } from '../../model/limits.ts';
import { TOKEN_MOUNT, type TokenActor, tokenId } from './token-actor.ts';

export interface NamespaceTokens {
  /**
   * Ends all tokens of a namespace, for good. Safe to repeat. @throws the signal's reason when it fires first.
   * @param ended - told how many more are gone, and waited for.
   */
  endAll(namespaceId: string, signal: AbortSignal, ended?: (count: number) => Promise<void>): Promise<void>;
  /** Ends those of a namespace that are over, and sweeps what is dead. Safe to repeat. */
  tidy(namespaceId: string): Promise<void>;
  /** Of the tokens of a namespace. */
  accessors(namespaceId: string): Promise<string[]>;
}

const OWN: SendOptions = { claims: OWN_CLAIMS };

export function makeNamespaceTokens(actor: TokenActor, cluster: Cluster): NamespaceTokens {
  const accessors = (namespaceId: string) => cluster.list(actor.kind.kind, namespaceId, TOKEN_MOUNT, '');

  return {
    accessors,
    async endAll(namespaceId, signal, ended) {
      const left = await accessors(namespaceId);
      for (let at = 0; at < left.length; at += SWEEP_PAGE) {
        signal.throwIfAborted();
        const some = left.slice(at, at + SWEEP_PAGE);
        await Promise.all(some.map((accessor) => cluster.send(actor.revoke, tokenId(accessor), 'tree', OWN)));
        await Promise.all(some.map((accessor) => actor.sweep(cluster, accessor)));
        await ended?.(some.length);
      }
    },
    async tidy(namespaceId) {
      const all = await accessors(namespaceId);
      for (let at = 0; at < all.length; at += TIDIED_AT_ONCE) {
        const some = all.slice(at, at + TIDIED_AT_ONCE);
        await Promise.all(
          some.map(async (accessor) => {
            const state = await cluster.send(actor.expire, tokenId(accessor), undefined, OWN);
            if (state?.dying) await actor.sweep(cluster, accessor);
          }),
        );
      }
    },
  };
}
