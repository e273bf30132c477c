/**
 * Which of two links to one peer stays. Both ends decide alike, each for itself, when a connection has been admitted.
 *
 * @module
 */
import type { PeerId } from '../../model/transport.ts';

export interface Existing {
  readonly dialedByUs: boolean;
  /** Of the peer's process when this link was made. */
  readonly instance: string;
}

export interface Newcomer extends Existing {
  /** The peer says that the link which made us answer `duplicate` is none to it. */
  readonly again: boolean;
}

/**
 * - `take`: there was none.
 * - `replace`: the old one is dead to the peer; what runs over it is lost.
 * - `prefer`: both live, the new one stays, the old one ends what runs over it.
 * - `decline`: both live, the old one stays.
 */
export type Choice = 'take' | 'replace' | 'prefer' | 'decline';

/** Two that dial each other at once keep the connection that the lower peer id dialed. */
export function choose(
  own: PeerId,
  peer: PeerId,
  existing: Existing | undefined,
  newcomer: Newcomer,
): Choice {
  if (!existing) return 'take';
  if (existing.instance !== newcomer.instance || newcomer.again) return 'replace';
  // Nobody dials while linked: who dials a second time has lost the first.
  if (existing.dialedByUs === newcomer.dialedByUs) return 'replace';
  const ownStays = own < peer;
  return newcomer.dialedByUs === ownStays ? 'prefer' : 'decline';
}
