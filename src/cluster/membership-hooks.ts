/**
 * What the membership asks of the rest of the node: of actors, grants, catalog, door, transport, seal. All of it is handed in.
 *
 * @module
 */
import type { View, ViewMember } from './view.ts';

export interface MembershipHooks {
  /**
   * Each newer view record, in order, before the deadline moves under it. `entered` is false while this node is in it but must not serve yet
   * (see `catchUp`). What the actors layer holds of shards that are not this node's any more goes in this very turn.
   */
  onView(view: View, entered: boolean): void;
  /** In time again, out of time by a jump of the clocks, entered, evicted: ask `isInTime`. */
  onTimeChanged?(): void;
  /**
   * New messages for these shards wait at the door, running ones end, their grants end, their actors are passivated: then it
   * resolves, and the proposal is acknowledged. Aborted: a newer record has come; `onView` says what this node keeps.
   */
  drainShards(shards: readonly number[], signal: AbortSignal): Promise<void>;
  /** This node leaves: the listener is closed, what was let in is answered, nothing more is authorized. */
  closeDoor(signal: AbortSignal): Promise<void>;
  /** From now on these too must apply catalog changes before those return. Forgotten with the next record that has no such proposal. */
  expectJoiners(joiners: readonly ViewMember[]): void;
  /**
   * Before this node is proposed: self-tests, streams up to every member that beats, catalog loaded. Tried again when it rejects.
   * Absent members, and those that do not beat, are not waited for: they may be dead.
   */
  prepare(signal: AbortSignal): Promise<void>;
  /**
   * Reads the catalog's heads from storage once more and applies what is new. As a joiner: every old member has acknowledged. As
   * the only member: `onView` came before, so its sections may be claimed.
   */
  catchUp(signal: AbortSignal): Promise<void>;
  /** Evicted, or stopped: actors, replicas, grants and deadlines go in this very turn. Keys stay. */
  onEvicted(): void;
  /**
   * Resolves when nobody can answer any more from what was granted before `onEvicted`, and nothing starts that was authorized here. Asked by a
   * node that stops, or is sealed alone, before it takes itself out of the view.
   */
  quiet?(): Promise<void>;
  /** The cluster is sealed: stop answering in this turn, resolve when all key bytes are wiped. */
  onSealed(): Promise<void>;
  /** Members that were not heard for UNREACHABLE_MS, by `inc`. */
  unreachable(): readonly string[];
  /** ms (protocol §14). */
  clusterTimeMs(): number;
  /** Highest epoch in any `fence/<shard>` of the storage; 0: none. Asked when there is no view. */
  highestFence(): Promise<number>;
  /** Something failed that is tried again: for the log. */
  fault(what: string, error: unknown): void;
}
