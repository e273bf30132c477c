/**
 * What an active actor has besides where its node is one of several: the claim of its shard, the outcomes it remembers, and the snapshots of it
 * that other nodes may answer from (protocol §5 to §7, §9).
 *
 * @module
 */
import { CodedError } from '../model/errors.ts';
import { CONFLICT_TRIES, OUTCOME_RETRY_MAX_MS, OUTCOME_RETRY_MS, OUTCOME_TRIES } from '../model/limits.ts';
import { type Condition, Conflict, type Storage, StorageFailed, type Stored } from '../model/storage.ts';
import { FenceConflict, OutcomeUnknown } from './commit-errors.ts';
import type { Doubts } from './doubts.ts';
import { ACTOR_FAULT } from './faults.ts';
import { decodeGone, hasRoom, isOfClient, type Memory } from './memory.ts';
import { type Answer, Outcomes } from './outcomes.ts';
import type { Holding, Ownership } from './ownership.ts';
import { gonePath } from './places.ts';
import type { Message, Round } from './round.ts';
import { type Place, type Standing, sharedWritingOf } from './writing.ts';

export interface SharingParts {
  readonly storage: Storage;
  readonly doubts: Doubts;
  readonly ownership?: Ownership;
  now(): number;
  after(run: () => void, ms: number): { clear(): void };
  timerSet(path: string, dueMs: number): void;
  fault(what: string, error: unknown): void;
}

export class Sharing {
  readonly holding: Holding;
  readonly #place: Place;
  readonly #parts: SharingParts;
  readonly #ownership: Ownership;
  readonly #outcomes = new Outcomes();
  readonly #gonePath: string;
  #goneVersion = 0;
  #isBlocked = false;
  /** Throws once the actor is let go of: what comes after is another's. */
  readonly #check: () => void;

  constructor(place: Place, parts: SharingParts, holding: Holding, check: () => void) {
    this.holding = holding;
    this.#place = place;
    this.#parts = parts;
    this.#ownership = parts.ownership!;
    this.#gonePath = gonePath(place.names, holding.shard, place.key);
    this.#check = check;
  }

  /** Nothing is lost with it that is not stored. */
  get isForgettable(): boolean {
    return this.#outcomes.isEmpty;
  }

  /** No snapshot is given from now on. */
  block(): void {
    if (this.#isBlocked) return;
    this.#isBlocked = true;
    this.#ownership.grants.block(this.#place.key);
  }

  unblock(): void {
    if (!this.#isBlocked) return;
    this.#isBlocked = false;
    this.#ownership.grants.release(this.#place.key);
  }

  /** What is loaded may be newer than what others hold: of a commit of which this node knows nothing more. */
  async beforeLoad(): Promise<void> {
    this.block();
    if (this.#ownership.faults?.has(ACTOR_FAULT.reloadKeepsGrants)) return;
    const ended = this.#ownership.grants.end(this.#place.key);
    if (ended) await ended;
  }

  /** @param record - the head, undefined: there is none. @param memory - as it stands in it. */
  async loaded(record: Stored | undefined, memory: Memory): Promise<void> {
    const gone = record ? undefined : await this.#parts.storage.get(this.#gonePath);
    this.#goneVersion = gone?.version ?? 0;
    this.#outcomes.memory = gone ? decodeGone(gone.value).memory : memory;
  }

  /** What a message is told that must not run: it has run before. @throws what it is refused with: it cannot run here, or now. */
  known({ options: { entry, claims } }: Message, round: Round): Answer | undefined {
    this.#check();
    if (!entry) return undefined;
    const known = this.#outcomes.answerTo(entry, round);
    // What clients number anybody could ask for: it is told under good claims alone.
    if (known && isOfClient(entry) && !claims.good()) throw new CodedError('stale_claims');
    if (!known && !hasRoom(this.#outcomes.memory, entry, this.#parts.now()))
      throw new CodedError('overloaded');
    return known;
  }

  /**
   * A commit of which nobody knows what became may still land, and a message that was in it must not be told before that it changed nothing:
   * its sender would number it anew. So the head is written again as it is, or what says that there is none: then the other can land no more,
   * or has, and its messages are found. The store sees other bytes each time, since records are sealed.
   */
  mustSettle(round: Round): boolean {
    if (!this.#parts.doubts.has(this.#place.key)) return false;
    if (this.#ownership.faults?.has(ACTOR_FAULT.refusedInDoubt)) return false;
    return round.ran.some(({ message }) => message.options.entry !== undefined);
  }

  /** The round has changed nothing. */
  unchanged(round: Round): void {
    this.#check();
    this.#outcomes.note(round, false);
  }

  /**
   * Commits, and ends the snapshots that others hold: until both are done the older state may be read, here and there, since nobody has seen
   * the new one.
   * @param announce - what must be known everywhere before it counts.
   * @returns the head's version; 0: there is none.
   * @throws FenceConflict, OutcomeUnknown, Conflict, StorageFailed
   */
  async commit(
    round: Round,
    standing: Standing,
    announce: (() => Promise<void>) | undefined,
  ): Promise<number> {
    const { grants, faults } = this.#ownership;
    const fence = this.holding.fence();
    const writing = sharedWritingOf(
      this.#place,
      {
        state: standing.state,
        version: standing.version,
        fence,
        memory: this.#outcomes.memory,
        gone: { path: this.#gonePath, version: this.#goneVersion },
        faults,
        nowMs: this.#parts.now(),
        fault: this.#parts.fault,
      },
      round,
    );
    this.block();
    const ended = grants.end(this.#place.key);
    try {
      const committing = this.#parts.storage.commit(writing.changes, writing.conditions);
      const isEndAwaited = ended && !faults?.has(ACTOR_FAULT.answeredBeforeGrantsEnd);
      let end: PromiseSettledResult<void> | undefined;
      let version: number;
      try {
        if (isEndAwaited) {
          if (faults?.has(ACTOR_FAULT.reloadKeepsGrants)) await committing;
          [end] = await Promise.allSettled([ended, committing]);
        }
        version = await committing;
      } catch (error) {
        throw storedNot(error, fence);
      }
      this.#parts.doubts.settle(this.#place.key);
      if (end?.status === 'rejected') throw new OutcomeUnknown(end.reason);
      if (announce) await announced(announce);
      this.#check();
      this.#goneVersion = writing.hasHead ? 0 : version;
      this.#outcomes.memory = writing.memory;
      this.#outcomes.note(round, true);
      return writing.hasHead ? version : 0;
    } finally {
      // After a failure too: what became of the commit may be unknown, and the timer may be there.
      if (writing.timer) this.#parts.timerSet(writing.timer.path, writing.timer.dueMs);
    }
  }

  /**
   * After a commit that failed: may all of it run once more, on what is stored now?
   * @throws where the actor is this node's no more.
   */
  async mayRunAgain(error: unknown, tries: number): Promise<boolean> {
    if (error instanceof OutcomeUnknown) this.#parts.doubts.add(this.#place.key);
    this.#check();
    if (error instanceof FenceConflict) {
      if (!(await this.holding.conflicted(error.version))) throw this.#ownership.moved();
      return true;
    }
    if (error instanceof Conflict) return tries <= CONFLICT_TRIES;
    if (!(error instanceof OutcomeUnknown) || tries > OUTCOME_TRIES) return false;
    // Those that were committed are remembered; those that were not run again under their own number (protocol §6, §9).
    const pause = Math.min(OUTCOME_RETRY_MS * 2 ** (tries - 1), OUTCOME_RETRY_MAX_MS);
    await new Promise<void>((resolve) => void this.#parts.after(resolve, pause));
    return true;
  }
}

/** Why a commit failed, in the actor's words. */
function storedNot(error: unknown, fence: Condition): unknown {
  if (error instanceof Conflict && error.path === fence.path)
    return new FenceConflict(fence.path, fence.version);
  if (error instanceof StorageFailed && !error.outcomeKnown) return new OutcomeUnknown(error);
  return error;
}

/** Where that fails, all is as if the answer to the commit had been lost: who asks again finds it, and it is told again. */
async function announced(announce: () => Promise<void>): Promise<void> {
  try {
    await announce();
  } catch (error) {
    throw new OutcomeUnknown(error);
  }
}
