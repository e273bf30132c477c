/**
 * One active actor: its committed state, its mailbox, and the way from a message to a durable change.
 *
 * Reads run on the committed state in one turn. Changes wait in the mailbox; what waits runs one after another on a working state and
 * is committed together; only then is the state switched and each message answered (protocol §6). Where the node is one of several, a commit
 * compares the shard's fence too, the snapshots that others hold end while it is under way, and messages are remembered by their number.
 *
 * @module
 */
import {
  type ActorContext,
  type ActorId,
  type ActorKind,
  type ActorOperation,
  type Outcome,
  RecordGone,
} from '../model/actor.ts';
import { CodedError } from '../model/errors.ts';
import {
  COMMIT_OPERATIONS,
  CONFLICT_TRIES,
  OUTCOME_RETRY_MAX_MS,
  OUTCOME_RETRY_MS,
  OUTCOME_TRIES,
} from '../model/limits.ts';
import { Conflict, type Storage, StorageFailed } from '../model/storage.ts';
import { ACTOR_FAULT } from './faults.ts';
import { decodeGone, decodeHead, hasRoom, type Memory, NO_MEMORY } from './memory.ts';
import { MessageContext } from './message-context.ts';
import { type Answer, isOfClient, Outcomes } from './outcomes.ts';
import type { Holding, Ownership } from './ownership.ts';
import { actorKey, gonePath, headPath, type Names, recordPath } from './places.ts';
import {
  type ActorSendOptions,
  addTo,
  answerIn,
  type Message,
  makeRound,
  type Ran,
  type Records,
  type Round,
  refuseIn,
} from './round.ts';
import type { Spawned } from './spawn.ts';
import { type Place, sharedWritingOf, type Writing, writingOf } from './writing.ts';

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
  /** Absent: this node is alone. */
  readonly ownership?: Ownership;
}

/** Records that one message finds changed by those before it, at most: with what else a commit holds there is room for its own. */
const RECORDS_BEFORE = COMMIT_OPERATIONS / 2 - 2;

/** The commit may have been made, or was; what it left is not known here. */
class OutcomeUnknown extends Error {
  constructor(cause: unknown) {
    super('it is not known what became of a commit', { cause });
    this.name = 'OutcomeUnknown';
  }
}

/** What only an actor of a node among others has. */
interface Shared {
  readonly holding: Holding;
  readonly ownership: Ownership;
  readonly outcomes: Outcomes;
  readonly gonePath: string;
  goneVersion: number;
  isBlocked: boolean;
}

export class Activation {
  readonly key: string;
  readonly kind: ActorKind<unknown>;
  /** Set by a use, taken away when the passivator passes by. */
  touched = true;
  readonly #place: Place;
  readonly #parts: Components;
  readonly #shared: Shared | undefined;
  readonly #spawn: (activation: Activation) => Spawned;
  /** Called when its mailbox has been worked through. */
  readonly #onRest: (activation: Activation) => void;
  /** Its nact actor, while there is mail and a while after: most active actors are only read, and a nact actor is as large as their state. */
  #spawned: Spawned | undefined;
  /** Set once it is let go of: what is told to who still comes. */
  #released: (() => Error) | undefined;
  #state: unknown;
  #headVersion = 0;
  #loaded = false;
  #loading: Promise<void> | undefined;
  /**
   * Undefined while empty. A new list for each batch: one that grew old with the actor would, once let go, keep its messages until the
   * next full collection.
   */
  #mailbox: Message[] | undefined;
  #working = false;
  #committing = false;
  /** Readers that wait for the load, or for a record. */
  #readers = 0;
  #idleAwaited: (() => void)[] | undefined;

  /** @param holding - of the actor's shard; undefined: this node is alone. */
  constructor(
    id: ActorId,
    kind: ActorKind<unknown>,
    parts: Components,
    holding: Holding | undefined,
    spawn: (activation: Activation) => Spawned,
    onRest: (activation: Activation) => void,
  ) {
    const { names } = parts;
    this.key = actorKey(id);
    this.kind = kind;
    this.#place = { id, key: this.key, kind, names, head: headPath(names, id) };
    this.#parts = parts;
    this.#shared = holding && {
      holding,
      ownership: parts.ownership!,
      outcomes: new Outcomes(),
      gonePath: gonePath(names, holding.shard, this.key),
      goneVersion: 0,
      isBlocked: false,
    };
    this.#spawn = spawn;
    this.#onRest = onRest;
  }

  get id(): ActorId {
    return this.#place.id;
  }

  get shard(): number | undefined {
    return this.#shared?.holding.shard;
  }

  /** Nothing is stored of it: it is not worth keeping active. */
  get isAbsent(): boolean {
    return this.#loaded && this.#headVersion === 0 && this.#shared?.outcomes.isEmpty !== false;
  }

  get isIdle(): boolean {
    return !this.#working && !this.#mailbox && this.#loading === undefined && this.#readers === 0;
  }

  get isLoaded(): boolean {
    return this.#loaded;
  }

  /** The committed state; undefined while it is not known: before it is loaded, after a commit whose outcome is not, once let go of. */
  get state(): unknown {
    return this.#loaded ? this.#state : undefined;
  }

  /** What others may hold of it; undefined while it is at work, or not loaded. */
  get snapshot(): { readonly bytes: Uint8Array | undefined; readonly version: number } | undefined {
    if (!this.#loaded || this.#committing || this.#working || this.#mailbox) return undefined;
    return { bytes: this.kind.encode(this.#state), version: this.#headVersion };
  }

  /** Resolves when nothing of it is under way. */
  whenIdle(): Promise<void> {
    if (this.isIdle) return Promise.resolve();
    return new Promise((resolve) => {
      this.#idleAwaited ??= [];
      this.#idleAwaited.push(resolve);
    });
  }

  #lookIdle(): void {
    if (!this.#idleAwaited || !this.isIdle) return;
    const awaited = this.#idleAwaited;
    this.#idleAwaited = undefined;
    for (const resolve of awaited) resolve();
  }

  /** Loads once, however many ask. */
  load(): Promise<void> {
    this.#loading ??= this.#load().finally(() => {
      this.#loading = undefined;
      this.#lookIdle();
    });
    return this.#loading;
  }

  async #load(): Promise<void> {
    const shared = this.#shared;
    if (shared) {
      // What is loaded may be newer than what others hold: a commit of which this node knew nothing more.
      this.#block();
      if (!shared.ownership.faults?.has(ACTOR_FAULT.reloadKeepsGrants)) {
        await shared.ownership.grants.end(this.key);
      }
    }
    const { record, memory, state } = await this.#read();
    if (shared && !record) await this.#readGone(shared);
    else if (shared) {
      shared.outcomes.memory = memory;
      shared.goneVersion = 0;
    }
    try {
      if (!this.#released) await this.kind.announce?.(state, this.id);
      if (this.#released) throw this.#released();
    } catch (error) {
      this.kind.wipe?.(state);
      throw error;
    }
    this.#state = state;
    this.#headVersion = record?.version ?? 0;
    this.#loaded = true;
    this.#unblock();
  }

  async #read() {
    const { storage } = this.#parts;
    const { head: path, id } = this.#place;
    let version: number | undefined;
    for (;;) {
      const record = await storage.get(path);
      const { memory, head } = record ? decodeHead(record.value) : { memory: NO_MEMORY, head: undefined };
      try {
        const state = await this.kind.decode(head, id, (name) => this.#readRecord(name));
        return { record, memory, state };
      } catch (error) {
        // A commit that came late may have changed the records between the two reads: then the head is another.
        if (!this.#shared || version === (record?.version ?? 0)) throw error;
        version = record?.version ?? 0;
      }
    }
  }

  async #readGone(shared: Shared): Promise<void> {
    const gone = await this.#parts.storage.get(shared.gonePath);
    shared.goneVersion = gone?.version ?? 0;
    shared.outcomes.memory = gone ? decodeGone(gone.value).memory : NO_MEMORY;
  }

  #block(): void {
    if (!this.#shared || this.#shared.isBlocked) return;
    this.#shared.isBlocked = true;
    this.#shared.ownership.grants.block(this.key);
  }

  #unblock(): void {
    if (!this.#shared?.isBlocked) return;
    this.#shared.isBlocked = false;
    this.#shared.ownership.grants.release(this.key);
  }

  async #readRecord(name: string): Promise<Uint8Array | undefined> {
    return (await this.#parts.storage.get(recordPath(this.#place.head, name)))?.value;
  }
  /** Runs a reading operation on the committed state: in this turn, where it is loaded. */
  read(op: ActorOperation<unknown, unknown, unknown>, params: unknown, options: ActorSendOptions): unknown {
    if (!this.#loaded) return this.#reading(this.#loadAndRead(op, params, options));
    if (!options.claims.good()) throw new CodedError('stale_claims');
    const outcome = op.run(this.#state, params, this.#context(options, undefined));
    if (!(outcome instanceof Promise)) return outcome.reply;
    return this.#reading(this.#readOn(outcome, op, params, options));
  }

  async #loadAndRead(
    op: ActorOperation<unknown, unknown, unknown>,
    params: unknown,
    options: ActorSendOptions,
  ): Promise<unknown> {
    while (!this.#loaded) {
      if (this.#released) throw this.#released();
      // A commit that fails meanwhile takes away again what was loaded.
      await this.load();
    }
    return this.read(op, params, options);
  }

  /** A read that waits for records. Where a change came in between they may be of another state: it runs again, in the mailbox. */
  async #readOn(
    outcome: Promise<Outcome<unknown, unknown>>,
    op: ActorOperation<unknown, unknown, unknown>,
    params: unknown,
    options: ActorSendOptions,
  ): Promise<unknown> {
    const version = this.#headVersion;
    const isOfOneState = () => this.#loaded && this.#headVersion === version && !this.#committing;
    try {
      const { reply } = await outcome;
      if (isOfOneState()) return reply;
    } catch (error) {
      if (isOfOneState() && !(error instanceof RecordGone)) throw error;
    }
    if (this.#released) throw this.#released();
    return new Promise((resolve, reject) => this.enqueue({ op, params, options, resolve, reject }));
  }

  /** Keeps it from being let go until `reading` has ended. */
  async #reading<T>(reading: Promise<T>): Promise<T> {
    this.#readers++;
    try {
      return await reading;
    } finally {
      this.#readers--;
      this.#lookIdle();
    }
  }

  /** @throws CodedError `overloaded` where the mailbox is full. */
  enqueue(message: Message): void {
    if (this.#mailbox) {
      if (this.#mailbox.length >= this.kind.mailboxMax) throw new CodedError('overloaded');
      this.#mailbox.push(message);
      return;
    }
    this.#mailbox = [message];
    if (this.#working) return;
    this.#spawned ??= this.#spawn(this);
    this.#spawned.wake();
  }

  /** Works through the mailbox. nact calls it, one call at a time. */
  async work(): Promise<void> {
    this.#working = true;
    while (this.#mailbox) {
      const batch = this.#mailbox;
      this.#mailbox = undefined;
      try {
        await this.#runBatch(batch);
      } catch (error) {
        for (const message of batch) message.reject(error);
      }
    }
    this.#working = false;
    this.#onRest(this);
    this.#lookIdle();
  }

  /** Does without its nact actor until there is mail again. Only where `isIdle`. */
  rest(): void {
    this.#spawned?.stop();
    this.#spawned = undefined;
  }

  /**
   * Wipes what it holds. The caller has taken it out of the registry.
   * @param told - to who still comes.
   */
  release(told: () => Error): void {
    this.#released = told;
    this.rest();
    if (this.#loaded) this.kind.wipe?.(this.#state);
    this.#state = undefined;
    this.#loaded = false;
    this.#unblock();
    for (const message of this.#mailbox ?? []) message.reject(told());
    this.#mailbox = undefined;
  }

  async #runBatch(batch: Message[]): Promise<void> {
    let waiting = batch;
    let tries = 0;
    while (waiting.length > 0) {
      if (!this.#loaded) await this.load();
      const round = makeRound(this.#state);
      const running = this.#runOn(waiting, round);
      if (running) await running;
      const { ran } = round;
      const rest = waiting.slice(ran.length);
      try {
        const committing = this.#commit(round);
        if (committing) await committing;
      } catch (error) {
        this.#loaded = false;
        tries++;
        const isAgain = await this.#mayRunAgain(error, tries);
        if (!isAgain) tries = 0;
        if (!isAgain || error instanceof OutcomeUnknown) this.#parts.fault('commit', error);
        // Without a number a change may not run twice where it is not known whether it has been made.
        const isFailed = ({ message, changes }: Ran) =>
          changes && (!isAgain || (error instanceof OutcomeUnknown && !message.options.entry));
        // The others asked for nothing that failed: they see what is stored now.
        for (const one of ran) if (isFailed(one)) one.message.reject(storageError(error));
        waiting = [...ran.filter((one) => !isFailed(one)).map((one) => one.message), ...rest];
        continue;
      }
      for (const { message, refused, told } of ran) {
        if (refused) message.reject(told);
        else message.resolve(told);
      }
      tries = 0;
      waiting = rest;
    }
  }

  /**
   * After a commit that failed: may all of it run once more, on what is stored now?
   * @throws where the actor is this node's no more.
   */
  async #mayRunAgain(error: unknown, tries: number): Promise<boolean> {
    const shared = this.#shared;
    if (!shared) return error instanceof Conflict && tries === 1;
    if (this.#released) throw this.#released();
    if (error instanceof FenceConflict) {
      if (!(await shared.holding.conflicted(error.version))) throw shared.ownership.moved();
      return true;
    }
    if (error instanceof Conflict) return tries <= CONFLICT_TRIES;
    if (!(error instanceof OutcomeUnknown) || tries > OUTCOME_TRIES) return false;
    // Those that were committed are remembered; those that were not run again under their own number (protocol §6, §9).
    const pause = Math.min(OUTCOME_RETRY_MS * 2 ** (tries - 1), OUTCOME_RETRY_MAX_MS);
    await new Promise<void>((resolve) => void this.#parts.after(resolve, pause));
    return true;
  }

  /** Runs messages until one commit is full. In this turn, unless one of them has to wait. */
  #runOn(messages: readonly Message[], round: Round): Promise<void> | undefined {
    while (round.ran.length < messages.length && round.records.size < RECORDS_BEFORE) {
      const message = messages[round.ran.length]!;
      let isRun = false;
      try {
        const known = this.#shared && this.#known(this.#shared, message, round);
        if (known) {
          answerIn(round, message, known);
          continue;
        }
        if (message.options.request?.isOver) throw new CodedError('deadline');
        if (!message.options.claims.good()) throw new CodedError('stale_claims');
        const context = this.#context(message.options, round.records);
        isRun = true;
        const outcome = message.op.run(round.state, message.params, context);
        if (outcome instanceof Promise) {
          return outcome
            .then(
              (waited) => addTo(round, message, waited),
              (error: unknown) => refuseIn(round, message, error),
            )
            .then(() => this.#runOn(messages, round));
        }
        addTo(round, message, outcome);
      } catch (error) {
        if (isRun) refuseIn(round, message, error);
        else answerIn(round, message, { refused: true, told: error });
      }
    }
    return undefined;
  }

  /** What a message is told that must not run: it has run before, or no longer can here. */
  #known(shared: Shared, { options: { entry, claims } }: Message, round: Round): Answer | undefined {
    if (this.#released) throw this.#released();
    if (!entry) return undefined;
    const known = shared.outcomes.answerTo(entry, round);
    // What clients number anybody could ask for: it is told under good claims alone.
    if (known && isOfClient(entry) && !claims.good()) throw new CodedError('stale_claims');
    if (!known && !hasRoom(shared.outcomes.memory, entry.inc, this.#parts.now()))
      throw new CodedError('overloaded');
    return known;
  }

  /** Undefined where nothing changed. */
  #commit(round: Round): Promise<void> | undefined {
    if (this.#shared && this.#released) throw this.#released();
    if (round.state === this.#state && round.records.size === 0) {
      this.#shared?.outcomes.note(round, false);
      return undefined;
    }
    if (this.#shared) return this.#writeShared(this.#shared, round);
    const writing = writingOf(this.#place, { state: this.#state, version: this.#headVersion }, round);
    if (writing.changes.length > 0) return this.#write(writing, round.state);
    this.#state = round.state;
    return undefined;
  }

  async #write({ changes, conditions, hasHead, timer }: Writing, state: unknown): Promise<void> {
    this.#committing = true;
    try {
      const version = await this.#parts.storage.commit(changes, conditions);
      this.#headVersion = hasHead ? version : 0;
      await this.kind.announce?.(state, this.id);
    } finally {
      this.#committing = false;
      // After a failure too: what became of the commit may be unknown, and the timer may be there.
      if (timer) this.#parts.timerSet(timer.path, timer.dueMs);
    }
    this.#state = state;
  }

  async #writeShared(shared: Shared, round: Round): Promise<void> {
    const { holding, ownership, outcomes } = shared;
    const fence = holding.fence();
    const writing = sharedWritingOf(
      this.#place,
      {
        state: this.#state,
        version: this.#headVersion,
        fence,
        memory: outcomes.memory,
        gone: { path: shared.gonePath, version: shared.goneVersion },
        faults: ownership.faults,
        nowMs: this.#parts.now(),
        fault: this.#parts.fault,
      },
      round,
    );
    this.#committing = true;
    this.#block();
    // Until both are done the older state may be read, here and there: nobody has seen the new one.
    const ended = ownership.grants.end(this.key);
    const isEarly = ownership.faults?.has(ACTOR_FAULT.answeredBeforeGrantsEnd);
    try {
      const committing = this.#commitShared(writing, fence.path, fence.version);
      const [end] = await Promise.allSettled(isEarly ? [] : [ended, committing]);
      const version = await committing;
      if (end?.status === 'rejected') throw new OutcomeUnknown(end.reason);
      if (this.kind.announce) await this.#announce(round.state);
      if (this.#released) throw this.#released();
      this.#headVersion = writing.hasHead ? version : 0;
      shared.goneVersion = writing.hasGone ? version : 0;
      outcomes.memory = writing.memory as Memory;
      outcomes.note(round, true);
    } finally {
      this.#committing = false;
      if (writing.timer && !this.#released) this.#parts.timerSet(writing.timer.path, writing.timer.dueMs);
    }
    this.#state = round.state;
    this.#unblock();
  }

  async #commitShared({ changes, conditions }: Writing, path: string, version: number): Promise<number> {
    try {
      return await this.#parts.storage.commit(changes, conditions);
    } catch (error) {
      if (error instanceof Conflict && error.path === path) throw new FenceConflict(path, version);
      if (error instanceof StorageFailed && !error.outcomeKnown) throw new OutcomeUnknown(error);
      throw error;
    }
  }

  /** What is committed must be known everywhere; where that fails, all is as if the answer to the commit had been lost. */
  async #announce(state: unknown): Promise<void> {
    try {
      await this.kind.announce?.(state, this.id);
    } catch (error) {
      throw new OutcomeUnknown(error);
    }
  }

  #context(options: ActorSendOptions, records: Records | undefined): ActorContext {
    return new MessageContext(this.id, this.#parts, options, (name) =>
      records?.has(name) ? Promise.resolve(records.get(name)) : this.#readRecord(name),
    );
  }
}

/** Somebody, or this node itself, has claimed the shard since. */
class FenceConflict extends Conflict {
  /** Of the fence, as it was compared. */
  readonly version: number;
  constructor(path: string, version: number) {
    super(path);
    this.version = version;
  }
}

function storageError(error: unknown): unknown {
  if (error instanceof CodedError) return error;
  if (error instanceof OutcomeUnknown) return storageError(error.cause);
  // Why the store failed is the operator's to know, in the log: it names folders.
  const text = error instanceof StorageFailed ? undefined : 'the record changed meanwhile';
  return new CodedError('storage_failed', text, { cause: error });
}
