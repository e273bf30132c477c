/**
 * What the messages of a round are told once its commit is done, or has failed.
 *
 * @module
 */
import { OutcomeUnknown, storageError } from './commit-errors.ts';
import type { Message, Ran } from './round.ts';

/** The commit is done, or none was needed. */
export function answer(ran: readonly Ran[]): void {
  for (const { message, refused, told } of ran) {
    if (refused) message.reject(told);
    else message.resolve(told);
  }
}

/**
 * The commit failed: who asked for it is told, unless all may run once more.
 * @returns the others, in order: they run again, on what is stored now.
 */
export function rejectFailed(ran: readonly Ran[], error: unknown, mayRunAgain: boolean): Message[] {
  const isUnknown = error instanceof OutcomeUnknown;
  /** None asked for it: it was to settle what became of an earlier one, and on that all of them rest. */
  const isSettling = !ran.some(({ changes }) => changes);
  const again: Message[] = [];
  for (const { message, changes } of ran) {
    // Without a number a change may not run twice where it is not known whether it has been made.
    const isFailed = changes
      ? !mayRunAgain || (isUnknown && !message.options.entry)
      : isSettling && !mayRunAgain;
    if (isFailed) message.reject(storageError(error));
    else again.push(message);
  }
  return again;
}
