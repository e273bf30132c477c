/**
 * nact behind our own door. Three of its habits are not ours: `query` may hand a reply to the wrong caller (32-bit ids), the default
 * supervision prints the whole message, and a parent's cost per message grows with its children. So: replies go through
 * resolvers that travel with the message, every actor has its own `onCrash`, and there are many parents.
 *
 * @module
 */
import { type ActorSystemRef, dispatch, type Ref, spawn, start, stop } from 'nact';

/** nact's cost per message grows with the children of a parent. */
const PARENTS = 256;
/** Actors without work that are kept for the next who has some. */
const FREE_MAX = 1_024;

type Wake = 'wake';

export interface Spawned {
  /** Lets the actor work through what waits in its mailbox. Never lost: it is asked for again while something waits. */
  wake(): void;
  /** @param isIdle - it does nothing, and was not woken: then it may serve another. */
  stop(isIdle: boolean): void;
}

export interface Spawner {
  spawn(working: Working): Spawned;
}

export interface Working {
  /** Runs one at a time. Should not reject; if it does, `crashed` hears of it and the actor goes on. */
  work(): Promise<void>;
}

/** A nact actor, and for whom it works at present. */
class Worker implements Spawned {
  working: Working | undefined;
  readonly #ref: Ref<Wake>;
  readonly #free: Worker[];

  constructor(parent: Ref<Wake>, name: string, free: Worker[], crashed: (error: Error | undefined) => void) {
    this.#free = free;
    this.#ref = spawn(
      parent,
      // The message says only that there is work; what the actor is lies with the one who works, not in nact's state.
      (async () => this.working?.work()) as () => Promise<undefined>,
      name,
      {
        onCrash: (_message, error, ctx) => {
          crashed(error);
          return ctx.resume;
        },
      },
    ) as Ref<Wake>;
  }

  wake(): void {
    dispatch(this.#ref, 'wake');
  }

  stop(isIdle: boolean): void {
    this.working = undefined;
    if (isIdle && this.#free.length < FREE_MAX) this.#free.push(this);
    else stop(this.#ref);
  }
}

export function makeSpawner(crashed: (error: Error | undefined) => void): Spawner {
  const system: ActorSystemRef = start();
  const parents: Ref<Wake>[] = [];
  /** Most work of an actor is one message; making a nact actor for it costs more than the rest of its way. */
  const free: Worker[] = [];
  let names = 0;

  const parentOf = (number: number): Ref<Wake> => {
    const at = number % PARENTS;
    parents[at] ??= spawn(system, (state: undefined) => state, `parent-${at}`, {
      onCrash: (_message, _error, ctx) => ctx.resume,
    }) as Ref<Wake>;
    return parents[at];
  };

  return {
    spawn(working) {
      let worker = free.pop();
      if (!worker) {
        names++;
        worker = new Worker(parentOf(names), `a${names}`, free, crashed);
      }
      worker.working = working;
      return worker;
    },
  };
}
