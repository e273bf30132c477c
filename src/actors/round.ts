/**
 * Messages of one actor that run one after another and are committed together.
 *
 * @module
 */
import type { ActorOperation, Outcome, SendOptions } from '../model/actor.ts';

export interface Message {
  readonly op: ActorOperation<unknown, unknown, unknown>;
  readonly params: unknown;
  readonly options: SendOptions;
  resolve(reply: unknown): void;
  reject(error: unknown): void;
}

/** A message that has run and waits for the commit. What is told, a refusal too, rests on what ran before it. */
export interface Ran {
  readonly message: Message;
  readonly changes: boolean;
  readonly refused: boolean;
  /** The reply, or why it was refused. */
  readonly told: unknown;
}

export type Records = Map<string, Uint8Array | undefined>;

/** Messages that are committed together, and the working state they have run on. */
export interface Round {
  readonly ran: Ran[];
  readonly records: Records;
  state: unknown;
}

export function addTo(round: Round, message: Message, { reply, next }: Outcome<unknown, unknown>): void {
  if (next) {
    round.state = next.state;
    for (const { name, value } of next.records ?? []) round.records.set(name, value);
  }
  round.ran.push({ message, changes: next !== undefined, refused: false, told: reply });
}

export function refuseIn(round: Round, message: Message, error: unknown): void {
  round.ran.push({ message, changes: false, refused: true, told: error });
}
