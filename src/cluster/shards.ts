/**
 * The shards that this node has claimed (protocol §5).
 *
 * @module
 */
import type { Condition } from '../model/storage.ts';

export interface Shards {
  /**
   * Undefined: claimed already. Otherwise resolves when it is; concurrent calls share one claim, and claims asked for in one turn share a commit.
   * @throws Moved where the view gives it to another, it is drained, or a later epoch stands in its fence.
   */
  claim(shard: number): Promise<void> | undefined;
  /** In this turn: claimed, and not let go of. */
  isHeld(shard: number): boolean;
  /** What each commit of the shard's actors compares. Undefined: not held, and nothing of it may be written. */
  fence(shard: number): Condition | undefined;
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
