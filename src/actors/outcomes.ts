/**
 * Messages that one actor has answered before, while it is active (protocol §9): what its records remember, and the refusals since it was
 * loaded. A refusal is not worth a commit; but a copy of it that comes late must not take effect after all.
 *
 * @module
 */
import { CodedError } from '../model/errors.ts';
import { unpackValue } from '../model/value-codec.ts';
import { type Entry, isOfClient, type Memory, NO_MEMORY, replyBytes } from './memory.ts';
import { lastOf, type Ran, type Round } from './round.ts';

export type Answer = Pick<Ran, 'refused' | 'told'>;

export class Outcomes {
  /** As committed. */
  memory: Memory = NO_MEMORY;
  /** The last message of an entry that changed nothing. */
  #unchanged: Map<string, { readonly n: number } & Answer> | undefined;

  get isEmpty(): boolean {
    return this.#unchanged === undefined;
  }

  /** Undefined: it has not come before. */
  answerTo(entry: Entry, round: Round): Answer | undefined {
    const here = lastOf(round, entry.inc);
    if (here) return answered(entry, here.message.options.entry!.n, () => here);
    const unchanged = this.#unchanged?.get(entry.inc);
    const remembered = this.memory.get(entry.inc);
    if (unchanged && unchanged.n >= (remembered?.n ?? 0))
      return answered(entry, unchanged.n, () => unchanged);
    return remembered && answered(entry, remembered.n, () => toldOf(remembered.reply));
  }

  /** @param isCommitted - what the round changed is in `memory`; where not, it changed nothing. */
  note(round: Round, isCommitted: boolean): void {
    if (!round.entries) return;
    for (const { message, changes, refused, told } of round.entries) {
      const entry = message.options.entry!;
      if ((changes && isCommitted) || isOfClient(entry) || isToBeSentAgain(refused, told)) continue;
      this.#unchanged ??= new Map();
      this.#unchanged.set(entry.inc, { n: entry.n, refused, told });
    }
  }
}

function answered(entry: Entry, n: number, answer: () => Answer): Answer | undefined {
  if (entry.n > n) return undefined;
  if (entry.n === n) return answer();
  // Its sender has had the answer, or has stopped waiting for it: nobody reads this.
  return { refused: true, told: new CodedError('deadline', 'a later message has been answered') };
}

function toldOf(reply: string | undefined): Answer {
  if (reply !== undefined) return { refused: false, told: unpackValue(replyBytes(reply)) };
  const text = 'the change was made, but its reply is not kept';
  return { refused: true, told: new CodedError('unavailable', text) };
}

/** Refusals after which the same message, under the same number, may run. */
function isToBeSentAgain(refused: boolean, told: unknown): boolean {
  return refused && !(told instanceof CodedError && told.status < 500);
}
