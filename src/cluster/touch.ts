/**
 * Reads that read nothing, one for each kind of actor: they go the way of all reads, and say where they ran.
 *
 * @module
 */
import type { ActorKind, ActorOperation } from '../model/actor.ts';

/** By kind. @param nodeId - of the node that they say when they run here. */
export function makeTouches(
  kinds: readonly ActorKind<never>[],
  nodeId: string,
): ReadonlyMap<string, ActorOperation<never, undefined, string>> {
  return new Map(
    kinds.map((kind) => [
      kind.kind,
      { id: `touch/${kind.kind}`, actor: kind, mode: 'read', run: () => ({ reply: nodeId }) },
    ]),
  );
}
