/**
 * The shards that this node has claimed (protocol §5).
 *
 * @module
 */
import type { Actors } from '../actors/actors.ts';
import type { Holding } from '../actors/ownership.ts';
import type { Clock } from '../model/clock.ts';
import { CLAIM_RETRY_MS } from '../model/limits.ts';
import type { Condition, Storage } from '../model/storage.ts';
import { type Claimed, makeClaims } from './claims.ts';
import type { Faults } from './faults.ts';
import { fencePath } from './fences.ts';
import type { Grants } from './grants/grants-interface.ts';
import type { Membership } from './membership-interface.ts';
import { Moved } from './moved.ts';
import { ownerOf, shardsOf } from './view.ts';

export interface Shards {
  /**
   * Undefined: claimed already. Otherwise resolves when it is; concurrent calls share one claim, and claims asked for in one turn share a
   * commit. Rejects with Moved where the view gives it to another, it is drained, or a later epoch stands in its fence; with CodedError
   * `storage_failed` where the store does not take it.
   */
  claim(shard: number): Promise<void> | undefined;
  /** In this turn: claimed, and not let go of. */
  isHeld(shard: number): boolean;
  /** In this turn: held, and not being given away. */
  mayGrant(shard: number): boolean;
  /** What each commit of the shard's actors compares. Undefined: not held, and nothing of it may be written. */
  fence(shard: number): Condition | undefined;
  /** What the shard's actors hold on to while it is held. */
  holding(shard: number): Holding | undefined;
  /** Claims a shard that is held once more: no commit that was sent before can be made any more. False: it is not held, or was lost over it. */
  claimAnew(shard: number): Promise<boolean>;
  /** Shards held now. */
  held(): number[];
  /** Somebody else's claim was found: lets go in this turn of the shard and its actors. */
  lost(shard: number): void;
  /** Takes no more messages for its actors (they get `Moved`), lets what runs end, ends its grants, passivates its actors, lets go. */
  drain(shards: readonly number[], signal: AbortSignal): Promise<void>;
  /** A newer view: what is not this node's any more goes in this turn; what is new is claimed soon, so that its timers run. */
  onView(): void;
  /** Evicted, sealed: everything goes in this turn. */
  dropAll(): void;
}

export interface ShardsOptions {
  /** As it is below the barrier: fences are not sealed. */
  readonly storage: Storage;
  readonly clock: Clock;
  membership(): Pick<Membership, 'inc' | 'view' | 'mayServe'>;
  actors(): Pick<Actors, 'whenIdle' | 'dropShard'>;
  grants(): Pick<Grants, 'endShards'>;
  /** They are held from now on. */
  opened(shards: readonly number[]): void;
  /** It is not held any more, or about to be given away. */
  closed(shard: number): void;
  fault(what: string, error: unknown): void;
  readonly faults?: Faults;
}

interface Held extends Holding {
  version: number;
  isGone: boolean;
  /** A new claim of it is under way. */
  renewing: Promise<void> | undefined;
}

export function makeShards(options: ShardsOptions): Shards {
  const { clock } = options;
  const holdings = new Map<number, Held>();
  const draining = new Set<number>();
  let again: { clear(): void } | undefined;

  const claims = makeClaims({ ...options, mayClaim, take });

  const epoch = () => options.membership().view()?.epoch ?? 0;

  function mayClaim(shard: number): boolean {
    return !draining.has(shard) && options.membership().mayServe(shard);
  }

  function take(claimed: readonly Claimed[]): void {
    for (const { shard, version } of claimed) {
      const held = holdings.get(shard);
      if (held) held.version = version;
      else holdings.set(shard, holdingOf(shard, version));
    }
    options.opened(claimed.map(({ shard }) => shard));
  }

  function holdingOf(shard: number, version: number): Held {
    const path = fencePath(shard);
    const held: Held = {
      shard,
      version,
      isGone: false,
      renewing: undefined,
      fence: () => ({ path, version: held.version }),
      async conflicted(used) {
        await held.renewing;
        if (held.isGone) return false;
        if (held.version !== used) return true;
        lost(shard);
        return false;
      },
    };
    return held;
  }

  function claim(shard: number): Promise<void> | undefined {
    if (draining.has(shard)) return Promise.reject(new Moved(epoch()));
    return holdings.has(shard) ? undefined : claims.claim(shard);
  }

  function lost(shard: number): void {
    claims.drop(shard);
    const held = holdings.get(shard);
    if (!held) return;
    held.isGone = true;
    holdings.delete(shard);
    options.closed(shard);
    options.actors().dropShard(shard);
  }

  async function claimAnew(shard: number): Promise<boolean> {
    const held = holdings.get(shard);
    if (!held || held.renewing || !mayClaim(shard)) return false;
    const claiming = claims.claimOnce(shard, held.version);
    held.renewing = claiming.then(
      () => {},
      () => {},
    );
    try {
      const version = await claiming;
      if (held.isGone) return false;
      if (version === undefined) lost(shard);
      else held.version = version;
      return version !== undefined;
    } finally {
      held.renewing = undefined;
    }
  }

  /** All that is this node's, and not held yet. */
  function claimNew(): void {
    again?.clear();
    again = undefined;
    const { inc, view } = options.membership();
    const now = view();
    if (!now) return;
    for (const shard of shardsOf(now, inc())) {
      if (holdings.has(shard) || !mayClaim(shard)) continue;
      claims.claim(shard).catch((error: unknown) => {
        if (error instanceof Moved) return;
        options.fault('a shard could not be claimed', error);
        again ??= clock.after(claimNew, CLAIM_RETRY_MS);
      });
    }
  }

  async function drain(shards: readonly number[], signal: AbortSignal): Promise<void> {
    for (const shard of shards) {
      draining.add(shard);
      claims.drop(shard);
      options.closed(shard);
    }
    const aborted = new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    });
    const idle = Promise.all(shards.map((shard) => options.actors().whenIdle(shard)));
    try {
      await Promise.race([idle, aborted]);
      if (!signal.aborted) await Promise.race([options.grants().endShards(new Set(shards)), aborted]);
      if (!signal.aborted) for (const shard of shards) lost(shard);
    } finally {
      for (const shard of shards) draining.delete(shard);
      // It keeps what it has not given away.
      options.opened(shards.filter((shard) => holdings.has(shard)));
    }
  }

  return {
    claim,
    isHeld: (shard) => holdings.has(shard),
    mayGrant: (shard) => holdings.has(shard) && !draining.has(shard),
    fence: (shard) => holdings.get(shard)?.fence(),
    holding: (shard) => holdings.get(shard),
    claimAnew,
    held: () => [...holdings.keys()],
    lost,
    drain,
    onView() {
      const membership = options.membership();
      const view = membership.view();
      const inc = membership.inc();
      const isMine = (shard: number) => view !== undefined && ownerOf(view, shard) === inc;
      for (const shard of [...holdings.keys(), ...claims.pending()]) if (!isMine(shard)) lost(shard);
      claimNew();
    },
    dropAll() {
      again?.clear();
      again = undefined;
      for (const shard of [...holdings.keys(), ...claims.pending()]) lost(shard);
    },
  };
}
