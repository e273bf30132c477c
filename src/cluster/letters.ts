/**
 * The message by which one node has another run an operation: what, on which actor, as the how manieth change of whom, and under which
 * authority (protocol §8, §9).
 *
 * @module
 */
import type { Entry } from '../actors/memory.ts';
import type { ActorId, Claims, SendOptions } from '../model/actor.ts';
import type { Caller } from '../model/caller.ts';
import { CodedError } from '../model/errors.ts';
import type { Mount } from '../model/mount.ts';
import { FAULT, type Faults } from './faults.ts';

/** Of messages that have an operation run. */
export const RUN = 'run';

/** What a request was authorized by, as its receiver checks it. */
export interface LetterAuthority {
  /** Sequence numbers of the catalog's sections. */
  readonly sections: readonly number[];
  /** On the receiver's monotonic clock: until then all that the sender read is good. */
  readonly byMs: number;
  readonly mayCreate: boolean;
  readonly mayUpdate: boolean;
}

export interface Letter {
  /** Of the sender's view. */
  readonly epoch: number;
  /** The life it is meant for: `byMs` is on that one's clock. */
  readonly to: string;
  /** Of the operation. */
  readonly op: string;
  readonly id: ActorId;
  readonly params: unknown;
  /** Of a change. */
  readonly entry: Entry | undefined;
  readonly caller: Caller | undefined;
  readonly mount: Mount | undefined;
  /** Undefined: the program's own authority. */
  readonly auth: LetterAuthority | undefined;
}

/** As a value that crosses: a list, in this order. */
export function writeLetter(letter: Letter): unknown[] {
  const { epoch, to, op, id, params, entry, caller, mount, auth } = letter;
  return [
    ...[epoch, to, op, id.kind, id.namespace, id.mount, id.name, params],
    ...[entry && [entry.inc, entry.n], caller, mount],
    auth && [auth.sections, auth.byMs, auth.mayCreate, auth.mayUpdate],
  ];
}

/** @throws CodedError `unsupported` where it is none: what is missing must not stand for more authority than was meant. */
export function readLetter(value: unknown): Letter {
  if (!Array.isArray(value) || value.length < 12) throw new CodedError('unsupported');
  const [epoch, to, op, kind, namespace, mountId, name, params, entry, caller, mount, auth] = value;
  const texts = [to, op, kind, namespace, mountId, name];
  if (!isCount(epoch) || texts.some((text) => typeof text !== 'string')) throw new CodedError('unsupported');
  return {
    epoch,
    to,
    op,
    id: { kind, namespace, mount: mountId, name },
    params,
    entry: readEntry(entry),
    caller,
    mount,
    auth: readAuthority(auth),
  };
}

function readEntry(value: unknown): Entry | undefined {
  if (value === undefined) return undefined;
  const [inc, n] = Array.isArray(value) ? value : [];
  if (typeof inc !== 'string' || !isCount(n) || n === 0) throw new CodedError('unsupported');
  return { inc, n };
}

/** Only what was never written is the program's own. */
function readAuthority(value: unknown): LetterAuthority | undefined {
  if (value === undefined) return undefined;
  const [sections, byMs, mayCreate, mayUpdate] = Array.isArray(value) ? value : [];
  const isGood =
    Array.isArray(sections) &&
    sections.every(isCount) &&
    typeof byMs === 'number' &&
    !Number.isNaN(byMs) &&
    typeof mayCreate === 'boolean' &&
    typeof mayUpdate === 'boolean';
  if (!isGood) throw new CodedError('unsupported');
  return { sections, byMs, mayCreate, mayUpdate };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

export interface ReceiverState {
  monotonicMs(): number;
  /** Sequence numbers of the catalog's sections, as applied here. */
  sections(): readonly number[];
  readonly faults?: Faults;
}

/** The letter's authority, as it is checked where the operation starts. */
export function claimsOf(auth: LetterAuthority, { monotonicMs, sections, faults }: ReceiverState): Claims {
  const isOfThisCatalog = (): boolean =>
    sections().every((seq, i) => seq <= (auth.sections[i] ?? Number.NEGATIVE_INFINITY));
  return {
    mayCreate: auth.mayCreate,
    mayUpdate: auth.mayUpdate,
    good() {
      if (!faults?.has(FAULT.byIgnored) && monotonicMs() >= auth.byMs) return false;
      return faults?.has(FAULT.claimsUnchecked) === true || isOfThisCatalog();
    },
  };
}

/** What the actor is handed of a letter besides its authority. @param isOver - nobody waits for the reply any more */
export function optionsOf(letter: Letter, claims: Claims, isOver: () => boolean): SendOptions {
  const { caller, mount } = letter;
  return {
    claims,
    caller,
    mount,
    request: {
      get isOver() {
        return isOver();
      },
    },
  };
}
