/**
 * Is a token alive, as far as its own state says?
 *
 * @module
 */
import type { TokenState } from '../../model/caller.ts';

type State = TokenState | undefined;

/** Is the token itself alive? Ancestors are the caller's to ask. Uses do not count here: the last one may be under way. */
export function isAlive(state: State, nowMs: number): state is TokenState {
  return state !== undefined && state.dying === undefined && !isExpired(state, nowMs);
}

/** May tokens below it live? One that was revoked alone does them no harm; whether what is above it does, is not said by this. */
export function bearsChildren(state: State, nowMs: number): state is TokenState {
  return state !== undefined && (state.dying ? state.dying !== 'tree' : isAlive(state, nowMs));
}

export function isExpired(state: TokenState, nowMs: number): boolean {
  return state.expiresAtMs !== undefined && state.expiresAtMs <= nowMs;
}
