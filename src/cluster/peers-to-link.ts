/**
 * Which nodes to be linked with, and where: every identity that has a record, sealed nodes too, since keys and shares go over these links.
 *
 * A data folder that was copied, as clones of a machine have it, gives two processes one identity. Each link of one would end the other's, at every
 * node. Then the others dial the one that is a member, and the other one, once it is sure, dials nobody.
 *
 * @module
 */
import type { Clock } from '../model/clock.ts';
import type { PeerAddress, PeerId } from '../model/transport.ts';
import type { MemberRecord } from './member-record.ts';
import type { Membership } from './membership-interface.ts';
import type { MembershipTimes } from './times.ts';
import { isMember } from './view.ts';

export interface PeersToLinkOptions {
  readonly own: PeerId;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly times: Pick<MembershipTimes, 'silenceMs'>;
  membership(): Pick<Membership, 'inc' | 'view' | 'members' | 'isBeating'>;
  /** Told once, when a member turns out to have this node's identity. */
  copied(nodeId: string): void;
}

/** @returns what says, as of now, whom to be linked with. To be asked again and again. */
export function makePeersToLink(options: PeersToLinkOptions): () => PeerAddress[] {
  const { own, clock, times } = options;
  let copiedSinceMs: number | undefined;
  let isTold = false;

  /** The record of a member that beats under our identity, while we are none. */
  function original(): MemberRecord | undefined {
    const { inc, view, members, isBeating } = options.membership();
    const seen = view();
    if (!seen || isMember(seen, inc())) return undefined;
    const found = [...members()].find(
      ([life, { peerId }]) => peerId === own && life !== inc() && isMember(seen, life) && isBeating(life),
    );
    return found?.[1];
  }

  /** An own life that has just ended seems to beat for a while, too. */
  function isCopy(): boolean {
    const record = original();
    if (!record) {
      copiedSinceMs = undefined;
      return false;
    }
    const now = clock.monotonicMs();
    copiedSinceMs ??= now;
    if (now - copiedSinceMs < times.silenceMs) return false;
    if (!isTold) options.copied(record.nodeId);
    isTold = true;
    return true;
  }

  return () => {
    if (isCopy()) return [];
    const { view, members, isBeating } = options.membership();
    const seen = view();
    const best = new Map<PeerId, { readonly rank: number; readonly addresses: readonly string[] }>();
    for (const [inc, { peerId, addresses }] of members()) {
      if (peerId === own || addresses.length === 0) continue;
      const rank = (isBeating(inc) ? 2 : 0) + (seen && isMember(seen, inc) ? 1 : 0);
      if (rank >= (best.get(peerId)?.rank ?? 0)) best.set(peerId, { rank, addresses });
    }
    return [...best].map(([peer, { addresses }]) => ({ peer, addresses }));
  };
}
