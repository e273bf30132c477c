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
import { Conflict, type Storage } from '../model/storage.ts';
import { OutcomeUnknown, storageError } from './commit-errors.ts';
import type { Doubts } from './doubts.ts';
import { MessageContext } from './message-context.ts';
import type { Holding, Ownership } from './ownership.ts';
import { actorKey, headPath, type Names, recordPath } from './places.ts';
import {
  type ActorSendOptions,
  type Message,
  makeRound,
  type Ran,
  type Records,
  type Round,
} from './round.ts';
import { checkStillGood, type Runner, runMessages } from './running.ts';
import { Sharing } from './sharing.ts';
import type { Spawned } from './spawn.ts';
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

export class Activation implements Place, Runner {
  readonly id: ActorId;
  readonly key: string;
  readonly kind: ActorKind<unknown>;
  /** Set by a use, taken away when the passivator passes by. */
  touched = true;
  readonly names: Names;
  /** Where the head lies; further records lie right behind it. */
  readonly head: string;
  readonly #parts: Components;
  /** Undefined: this node is alone. */
  readonly sharing: Sharing | undefined;
  readonly #spawn: (activation: Activation) => Spawned;
  /** Called when its mailbox has been worked through. */
  readonly #onRest: (activation: Activation) => void;
  /** Its nact actor, while there is mail: most active actors are only read, and a nact actor is as large as their state. */
  #spawned: Spawned | undefined;
  /** Set once it is let go of: what is told to who still comes. */
  #released: (() => Error) | undefined;
  #state: unknown;
  #headVersion = 0;
  #loaded = false;
  #loading: Promise<void> | undefined;
  /** While a message that creates runs on what was not loaded. */
  #creating: Promise<unknown> | undefined;
  /**
   * Undefined while empty. A new list for each batch: one that grew old with the actor would, once let go, keep its messages until the
   * next full collection.
   */
  #mailbox: Message[] | undefined;
  #working = false;
  #isLeft = false;
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
    this.id = id;
    this.key = actorKey(id);
    this.kind = kind;
    this.names = parts.names;
    this.head = headPath(parts.names, id);
    this.#parts = parts;
    this.sharing = holding && new Sharing(this, parts, holding, () => this.#checkHeld());
    this.#spawn = spawn;
    this.#onRest = onRest;
  }

  get shard(): number | undefined {
    return this.sharing?.holding.shard;
  }

  /** Nothing is stored of it: it is not worth keeping active. */
  get isAbsent(): boolean {
    return this.#loaded && this.#headVersion === 0 && this.sharing?.isForgettable !== false;
  }

  get isIdle(): boolean {
    return !this.#working && !this.#mailbox && this.#loading === undefined && this.#readers === 0;
  }

  /** It has been made, and is not worth keeping active. */
  get isLeft(): boolean {
    return this.#isLeft;
  }

  get isLoaded(): boolean {
    return this.#loaded;
  }

  /** The committed state; undefined while it is not known: before it is loaded, after a commit whose outcome is not, once let go of. */
  get state(): unknown {
    return this.#loaded ? this.#state : undefined;
  }

  /** Of the head that `state` is of; 0: there is none, or it is not known. */
  get version(): number {
    return this.#loaded ? this.#headVersion : 0;
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
    await this.#creating;
    if (this.#loaded) return;
    // Released meanwhile, it must not block grants any more: nobody would let them go.
    this.#checkHeld();
    await this.sharing?.beforeLoad();
    const { record, memory, state } = await readState(this.#parts.storage, this.kind, this.id, this.head);
    await this.sharing?.loaded(record, memory);
    try {
      this.#checkHeld();
      if (this.kind.announce) await this.kind.announce(state, this.id);
      this.#checkHeld();
    } catch (error) {
      this.kind.wipe?.(state);
      throw error;
    }
    this.#state = state;
    this.#headVersion = record?.version ?? 0;
    this.#loaded = true;
    this.sharing?.unblock();
    this.#parts.activated?.(this.id);
  }

  async #readRecord(name: string): Promise<Uint8Array | undefined> {
    return (await this.#parts.storage.get(recordPath(this.head, name)))?.value;
  }

  /** @throws what is told to who still comes, once it is let go of. */
  #checkHeld(): void {
    if (this.#released) throw this.#released();
  }

  /** Runs a reading operation on the committed state: in this turn, where it is loaded. */
  read(op: ActorOperation<unknown, unknown, unknown>, params: unknown, options: ActorSendOptions): unknown {
    if (!this.#loaded) return this.#reading(this.#loadAndRead(op, params, options));
    if (!options.claims.good()) throw new CodedError('stale_claims');
    const outcome = op.run(this.#state, params, this.context(options, undefined));
    if (!(outcome instanceof Promise)) return outcome.reply;
    return this.#reading(this.#readOn(outcome, op, params, options));
  }

  /**
   * What an operation that mostly keeps the state replies, if it does so now. Undefined: it has to go the way of changes.
   * @throws what it is refused with.
   */
  keep(
    op: ActorOperation<unknown, unknown, unknown>,
    params: unknown,
    options: ActorSendOptions,
  ): { readonly reply: unknown } | undefined {
    // Of a node among others a message that changed nothing is remembered too.
    if (this.sharing || !this.#loaded || !this.isIdle) return undefined;
    if (options.request?.isOver || !options.claims.good()) return undefined;
    const outcome = op.run(this.#state, params, this.context(options, undefined));
    return outcome instanceof Promise || outcome.next ? undefined : outcome;
  }

  async #loadAndRead(
    op: ActorOperation<unknown, unknown, unknown>,
    params: unknown,
    options: ActorSendOptions,
  ): Promise<unknown> {
    while (!this.#loaded) {
      this.#checkHeld();
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
      if (isOfOneState()) {
        if (this.sharing) checkStillGood(options);
        return reply;
      }
    } catch (error) {
      if (isOfOneState() && !(error instanceof RecordGone)) throw error;
    }
    this.#checkHeld();
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
    this.#rest();
    this.#onRest(this);
    this.#lookIdle();
  }

  /** Does without its nact actor until there is mail again. */
  #rest(): void {
    this.#spawned?.stop(!this.#working && !this.#mailbox);
    this.#spawned = undefined;
  }

  /**
   * Wipes what it holds. The caller has taken it out of the registry.
   * @param told - to who still comes.
   */
  release(told: () => Error): void {
    this.#released = told;
    this.#rest();
    if (this.#loaded) this.kind.wipe?.(this.#state);
    this.#state = undefined;
    this.#loaded = false;
    this.sharing?.unblock();
    for (const message of this.#mailbox ?? []) message.reject(told());
    this.#mailbox = undefined;
  }

  /** May it run as if nothing were stored? Its commit compares that. */
  #isNew([first, ...others]: readonly Message[]): boolean {
    if (!first?.op.creates || others.length > 0 || this.kind.announce) return false;
    const isUntouched = this.#state === undefined && this.#headVersion === 0 && !this.#loading;
    return !this.#loaded && isUntouched && !this.#parts.doubts.has(this.key);
  }

  async #runBatch(batch: Message[]): Promise<void> {
    let waiting = batch;
    let tries = 0;
    let isNew = this.#isNew(batch);
    while (waiting.length > 0) {
      const creating = isNew ? Promise.withResolvers<void>() : undefined;
      this.#creating = creating?.promise;
      isNew = false;
      if (!creating && !this.#loaded) await this.load();
      const round = makeRound(this.#state);
      const running = runMessages(this, waiting, round);
      if (running) await running;
      const { ran } = round;
      const rest = waiting.slice(ran.length);
      const isSettling = !ran.some(({ changes }) => changes);
      try {
        // What is told without a commit must rest on what is stored.
        if (creating && isSettling) continue;
        const committing = this.#commit(round);
        if (committing) await committing;
        if (creating) this.#loaded = this.#released === undefined;
        this.#isLeft = creating !== undefined && batch[0]!.op.leaves === true;
      } catch (error) {
        this.#loaded = false;
        tries++;
        const isAgain = this.sharing
          ? await this.sharing.mayRunAgain(error, tries)
          : error instanceof Conflict && tries === 1;
        if (!isAgain) tries = 0;
        if (!isAgain || error instanceof OutcomeUnknown) this.#parts.fault('commit', error);
        // Without a number a change may not run twice where it is not known whether it has been made.
        const isFailed = ({ message, changes }: Ran) =>
          changes
            ? !isAgain || (error instanceof OutcomeUnknown && !message.options.entry)
            : isSettling && !isAgain;
        // The others asked for nothing that failed: they see what is stored now.
        for (const one of ran) if (isFailed(one)) one.message.reject(storageError(error));
        waiting = [...ran.filter((one) => !isFailed(one)).map((one) => one.message), ...rest];
        continue;
      } finally {
        creating?.resolve();
      }
      for (const { message, refused, told } of ran) {
        if (refused) message.reject(told);
        else message.resolve(told);
      }
      tries = 0;
      waiting = rest;
    }
  }

  /** Undefined where nothing changed, and no commit of before can change it any more. */
  #commit(round: Round): Promise<void> | undefined {
    if (round.state === this.#state && round.records.size === 0 && !this.sharing?.mustSettle(round)) {
      this.sharing?.unchanged(round);
      return undefined;
    }
    return this.sharing ? this.#commitShared(this.sharing, round) : this.#commitAlone(round);
  }

  async #commitShared(sharing: Sharing, round: Round): Promise<void> {
    const { kind } = this;
    const announcing = kind.announce && (async () => kind.announce?.(round.state, this.id));
    this.#checkHeld();
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
      const version = await this.#parts.storage.commit(changes, [
        { path: this.head, version: this.#headVersion },
      ]);
      this.#headVersion = hasHead ? version : 0;
      if (this.kind.announce) await this.kind.announce(state, this.id);
    } finally {
      this.#committing = false;
      // After a failure too: what became of the commit may be unknown, and the timer may be there.
      if (timer) this.#parts.timerSet(timer.path, timer.dueMs);
    }
    this.#state = state;
  }

  context(options: ActorSendOptions, records: Records | undefined): ActorContext {
    return new MessageContext(this.id, this.#parts, options, (name) =>
      records?.has(name) ? Promise.resolve(records.get(name)) : this.#readRecord(name),
    );
  }
}
