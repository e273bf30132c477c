/**
 * The links we have: at most one to a peer that is used, and those that were given up for it and end what runs over them.
 *
 * @module
 */
import type { Clock } from '../../model/clock.ts';
import { LINK_LOOK_MS, LINK_RETIRE_MS } from '../../model/limits.ts';
import type { PeerChange, PeerId } from '../../model/transport.ts';
import type { Link, LinkCounts } from './link.ts';
import { choose } from './tie.ts';

export interface Links {
  get(peer: PeerId): Link | undefined;
  peers(): PeerId[];
  all(): Link[];
  /** A new link: it is used, or retires at once, or puts another one aside. */
  add(link: Link, again: boolean): void;
  /** To be called when a link has ended. @returns ms since it was added; undefined: it was not the peer's link in use */
  remove(link: Link): number | undefined;
  onPeer(told: (peer: PeerId, change: PeerChange) => void): () => void;
  /** To be called each `LINK_LOOK_MS`. */
  look(): void;
  counts(): LinkCounts & { readonly links: number; readonly retiring: number };
}

export function makeLinks(own: PeerId, clock: Clock): Links {
  const used = new Map<PeerId, Link>();
  const since = new Map<Link, number>();
  /** Since when each is retiring, monotonic ms. */
  const retiring = new Map<Link, number>();
  const listeners = new Set<(peer: PeerId, change: PeerChange) => void>();

  function tell(peer: PeerId, change: PeerChange): void {
    for (const told of [...listeners]) told(peer, change);
  }

  function use(link: Link): void {
    used.set(link.peer, link);
  }

  return {
    get: (peer) => used.get(peer),
    peers: () => [...used.keys()],
    all: () => [...since.keys()],
    add(link, again) {
      const { peer, dialedByUs, instance } = link;
      const existing = used.get(peer);
      since.set(link, clock.monotonicMs());
      switch (choose(own, peer, existing, { dialedByUs, instance, again })) {
        case 'replace':
          existing?.end('the peer linked anew');
          use(link);
          tell(peer, 'up');
          break;
        case 'take':
          use(link);
          tell(peer, 'up');
          break;
        case 'prefer':
          retiring.set(existing!, clock.monotonicMs());
          use(link);
          break;
        case 'decline':
          retiring.set(link, clock.monotonicMs());
          break;
      }
    },
    remove(link) {
      const began = since.get(link) ?? clock.monotonicMs();
      since.delete(link);
      retiring.delete(link);
      if (used.get(link.peer) !== link) return undefined;
      used.delete(link.peer);
      tell(link.peer, 'down');
      return clock.monotonicMs() - began;
    },
    onPeer(told) {
      listeners.add(told);
      return () => void listeners.delete(told);
    },
    look() {
      const now = clock.monotonicMs();
      for (const [link, began] of [...retiring]) {
        // The other end takes a moment, too, to see that another one is used.
        const isDone = now - began >= LINK_LOOK_MS && link.isIdle();
        if (isDone || now - began >= LINK_RETIRE_MS) link.end('another link to the peer is used');
      }
      // After it: who is asked for a sign of life is not idle.
      for (const link of [...since.keys()]) link.look();
    },
    counts() {
      const sum = { links: used.size, retiring: retiring.size, asked: 0, handled: 0, waitingBytes: 0 };
      for (const link of since.keys()) {
        const { asked, handled, waitingBytes } = link.counts();
        sum.asked += asked;
        sum.handled += handled;
        sum.waitingBytes += waitingBytes;
      }
      return sum;
    },
  };
}
