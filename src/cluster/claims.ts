/**
 * Claims of shards: a fence is read, and written anew on the condition that it is still what was read. Those asked for in one turn go in one
 * commit (protocol §5).
 *
 * @module
 */
import type { Clock } from '../model/clock.ts';
import { CodedError } from '../model/errors.ts';
import { CLAIM_TRIES, CLAIMS_AT_ONCE, OUTCOME_RETRY_MAX_MS, OUTCOME_RETRY_MS } from '../model/limits.ts';
import { type Change, type Condition, Conflict, type Storage } from '../model/storage.ts';
import { type Faults, SHARD_FAULT } from './faults.ts';
import { encodeFence, type Fence, fencePath, readFence } from './fences.ts';
import type { Membership } from './membership-interface.ts';
import { Moved } from './moved.ts';

export interface Claimed {
  readonly shard: number;
  /** Of its fence. */
  readonly version: number;
}

export interface ClaimsOptions {
  readonly storage: Storage;
  readonly clock: Clock;
  membership(): Pick<Membership, 'inc' | 'view'>;
  /** By the view this node's, and not given away. */
  mayClaim(shard: number): boolean;
  /** In the turn in which the claims are known to be made; those who asked hear of it afterwards. */
  take(claimed: readonly Claimed[]): void;
  readonly faults?: Faults;
}

interface Pending {
  readonly shard: number;
  readonly promise: Promise<void>;
  resolve(): void;
  reject(error: unknown): void;
}

export interface ShardClaims {
  /** Resolves when it is taken. @see Shards.claim */
  claim(shard: number): Promise<void>;
  /** One more claim of a shard whose fence has this version. Undefined: it has another, or did when last asked. */
  claimOnce(shard: number, version: number): Promise<number | undefined>;
  /** Who waits for this claim is told `Moved`; should it be made, it is not taken. */
  drop(shard: number): void;
  pending(): number[];
}

export function makeClaims(options: ClaimsOptions): ShardClaims {
  const { storage, clock, mayClaim, faults } = options;
  const pending = new Map<number, Pending>();
  let queue: Pending[] = [];

  const viewEpoch = () => options.membership().view()?.epoch ?? 0;
  const isWanted = (one: Pending) => pending.get(one.shard) === one;

  function fail(one: Pending, error: unknown): void {
    if (isWanted(one)) pending.delete(one.shard);
    one.reject(error);
  }

  function flush(): void {
    const all = queue;
    queue = [];
    for (let from = 0; from < all.length; from += CLAIMS_AT_ONCE) {
      const group = all.slice(from, from + CLAIMS_AT_ONCE);
      claimGroup(group).catch((error: unknown) => {
        for (const one of group) fail(one, error);
      });
    }
  }

  async function claimGroup(group: readonly Pending[]): Promise<void> {
    let pauseMs = OUTCOME_RETRY_MS;
    for (let tries = 1; ; tries++) {
      const left = group.filter(isWanted);
      try {
        if (left.length > 0) await tryGroup(left);
        return;
      } catch (error) {
        if (tries >= CLAIM_TRIES) throw storageFailed(error);
        // Its own late claim, or another's, came between; or nobody knows whether it was made. Either way the fence tells.
        if (error instanceof Conflict) continue;
        const wait = pauseMs;
        await new Promise<void>((resolve) => void clock.after(resolve, wait));
        pauseMs = Math.min(2 * pauseMs, OUTCOME_RETRY_MAX_MS);
      }
    }
  }

  async function tryGroup(group: readonly Pending[]): Promise<void> {
    const found = await Promise.all(group.map(({ shard }) => readFence(storage, shard)));
    const claimed: { readonly one: Pending; readonly fence: Fence | undefined; readonly version: number }[] =
      [];
    for (const [at, one] of group.entries()) {
      const { fence, version } = found[at]!;
      const stands = fence?.epoch ?? 0;
      const isLater = stands > viewEpoch() && !faults?.has(SHARD_FAULT.claimWithoutEpoch);
      if (isLater || !mayClaim(one.shard)) fail(one, new Moved(Math.max(stands, viewEpoch())));
      else if (isWanted(one)) claimed.push({ one, fence, version });
    }
    if (claimed.length === 0) return;
    const changes: Change[] = claimed.map(({ one, fence }) => mine(one.shard, fence));
    const conditions: Condition[] = claimed.map(({ one, version }) => {
      return { path: fencePath(one.shard), version };
    });
    if (faults?.has(SHARD_FAULT.loadBeforeClaim)) taken(claimed);
    const version = await storage.commit(changes, conditions);
    taken(claimed.map(({ one }) => ({ one, version })));
  }

  function taken(claimed: readonly { readonly one: Pending; readonly version: number }[]): void {
    const good = claimed.filter(({ one }) => isWanted(one));
    for (const { one } of good) if (!faults?.has(SHARD_FAULT.loadBeforeClaim)) pending.delete(one.shard);
    const kept = good.filter(({ one }) => mayClaim(one.shard));
    options.take(kept.map(({ one, version }) => ({ shard: one.shard, version })));
    for (const { one } of kept) one.resolve();
    for (const { one } of good) if (!kept.some((k) => k.one === one)) fail(one, new Moved(viewEpoch()));
  }

  function mine(shard: number, before: Fence | undefined): Change {
    const fence: Fence = {
      epoch: viewEpoch(),
      inc: options.membership().inc(),
      claim: (before?.claim ?? 0) + 1,
    };
    return { path: fencePath(shard), value: encodeFence(fence) };
  }

  return {
    claim(shard) {
      const found = pending.get(shard);
      if (found) return found.promise;
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const one = { shard, promise, resolve, reject };
      pending.set(shard, one);
      if (queue.push(one) === 1) queueMicrotask(flush);
      return promise;
    },
    async claimOnce(shard, version) {
      const found = await readFence(storage, shard);
      if (found.version !== version) return undefined;
      try {
        return await storage.commit(
          [mine(shard, found.fence)],
          [{ path: fencePath(shard), version: found.version }],
        );
      } catch (error) {
        if (error instanceof Conflict) return undefined;
        // It may have been made, or be made yet: the next commit will tell.
        throw storageFailed(error);
      }
    },
    drop(shard) {
      const one = pending.get(shard);
      if (one) fail(one, new Moved(viewEpoch()));
    },
    pending: () => [...pending.keys()],
  };
}

function storageFailed(error: unknown): unknown {
  return error instanceof CodedError ? error : new CodedError('storage_failed', undefined, { cause: error });
}
