/**
 * Do all above a token let it live? A token that was revoked alone makes orphans of its children, one after the other; whether it may is decided
 * once, in its own record, and from that commit on all of them are orphans, whatever becomes of those above it.
 *
 * @module
 */
import type { TokenState } from '../../model/caller.ts';
import { TOKEN_DEPTH_MAX } from '../../model/limits.ts';
import { bearsChildren } from './liveness.ts';

type State = TokenState | undefined;

export interface AncestorReads {
  /** A token as it counts, and whether it bears children. */
  read(accessor: string): Promise<{ readonly state: State; readonly bears: boolean }>;
  /** What its owner says, once it knows what was committed of it. */
  settled(accessor: string): Promise<State>;
  /** Decides that the children of one that was revoked alone end with it, unless it has been decided already. Replies what is decided. */
  fell(accessor: string): Promise<TokenState['dying']>;
}

/** @param parent - whom the token's state, read before, names. */
export async function ancestorsBear(
  accessor: string,
  parent: string | undefined,
  { read, settled, fell }: AncestorReads,
): Promise<boolean> {
  /** Of those passed by, whose children are orphans, or not, by what is above: nobody has decided yet. */
  const undecided: { at: string; child: string }[] = [];
  let child = accessor;
  let at = parent;
  for (let depth = 0; at !== undefined; ) {
    if (++depth > 2 * TOKEN_DEPTH_MAX) return false;
    const { state, bears } = await read(at);
    if (state && bears) {
      if (state.dying === 'orphaning') return true;
      if (state.dying) undecided.push({ at, child });
      child = at;
      at = state.parent;
      continue;
    }
    if (state === undefined) {
      // A parent is forgotten once the store names no child of it. What we read of the child may be older than that: the commit that
      // made it an orphan may be unanswered still, or came after our look. Only who would be refused waits for it.
      const now = await settled(child);
      if (bearsChildren(now, Number.NEGATIVE_INFINITY) && now.parent !== at) {
        if (child !== accessor && now.dying === 'orphaning') return true;
        at = now.parent;
        continue;
      }
    }
    // What is dead stays dead. The uppermost of those that were undecided is felled by it, and ours with that one: before we say so it is decided.
    const below = undecided.pop();
    if (!below) return false;
    if ((await fell(below.at)) === 'orphaning') return true;
    ({ at, child } = below);
  }
  return true;
}
