/**
 * What a due timer does: its actor acts if its state still says so (protocol §14).
 *
 * @module
 */
import type { Actors } from '../actors/actors.ts';
import { ACTOR_FAULT } from '../actors/faults.ts';
import {
  type ActorId,
  type ActorKind,
  type ActorOperation,
  type Cluster,
  OWN_CLAIMS,
} from '../model/actor.ts';

export type Wake = (id: ActorId, dueMs: number) => Promise<'done' | 'not wanted'>;

/** @param cluster - how what the actor wants reaches it, and others. */
export function makeWake(
  actors: () => Pick<Actors, 'kind' | 'send'>,
  cluster: () => Cluster,
  faults?: ReadonlySet<string>,
): Wake {
  return async (id, dueMs) => {
    const kind = actors().kind(id.kind);
    if (!kind?.onDue) return 'not wanted';
    const state = await actors().send(stateNow(kind), id, undefined, { claims: OWN_CLAIMS });
    const isWanted = kind.dueAt?.(state) === dueMs || faults?.has(ACTOR_FAULT.timerFiresWithoutDue);
    if (!isWanted) return 'not wanted';
    await kind.onDue(state, id, cluster());
    return 'done';
  };
}

/** Through the mailbox: the entry that wakes it may be of a commit that the actor has not heard of yet. */
function stateNow(kind: ActorKind<unknown>): ActorOperation<unknown, undefined, unknown> {
  return { id: 'state', actor: kind, mode: 'change', run: (state) => ({ reply: state }) };
}
