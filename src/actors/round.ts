/**
 * Messages of one actor that run one after another and are committed together.
 *
 * @module
 */
import type { ActorOperation, Outcome, SendOptions } from '../model/actor.ts';
import type { Entry } from './memory.ts';

/** How a message reaches an actor of this node. */
export interface ActorSendOptions extends SendOptions {
  /** Of a change, where nodes are several: under which number it was let in (protocol §9). */
  readonly entry?: Entry;
}

export interface Message {
  readonly op: ActorOperation<unknown, unknown, unknown>;
  readonly params: unknown;
  readonly options: ActorSendOptions;
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
  /** The last message of each entry whose operation ran; undefined: none has an entry. Mostly there is one. */
  entries: Ran[] | undefined;
}

export function makeRound(state: unknown): Round {
  return { ran: [], records: new Map(), state, entries: undefined };
}

export function addTo(round: Round, message: Message, { reply, next }: Outcome<unknown, unknown>): void {
  if (next) {
    round.state = next.state;
    for (const { name, value } of next.records ?? []) round.records.set(name, value);
  }
  push(round, { message, changes: next !== undefined, refused: false, told: reply });
}

/** The operation refused it. */
export function refuseIn(round: Round, message: Message, error: unknown): void {
  push(round, { message, changes: false, refused: true, told: error });
}

/** It is answered without running: refused before it could, or known already. */
export function answerIn(round: Round, message: Message, answer: Pick<Ran, 'refused' | 'told'>): void {
  const { refused, told } = answer;
  round.ran.push({ message, changes: false, refused, told });
}

function push(round: Round, ran: Ran): void {
  round.ran.push(ran);
  const { entry } = ran.message.options;
  if (!entry) return;
  if (!round.entries) {
    round.entries = [ran];
    return;
  }
  const at = round.entries.findIndex((one) => one.message.options.entry!.inc === entry.inc);
  if (at < 0) round.entries.push(ran);
  else round.entries[at] = ran;
}

/** The last message of this entry whose operation ran in the round. */
export function lastOf(round: Round, inc: string): Ran | undefined {
  return round.entries?.find((one) => one.message.options.entry!.inc === inc);
}
