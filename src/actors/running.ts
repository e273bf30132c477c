/**
 * Runs what waits in an actor's mailbox, one message after another, on a working state.
 *
 * @module
 */
import type { ActorContext, Outcome } from '../model/actor.ts';
import { CodedError } from '../model/errors.ts';
import { COMMIT_OPERATIONS } from '../model/limits.ts';
import type { Answer } from './outcomes.ts';
import {
  type ActorSendOptions,
  addTo,
  answerIn,
  type Message,
  type Records,
  type Round,
  refuseIn,
} from './round.ts';

export interface Runner {
  /** What a message is told that must not run. @throws what it is refused with. Absent: this node is alone. */
  readonly sharing: { known(message: Message, round: Round): Answer | undefined } | undefined;
  context(options: ActorSendOptions, records: Records | undefined): ActorContext;
}

/** Records that one message finds changed by those before it, at most: with what else a commit holds there is room for its own. */
const RECORDS_BEFORE = COMMIT_OPERATIONS / 2 - 2;

/** Until one commit is full. In this turn, unless a message has to wait. */
export function runMessages(
  runner: Runner,
  messages: readonly Message[],
  round: Round,
): Promise<void> | undefined {
  while (round.ran.length < messages.length && round.records.size < RECORDS_BEFORE) {
    const message = messages[round.ran.length]!;
    const { request, claims } = message.options;
    let isRun = false;
    try {
      const known = runner.sharing?.known(message, round);
      if (known) {
        answerIn(round, message, known);
        continue;
      }
      if (request?.isOver) throw new CodedError('deadline');
      if (!claims.good()) throw new CodedError('stale_claims');
      const context = runner.context(message.options, round.records);
      isRun = true;
      const outcome = message.op.run(round.state, message.params, context);
      if (outcome instanceof Promise) {
        return waitFor(runner, outcome, message, round).then(() => runMessages(runner, messages, round));
      }
      addTo(round, message, outcome);
    } catch (error) {
      if (isRun) refuseIn(round, message, error);
      else answerIn(round, message, { refused: true, told: error });
    }
  }
  return undefined;
}

async function waitFor(
  runner: Runner,
  outcome: Promise<Outcome<unknown, unknown>>,
  message: Message,
  round: Round,
): Promise<void> {
  const [result] = await Promise.allSettled([outcome]);
  try {
    if (runner.sharing) checkStillGood(message.options);
  } catch (error) {
    return answerIn(round, message, { refused: true, told: error });
  }
  if (result.status === 'fulfilled') addTo(round, message, result.value);
  else refuseIn(round, message, result.reason);
}

/**
 * What waited for records rests on what it has read meanwhile, and that is this actor's only while nobody else may own it.
 * @throws CodedError `stale_claims`, or what the claims throw.
 */
export function checkStillGood({ claims }: ActorSendOptions): void {
  if (!claims.good()) throw new CodedError('stale_claims');
}
