/**
 * The committed state of an active actor: how it comes from the store, what a round of messages makes of it there, and how it is let go of. What
 * is stored changes first, then what is shown (protocol §6). Where the node is one of several, a commit compares the shard's fence too, the
 * snapshots that others hold end while it is under way, and messages are remembered by their number.
 *
 * @module
 */
import type { ActorId, ActorKind } from '../model/actor.ts';
import type { Storage } from '../model/storage.ts';
import type { Doubts } from './doubts.ts';
import type { Holding, Ownership } from './ownership.ts';
import { headPath, type Names, recordPath } from './places.ts';
import type { Round } from './round.ts';
import { Sharing } from './sharing.ts';
import { readState } from './stored.ts';
import { type AloneWriting, type Place, writingOf } from './writing.ts';

export interface Components {
  readonly storage: Storage;
  readonly names: Names;
  now(): number;
  randomBytes(bytes: number): Buffer;
  /** Runs `run` once after `ms`. */
  after(run: () => void, ms: number): { clear(): void };
  /** A commit that was durable put a timer there. */
  timerSet(path: string, dueMs: number): void;
  /** Something went wrong that no client can be told: for our log. */
  fault(what: string, error: unknown): void;
  /** An actor's state was read from the store. Absent: nobody wants to know. */
  activated?(id: ActorId): void;
  readonly doubts: Doubts;
  /** Absent: this node is alone. */
  readonly ownership?: Ownership;
}

/** What an `Activation` is made of: a class of its own, but no object, since there are as many as there are active actors. */
export abstract class Committed implements Place {
  readonly id: ActorId;
  readonly key: string;
  readonly kind: ActorKind<unknown>;
  readonly names: Names;
  /** Where the head lies; further records lie right behind it. */
  readonly head: string;
  /** Undefined: this node is alone. */
  readonly sharing: Sharing | undefined;
  protected readonly parts: Components;
  /** Set once it is let go of: what is told to who still comes. */
  #released: (() => Error) | undefined;
  #state: unknown;
  #headVersion = 0;
  #loaded = false;
  #committing = false;

  /** @param key - of `id`. @param holding - of the actor's shard; undefined: this node is alone. */
  constructor(
    id: ActorId,
    key: string,
    kind: ActorKind<unknown>,
    parts: Components,
    holding: Holding | undefined,
  ) {
    this.id = id;
    this.key = key;
    this.kind = kind;
    this.names = parts.names;
    this.head = headPath(parts.names, id);
    this.parts = parts;
    this.sharing = holding && new Sharing(this, parts, holding, () => this.checkHeld());
  }

  get isLoaded(): boolean {
    return this.#loaded;
  }

  /** Nothing is stored of it: it is not worth keeping active. */
  get isAbsent(): boolean {
    return this.#loaded && this.#headVersion === 0 && this.sharing?.isForgettable !== false;
  }

  /** The committed state; undefined while it is not known: before it is loaded, after a commit whose outcome is not, once let go of. */
  get state(): unknown {
    return this.#loaded ? this.#state : undefined;
  }

  /** Of the head that `state` is of; 0: there is none, or it is not known. */
  get version(): number {
    return this.#loaded ? this.#headVersion : 0;
  }

  /** Nothing of it was ever known here. */
  protected get isUntouched(): boolean {
    return !this.#loaded && this.#state === undefined && this.#headVersion === 0;
  }

  /** Is the state still the one of that version, and is nothing about to take its place? */
  protected isStillAt(version: number): boolean {
    return this.#loaded && this.#headVersion === version && !this.#committing;
  }

  /** @throws what is told to who still comes, once it is let go of. */
  protected checkHeld(): void {
    if (this.#released) throw this.#released();
  }

  /** @param before - what has to end first. */
  protected async loadAfter(before: Promise<unknown> | undefined): Promise<void> {
    await before;
    if (this.#loaded) return;
    // Released meanwhile, it must not block grants any more: nobody would let them go.
    this.checkHeld();
    await this.sharing?.beforeLoad();
    const { record, memory, state } = await readState(this.parts.storage, this.kind, this.id, this.head);
    await this.sharing?.loaded(record, memory);
    try {
      this.checkHeld();
      if (this.kind.announce) await this.kind.announce(state, this.id);
      this.checkHeld();
    } catch (error) {
      this.kind.wipe?.(state);
      throw error;
    }
    this.#state = state;
    this.#headVersion = record?.version ?? 0;
    this.#loaded = true;
    this.sharing?.unblock();
    this.parts.activated?.(this.id);
  }

  protected async readRecord(name: string): Promise<Uint8Array | undefined> {
    return (await this.parts.storage.get(recordPath(this.head, name)))?.value;
  }

  /** A commit failed: what is stored is not known. */
  protected unload(): void {
    this.#loaded = false;
  }

  /** What a commit that compared that nothing was stored has left is the state. */
  protected created(): void {
    this.#loaded = this.#released === undefined;
  }

  /** Wipes the state. @param told - to who still comes. */
  protected letGo(told: () => Error): void {
    this.#released = told;
    if (this.#loaded) this.kind.wipe?.(this.#state);
    this.#state = undefined;
    this.#loaded = false;
    this.sharing?.unblock();
  }

  /** Undefined where nothing changed, and no commit of before can change it any more. */
  protected commit(round: Round): Promise<void> | undefined {
    if (round.state === this.#state && round.records.size === 0 && !this.sharing?.mustSettle(round)) {
      this.sharing?.unchanged(round);
      return undefined;
    }
    return this.sharing ? this.#commitShared(this.sharing, round) : this.#commitAlone(round);
  }

  async #commitShared(sharing: Sharing, round: Round): Promise<void> {
    const { kind } = this;
    const announcing = kind.announce && (async () => kind.announce?.(round.state, this.id));
    this.checkHeld();
    this.#committing = true;
    try {
      const standing = { state: this.#state, version: this.#headVersion };
      this.#headVersion = await sharing.commit(round, standing, announcing);
    } finally {
      this.#committing = false;
    }
    this.#state = round.state;
    sharing.unblock();
  }

  #commitAlone(round: Round): Promise<void> | undefined {
    const writing = writingOf(this, this.#state, this.#headVersion, round);
    if (writing.changes.length > 0) return this.#write(writing, round.state);
    this.#state = round.state;
    return undefined;
  }

  async #write({ changes, hasHead, timer }: AloneWriting, state: unknown): Promise<void> {
    this.#committing = true;
    try {
      const version = await this.parts.storage.commit(changes, [
        { path: this.head, version: this.#headVersion },
      ]);
      this.#headVersion = hasHead ? version : 0;
      if (this.kind.announce) await this.kind.announce(state, this.id);
    } finally {
      this.#committing = false;
      // After a failure too: what became of the commit may be unknown, and the timer may be there.
      if (timer) this.parts.timerSet(timer.path, timer.dueMs);
    }
    this.#state = state;
  }
}
