/**
 * What actors ask of the rest of the node where their node is one of several. Handed in; a node that is alone has none of it, and its actors
 * compare no fence and remember no messages.
 *
 * @module
 */
import type { Condition } from '../model/storage.ts';

/** A shard that this node has claimed. Another claim is another holding. */
export interface Holding {
  readonly shard: number;
  /** What each commit of the shard's actors compares, as it is now. */
  fence(): Condition;
  /**
   * A commit found that the fence has not the version `version` any more. True: this node itself has claimed the shard anew meanwhile. False:
   * it is another's; the shard's actors have been let go of.
   */
  conflicted(version: number): Promise<boolean>;
}

/** Snapshots that other nodes may answer from (protocol §7). */
export interface GrantEnds {
  /** Undefined: nobody holds one. Otherwise resolves when no holder may answer from it any more. */
  end(key: string): Promise<void> | undefined;
  /** None is given from now on, until `release`. */
  block(key: string): void;
  release(key: string): void;
}

export interface Ownership {
  /** Undefined: not claimed, or let go of. */
  holding(shard: number): Holding | undefined;
  /** What a message is told whose actor is not, or no longer, this node's. */
  moved(): Error;
  readonly grants: GrantEnds;
  readonly faults?: ReadonlySet<string>;
}
