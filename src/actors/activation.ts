/**
 * One active actor: its committed state, its mailbox, and the way from a message to a durable change.
 *
 * Reads run on the committed state in one turn. Changes wait in the mailbox; what waits runs one after another on a working state and
 * is committed together; only then is the state switched and each message answered (protocol §6).
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
  type SendOptions,
} from '../model/actor.ts';
import { CodedError } from '../model/errors.ts';
import { COMMIT_OPERATIONS } from '../model/limits.ts';
import { type Change, Conflict, type Storage, StorageFailed } from '../model/storage.ts';
import { MessageContext } from './message-context.ts';
import { actorKey, encodeActorId, headPath, indexPath, type Names, recordPath, timerPath } from './places.ts';
import { addTo, type Message, type Records, type Round, refuseIn } from './round.ts';
import type { Spawned } from './spawn.ts';

export interface Components {
  readonly storage: Storage;
  readonly names: Names;
  now(): number;
  randomBytes(bytes: number): Buffer;
  /** A commit that was durable put a timer there. */
  timerSet(path: string, dueMs: number): void;
  /** Something went wrong that no client can be told: for our log. */
  fault(what: string, error: unknown): void;
}

/** What one commit of this actor writes. */
interface Writing {
  readonly changes: Change[];
  /** Undefined: nothing is left, the head goes. */
  readonly head: Uint8Array | undefined;
  /** The timer that it sets. */
  readonly timer: { readonly path: string; readonly dueMs: number } | undefined;
}

export class Activation {
  readonly id: ActorId;
  readonly key: string;
  readonly kind: ActorKind<unknown>;
  /** Set by a use, taken away when the passivator passes by. */
  touched = true;
  readonly #parts: Components;
  /** Where the head lies; further records lie right behind it. */
  readonly #head: string;
  readonly #spawn: (activation: Activation) => Spawned;
  /** Called when its mailbox has been worked through. */
  readonly #onRest: (activation: Activation) => void;
  /** Its nact actor, while there is mail and a while after: most active actors are only read, and a nact actor is as large as their state. */
  #spawned: Spawned | undefined;
  #released = false;
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

  constructor(
    id: ActorId,
    kind: ActorKind<unknown>,
    parts: Components,
    spawn: (activation: Activation) => Spawned,
    onRest: (activation: Activation) => void,
  ) {
    this.id = id;
    this.key = actorKey(id);
    this.kind = kind;
    this.#parts = parts;
    this.#head = headPath(parts.names, id);
    this.#spawn = spawn;
    this.#onRest = onRest;
  }

  /** Nothing is stored of it: it is not worth keeping active. */
  get isAbsent(): boolean {
    return this.#loaded && this.#headVersion === 0;
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

  /** Loads once, however many ask. */
  load(): Promise<void> {
    this.#loading ??= this.#load().finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  async #load(): Promise<void> {
    const head = await this.#parts.storage.get(this.#head);
    const state = await this.kind.decode(head?.value, this.id, (name) => this.#readRecord(name));
    this.#state = state;
    this.#headVersion = head?.version ?? 0;
    this.#loaded = true;
  }

  async #readRecord(name: string): Promise<Uint8Array | undefined> {
    return (await this.#parts.storage.get(recordPath(this.#head, name)))?.value;
  }

  /** Runs a reading operation on the committed state: in this turn, where it is loaded. */
  read(op: ActorOperation<unknown, unknown, unknown>, params: unknown, options: SendOptions): unknown {
    if (!this.#loaded) return this.#reading(this.#loadAndRead(op, params, options));
    if (!options.claims.good()) throw new CodedError('stale_claims');
    const outcome = op.run(this.#state, params, this.#context(options, undefined));
    if (!(outcome instanceof Promise)) return outcome.reply;
    return this.#reading(this.#readOn(outcome, op, params, options));
  }

  async #loadAndRead(
    op: ActorOperation<unknown, unknown, unknown>,
    params: unknown,
    options: SendOptions,
  ): Promise<unknown> {
    while (!this.#loaded) {
      if (this.#released) throw new CodedError('sealed');
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
    options: SendOptions,
  ): Promise<unknown> {
    const version = this.#headVersion;
    const isOfOneState = () => this.#loaded && this.#headVersion === version && !this.#committing;
    try {
      const { reply } = await outcome;
      if (isOfOneState()) return reply;
    } catch (error) {
      if (isOfOneState() && !(error instanceof RecordGone)) throw error;
    }
    if (this.#released) throw new CodedError('sealed');
    return new Promise((resolve, reject) => this.enqueue({ op, params, options, resolve, reject }));
  }

  /** Keeps it from being let go until `reading` has ended. */
  async #reading<T>(reading: Promise<T>): Promise<T> {
    this.#readers++;
    try {
      return await reading;
    } finally {
      this.#readers--;
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
  }

  /** Does without its nact actor until there is mail again. Only where `isIdle`. */
  rest(): void {
    this.#spawned?.stop();
    this.#spawned = undefined;
  }

  /** Wipes what it holds. The caller has taken it out of the registry. */
  release(): void {
    this.#released = true;
    this.rest();
    if (this.#loaded) this.kind.wipe?.(this.#state);
    this.#state = undefined;
    this.#loaded = false;
    for (const message of this.#mailbox ?? []) message.reject(new CodedError('sealed'));
    this.#mailbox = undefined;
  }

  async #runBatch(batch: Message[]): Promise<void> {
    let waiting = batch;
    let isRetry = false;
    while (waiting.length > 0) {
      if (!this.#loaded) await this.load();
      const round: Round = { ran: [], records: new Map(), state: this.#state };
      const running = this.#runOn(waiting, round);
      if (running) await running;
      const { ran } = round;
      const rest = waiting.slice(ran.length);
      try {
        const committing = this.#commit(round);
        if (committing) await committing;
      } catch (error) {
        this.#loaded = false;
        if (error instanceof Conflict && !isRetry) {
          isRetry = true;
          waiting = [...ran.map((r) => r.message), ...rest];
          continue;
        }
        this.#parts.fault('commit', error);
        const told = storageError(error);
        for (const { message, changes } of ran) if (changes) message.reject(told);
        // The others asked for nothing that failed: they see what is stored now.
        waiting = [...ran.filter(({ changes }) => !changes).map((r) => r.message), ...rest];
        isRetry = false;
        continue;
      }
      for (const { message, refused, told } of ran) {
        if (refused) message.reject(told);
        else message.resolve(told);
      }
      isRetry = false;
      waiting = rest;
    }
  }

  /** Runs messages until one commit is full. In this turn, unless one of them has to wait. */
  #runOn(messages: readonly Message[], round: Round): Promise<void> | undefined {
    while (round.ran.length < messages.length && round.records.size < COMMIT_OPERATIONS / 2) {
      const message = messages[round.ran.length]!;
      try {
        if (message.options.request?.isOver) throw new CodedError('deadline');
        if (!message.options.claims.good()) throw new CodedError('stale_claims');
        const context = this.#context(message.options, round.records);
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
        refuseIn(round, message, error);
      }
    }
    return undefined;
  }

  /** Undefined where nothing changed. */
  #commit(round: Round): Promise<void> | undefined {
    if (round.state === this.#state && round.records.size === 0) return undefined;
    const writing = this.#writing(round);
    if (writing.changes.length > 0) return this.#write(writing, round.state);
    this.#state = round.state;
    return undefined;
  }

  async #write({ changes, head, timer }: Writing, state: unknown): Promise<void> {
    this.#committing = true;
    try {
      const version = await this.#parts.storage.commit(changes, [
        { path: this.#head, version: this.#headVersion },
      ]);
      this.#headVersion = head === undefined ? 0 : version;
    } finally {
      this.#committing = false;
      // After a failure too: what became of the commit may be unknown, and the timer may be there.
      if (timer) this.#parts.timerSet(timer.path, timer.dueMs);
    }
    this.#state = state;
  }

  #writing({ state, records }: Round): Writing {
    const { kind } = this;
    const { names } = this.#parts;
    const before = this.#state;
    const head = kind.encode(state);
    const changes: Change[] = [];
    if (head !== undefined || this.#headVersion !== 0) changes.push({ path: this.#head, value: head });
    for (const [name, value] of records) changes.push({ path: recordPath(this.#head, name), value });

    const [dueBefore, dueMs] = [kind.dueAt?.(before), kind.dueAt?.(state)];
    let timer: Writing['timer'];
    if (dueMs !== dueBefore) {
      if (dueBefore !== undefined)
        changes.push({ path: timerPath(names, this.key, dueBefore), value: undefined });
      if (dueMs !== undefined) {
        timer = { path: timerPath(names, this.key, dueMs), dueMs };
        changes.push({ path: timer.path, value: encodeActorId(this.id) });
      }
    }
    if (kind.indexes) {
      const [old, fresh] = [kind.indexes(before, this.id), kind.indexes(state, this.id)].map(
        (entries) => new Set(entries.map((entry) => indexPath(names, entry))),
      );
      for (const path of old!) if (!fresh!.has(path)) changes.push({ path, value: undefined });
      for (const path of fresh!) if (!old!.has(path)) changes.push({ path, value: new Uint8Array(0) });
    }
    return { changes, head, timer };
  }

  #context(options: SendOptions, records: Records | undefined): ActorContext {
    return new MessageContext(this.id, this.#parts, options, (name) =>
      records?.has(name) ? Promise.resolve(records.get(name)) : this.#readRecord(name),
    );
  }
}

function storageError(error: unknown): unknown {
  if (error instanceof CodedError) return error;
  // Why the store failed is the operator's to know, in the log: it names folders.
  const text = error instanceof StorageFailed ? undefined : 'the record changed meanwhile';
  return new CodedError('storage_failed', text, { cause: error });
}
