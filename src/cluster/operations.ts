/**
 * The operations of this program by their ids: what a message between nodes names.
 *
 * @module
 */
import type { AnyActorOperation } from '../model/actor.ts';

export interface Operations {
  get(id: string): AnyActorOperation | undefined;
}

/** @throws Error where two of them share an id. The same one may stand there twice. */
export function makeOperations(all: Iterable<AnyActorOperation>): Operations {
  const byId = new Map<string, AnyActorOperation>();
  for (const op of all) {
    if ((byId.get(op.id) ?? op) !== op) throw new Error(`two operations are called ${op.id}`);
    byId.set(op.id, op);
  }
  return { get: (id) => byId.get(id) };
}
