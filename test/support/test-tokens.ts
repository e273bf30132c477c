/**
 * Tokens over a cluster of one, below the pipeline.
 *
 * @module
 */
import { randomBytes } from 'node:crypto';
import { makeTokenActor } from '../../src/auth/token/token-actor.ts';
import { makeTokens, type TokensOptions } from '../../src/auth/token/tokens.ts';
import type { Storage } from '../../src/model/storage.ts';
import { startCluster } from './cluster.ts';
import { makeMemoryStorage } from './memory-storage.ts';

export interface TestTokensOptions extends Partial<TokensOptions> {
  readonly storage?: Storage;
  /** Of the cluster, and of those who ask where `now` is not given. */
  readonly clock: { readonly ms: number };
  /** What a token that goes takes with it. */
  readonly wipe?: Parameters<typeof makeTokenActor>[0];
}

export function startTokens({
  storage = makeMemoryStorage(),
  clock,
  wipe = async () => {},
  ...more
}: TestTokensOptions) {
  const actor = makeTokenActor(wipe);
  const cluster = startCluster(storage, [actor.kind], () => clock.ms);
  const accessorKey = () => Buffer.alloc(32, 7);
  const tokens = makeTokens({ actor, cluster, accessorKey, now: () => clock.ms, randomBytes, ...more });
  return { actor, cluster, tokens };
}
