/**
 * One active actor: its mailbox, its readers, and the way from a message to a durable change.
 *
 * Reads run on the committed state in one turn. Changes wait in the mailbox; what waits runs one after another on a working state and
 * is committed together; only then is the state switched (`committed.ts`) and each message answered (protocol §6).
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
import { Conflict } from '../model/storage.ts';
import { answer, rejectFailed } from './answers.ts';
import { OutcomeUnknown } from './commit-errors.ts';
import { Committed, type Components } from './committed.ts';
import { MessageContext } from './message-context.ts';
import type { Holding } from './ownership.ts';
import { type ActorSendOptions, type Message, makeRound, type Records } from './round.ts';
import { checkStillGood, type Runner, runMessages } from './running.ts';
import type { Spawned, Working } from './spawn.ts';

/** Who has active actors. */
export interface Registry {
  spawn(working: Working): Spawned;
  /** Its mailbox has been worked through. */
  rested(activation: Activation): void;
}

export class Activation extends Committed implements Runner, Working {
  /** Set by a use, taken away when the passivator passes by. */
  touched = true;
  readonly #registry: Registry;
  /** Its nact actor, while there is mail: most active actors are only read, and a nact actor is as large as their state. */
  #spawned: Spawned | undefined;
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
  /** Readers that wait for the load, or for a record. */
  #readers = 0;
  #idleAwaited: (() => void)[] | undefined;

  /** As `Committed`'s. */
  constructor(
    id: ActorId,
    key: string,
    kind: ActorKind<unknown>,
    parts: Components,
    holding: Holding | undefined,
    registry: Registry,
  ) {
    super(id, key, kind, parts, holding);
    this.#registry = registry;
  }

  get shard(): number | undefined {
    return this.sharing?.holding.shard;
  }

  get isIdle(): boolean {
    return !this.#working && !this.#mailbox && this.#loading === undefined && this.#readers === 0;
  }

  /** It has been made, and is not worth keeping active. */
  get isLeft(): boolean {
    return this.#isLeft;
  }

  /** What others may hold of it; undefined while it is at work, or not loaded. */
  get snapshot(): { readonly bytes: Uint8Array | undefined; readonly version: number } | undefined {
    if (!this.isLoaded || this.#working || this.#mailbox) return undefined;
    return { bytes: this.kind.encode(this.state), version: this.version };
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
    this.#loading ??= this.loadAfter(this.#creating).finally(() => {
      this.#loading = undefined;
      this.#lookIdle();
    });
    return this.#loading;
  }

  /** Runs a reading operation on the committed state: in this turn, where it is loaded. */
  read(op: ActorOperation<unknown, unknown, unknown>, params: unknown, options: ActorSendOptions): unknown {
    if (!this.isLoaded) return this.#reading(this.#loadAndRead(op, params, options));
    if (!options.claims.good()) throw new CodedError('stale_claims');
    const outcome = op.run(this.state, params, this.context(options, undefined));
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
    if (this.sharing || !this.isLoaded || !this.isIdle) return undefined;
    if (options.request?.isOver || !options.claims.good()) return undefined;
    const outcome = op.run(this.state, params, this.context(options, undefined));
    return outcome instanceof Promise || outcome.next ? undefined : outcome;
  }

  async #loadAndRead(
    op: ActorOperation<unknown, unknown, unknown>,
    params: unknown,
    options: ActorSendOptions,
  ): Promise<unknown> {
    while (!this.isLoaded) {
      this.checkHeld();
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
    const { version } = this;
    try {
      const { reply } = await outcome;
      if (this.isStillAt(version)) {
        if (this.sharing) checkStillGood(options);
        return reply;
      }
    } catch (error) {
      if (this.isStillAt(version) && !(error instanceof RecordGone)) throw error;
    }
    this.checkHeld();
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
    this.#spawned ??= this.#registry.spawn(this);
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
    this.#registry.rested(this);
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
    this.#rest();
    this.letGo(told);
    for (const message of this.#mailbox ?? []) message.reject(told());
    this.#mailbox = undefined;
  }

  /** May it run as if nothing were stored? Its commit compares that. */
  #isNew([first, ...others]: readonly Message[]): boolean {
    if (!first?.op.creates || others.length > 0 || this.kind.announce) return false;
    return this.isUntouched && !this.#loading && !this.parts.doubts.has(this.key);
  }

  async #runBatch(batch: Message[]): Promise<void> {
    let waiting = batch;
    let tries = 0;
    let isNew = this.#isNew(batch);
    while (waiting.length > 0) {
      const creating = isNew ? Promise.withResolvers<void>() : undefined;
      this.#creating = creating?.promise;
      isNew = false;
      if (!creating && !this.isLoaded) await this.load();
      const round = makeRound(this.state);
      const running = runMessages(this, waiting, round);
      if (running) await running;
      const { ran } = round;
      const rest = waiting.slice(ran.length);
      try {
        // What is told without a commit must rest on what is stored.
        if (creating && !ran.some(({ changes }) => changes)) continue;
        const committing = this.commit(round);
        if (committing) await committing;
        if (creating) this.created();
        this.#isLeft = creating !== undefined && batch[0]!.op.leaves === true;
      } catch (error) {
        this.unload();
        tries++;
        const isAgain = this.sharing
          ? await this.sharing.mayRunAgain(error, tries)
          : error instanceof Conflict && tries === 1;
        if (!isAgain) tries = 0;
        if (!isAgain || error instanceof OutcomeUnknown) this.parts.fault('commit', error);
        waiting = [...rejectFailed(ran, error, isAgain), ...rest];
        continue;
      } finally {
        creating?.resolve();
      }
      answer(ran);
      tries = 0;
      waiting = rest;
    }
  }

  context(options: ActorSendOptions, records: Records | undefined): ActorContext {
    return new MessageContext(this.id, this.parts, options, (name) =>
      records?.has(name) ? Promise.resolve(records.get(name)) : this.readRecord(name),
    );
  }
}
