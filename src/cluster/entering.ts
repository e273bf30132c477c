/**
 * How one life of this node gets into a view: it prepares, says so and is proposed; and it answers nobody before it knows all that a member must
 * (protocol §4).
 *
 * @module
 */
import type { Clock } from '../model/clock.ts';
import type { MembershipHooks } from './membership-hooks.ts';
import { tryUntilDone } from './try-until-done.ts';

export interface EnteringOptions {
  readonly clock: Clock;
  readonly hooks: Pick<MembershipHooks, 'prepare' | 'catchUp' | 'fault'>;
  /** Is there a life that wants to be in a view? */
  isWanted(): boolean;
  /** It may be proposed from now on. */
  prepared(): void;
  /** `enterLate` is through. */
  enteredLate(): void;
}

export interface Entering {
  isReady(): boolean;
  /** It is a member, and knows all that it must before it answers. */
  isEntered(): boolean;
  /** Begins, where it has not yet and may. */
  prepare(): void;
  /** As a joiner, whose acknowledgement says that it has caught up. */
  enter(): void;
  /** It made this view itself, or missed the record that its acknowledgement led to: it reads once more what it must know. */
  enterLate(): void;
  /** Neither on its way into a view nor entered any more. */
  stop(): void;
}

export function makeEntering(options: EnteringOptions): Entering {
  const { clock, hooks } = options;
  const tries = { clock, fault: (what: string, error: unknown) => hooks.fault(what, error) };
  let ready = false;
  let preparing: AbortController | undefined;
  let entered = false;
  let entering: AbortController | undefined;

  return {
    isReady: () => ready,
    isEntered: () => entered,
    prepare() {
      if (ready || preparing || !options.isWanted()) return;
      const abort = new AbortController();
      preparing = abort;
      void tryUntilDone(tries, 'this node is not ready to join', abort.signal, (signal) =>
        hooks.prepare(signal),
      ).then((done) => {
        if (!done) return;
        preparing = undefined;
        ready = true;
        options.prepared();
      });
    },
    enter() {
      entered = true;
    },
    enterLate() {
      if (entering) return;
      const abort = new AbortController();
      entering = abort;
      const what = 'what a member must know could not be read';
      void tryUntilDone(tries, what, abort.signal, (signal) => hooks.catchUp(signal)).then((done) => {
        if (!done) return;
        entering = undefined;
        entered = true;
        options.enteredLate();
      });
    },
    stop() {
      preparing?.abort();
      entering?.abort();
      preparing = undefined;
      entering = undefined;
      ready = false;
      entered = false;
    },
  };
}
