/**
 * What one commit of an actor writes, and on which conditions (protocol §5, §6).
 *
 * @module
 */
import type { ActorId, ActorKind } from '../model/actor.ts';
import type { Change, Condition } from '../model/storage.ts';
import { packValue } from '../model/value-codec.ts';
import { ACTOR_FAULT } from './faults.ts';
import { encodeGone, encodeHead, keptReply, type Memory, type Remembered, stillAsked } from './memory.ts';
import { indexPath, type Names, recordPath, timerPath } from './places.ts';
import type { Round } from './round.ts';

/** Where the actor's records lie. */
export interface Place {
  readonly id: ActorId;
  readonly key: string;
  readonly kind: ActorKind<unknown>;
  readonly names: Names;
  readonly head: string;
}

/** The actor as it is committed. */
export interface Standing {
  readonly state: unknown;
  /** Of the head; 0: none. */
  readonly version: number;
}

/** And what a node among others has besides. */
export interface SharedStanding extends Standing {
  readonly fence: Condition;
  readonly memory: Memory;
  /** The `gone/` record; its version is 0 where there is none. */
  readonly gone: Condition;
  readonly faults: ReadonlySet<string> | undefined;
  readonly nowMs: number;
  fault(what: string, error: unknown): void;
}

export interface AloneWriting {
  readonly changes: Change[];
  /** A head is left. */
  readonly hasHead: boolean;
  /** The timer that it sets. */
  readonly timer: { readonly path: string; readonly dueMs: number } | undefined;
}

export interface Writing extends AloneWriting {
  readonly conditions: Condition[];
  /** What is remembered from then on. */
  readonly memory: Memory;
}

/** Of an actor whose node is alone: on the condition of the head's version. */
export function writingOf(place: Place, before: unknown, version: number, round: Round): AloneWriting {
  const encoded = place.kind.encode(round.state);
  const changes: Change[] = [];
  if (encoded !== undefined || version !== 0) changes.push({ path: place.head, value: encoded });
  const timer = addOthers(changes, place, before, round);
  return { changes, hasHead: encoded !== undefined, timer };
}

/** Of an actor whose node is one of several: with the fence, the outcomes of the messages, and what is left of one that is deleted. */
export function sharedWritingOf(place: Place, standing: SharedStanding, round: Round): Writing {
  const { head } = place;
  const { fence, gone, version, faults } = standing;
  const encoded = place.kind.encode(round.state);
  const changes: Change[] = [];
  const memory = memoryAfter(standing, round);
  const kept = faults?.has(ACTOR_FAULT.outcomesForgotten) ? standing.memory : memory;
  if (encoded !== undefined) {
    changes.push({ path: head, value: encodeHead(kept, encoded) });
    if (gone.version !== 0) changes.push({ path: gone.path, value: undefined });
  } else {
    if (version !== 0) changes.push({ path: head, value: undefined });
    changes.push({ path: gone.path, value: encodeGone(standing.nowMs, kept) });
  }
  const timer = addOthers(changes, place, standing.state, round);

  const conditions: Condition[] = [];
  if (!faults?.has(ACTOR_FAULT.commitWithoutFence)) conditions.push(fence);
  if (!faults?.has(ACTOR_FAULT.commitWithoutVersion)) {
    conditions.push({ path: head, version });
    // While there is a head there is no other: its version says enough.
    if (version === 0 && !faults?.has(ACTOR_FAULT.createWithoutGone)) conditions.push(gone);
  }
  return { changes, conditions, hasHead: encoded !== undefined, memory, timer };
}

/** Of entries whose path says all. */
const NOTHING = new Uint8Array(0);

/** Further records, timer and index entries. */
function addOthers(changes: Change[], place: Place, before: unknown, round: Round): Writing['timer'] {
  const { kind, names, key, id, head } = place;
  const { state, records } = round;
  for (const [name, value] of records) changes.push({ path: recordPath(head, name), value });

  const [dueBefore, dueMs] = [kind.dueAt?.(before), kind.dueAt?.(state)];
  let timer: Writing['timer'];
  if (dueMs !== dueBefore) {
    if (dueBefore !== undefined) changes.push({ path: timerPath(key, head, dueBefore), value: undefined });
    if (dueMs !== undefined) {
      timer = { path: timerPath(key, head, dueMs), dueMs };
      changes.push({ path: timer.path, value: NOTHING });
    }
  }
  if (kind.indexes) {
    const [old, fresh] = [kind.indexes(before, id), kind.indexes(state, id)].map(
      (entries) => new Set(entries.map((entry) => indexPath(names, entry))),
    );
    for (const path of old!) if (!fresh!.has(path)) changes.push({ path, value: undefined });
    for (const path of fresh!) if (!old!.has(path)) changes.push({ path, value: NOTHING });
  }
  return timer;
}

function memoryAfter({ memory, nowMs, faults, fault }: SharedStanding, round: Round): Memory {
  let next: Map<string, Remembered> | undefined;
  for (const { message, changes, told } of round.ran) {
    const { entry } = message.options;
    if (!changes || !entry) continue;
    let reply: string | undefined;
    try {
      reply = keptReply(packValue(told));
    } catch (error) {
      fault(`the reply of ${message.op.id}`, error);
    }
    next ??= faults?.has(ACTOR_FAULT.outcomesOfLastFew) ? new Map() : stillAsked(memory, nowMs);
    next.set(entry.inc, { n: entry.n, atMs: nowMs, reply });
  }
  return next ?? stillAsked(memory, nowMs);
}
