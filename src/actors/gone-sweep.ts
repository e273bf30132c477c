/**
 * Removes what is left of actors that were deleted long ago. Only after the shard has been claimed anew: a commit that was sent before that, and
 * would create on the condition that nothing is there, can then not be made any more (protocol §6).
 *
 * @module
 */
import { COMMIT_OPERATIONS, GONE_LOOK_MS, GONE_MS, SHARDS_AT_ONCE, SWEEP_PAGE } from '../model/limits.ts';
import { type Condition, Conflict, type Storage } from '../model/storage.ts';
import { ACTOR_FAULT } from './faults.ts';
import { decodeGone } from './memory.ts';
import { gonePrefix } from './places.ts';

export interface GoneSweepOptions {
  readonly storage: Storage;
  /** Cluster time, ms. */
  now(): number;
  after(run: () => void, ms: number): { clear(): void };
  held(): readonly number[];
  /** Undefined: the shard is not this node's. */
  fence(shard: number): Condition | undefined;
  /** False: the shard is not this node's. */
  claimAnew(shard: number): Promise<boolean>;
  /** GONE_MS and GONE_LOOK_MS where absent: what is deleted longer ago is removed, and how often that is looked for. */
  readonly goneMs?: number;
  readonly lookMs?: number;
  fault(what: string, error: unknown): void;
  readonly faults?: ReadonlySet<string>;
}

export interface GoneSweep {
  start(): void;
  stop(): Promise<void>;
}

/** Records of one commit: each is compared and deleted, beside the fence. */
const GONE_AT_ONCE = COMMIT_OPERATIONS / 2 - 1;

export function makeGoneSweep(options: GoneSweepOptions): GoneSweep {
  const { storage, faults, goneMs = GONE_MS, lookMs = GONE_LOOK_MS } = options;
  let stopped = true;
  let later: { clear(): void } | undefined;
  let running: Promise<void> | undefined;

  function plan(): void {
    if (stopped) return;
    later = options.after(() => {
      running = sweep()
        .catch((error: unknown) => options.fault('what is left of deleted actors', error))
        .finally(() => {
          running = undefined;
          plan();
        });
    }, lookMs);
  }

  async function sweep(): Promise<void> {
    for (const shard of options.held()) if (!stopped) await sweepShard(shard);
  }

  async function sweepShard(shard: number): Promise<void> {
    let after = '';
    let isClaimed = faults?.has(ACTOR_FAULT.goneSweptWithoutClaim) === true;
    for (;;) {
      const paths = await storage.list(gonePrefix(shard), after, SWEEP_PAGE);
      const old = await olderThan(paths, options.now() - goneMs);
      if (old.length > 0 && !isClaimed) {
        if (!(await options.claimAnew(shard))) return;
        isClaimed = true;
      }
      for (let from = 0; from < old.length; from += GONE_AT_ONCE)
        await remove(shard, old.slice(from, from + GONE_AT_ONCE));
      if (stopped || paths.length < SWEEP_PAGE || !options.fence(shard)) return;
      after = paths.at(-1)!;
    }
  }

  async function olderThan(paths: readonly string[], beforeMs: number): Promise<Condition[]> {
    const old: Condition[] = [];
    let next = 0;
    const reader = async (): Promise<void> => {
      while (next < paths.length) {
        const path = paths[next++]!;
        const stored = await storage.get(path);
        if (stored && decodeGone(stored.value).deletedAtMs < beforeMs)
          old.push({ path, version: stored.version });
      }
    };
    await Promise.all(Array.from({ length: SHARDS_AT_ONCE }, reader));
    return old;
  }

  async function remove(shard: number, old: readonly Condition[]): Promise<void> {
    const fence = options.fence(shard);
    if (!fence) return;
    try {
      await storage.commit(
        old.map(({ path }) => ({ path, value: undefined })),
        [fence, ...old],
      );
    } catch (error) {
      // One of them has come to life again, or the shard is another's: the next look sees what is left.
      if (!(error instanceof Conflict)) throw error;
    }
  }

  return {
    start() {
      stopped = false;
      plan();
    },
    async stop() {
      stopped = true;
      later?.clear();
      await running;
    },
  };
}
