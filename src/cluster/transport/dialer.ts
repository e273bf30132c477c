/**
 * Keeps links to the peers it is told to keep: dials, and after a loss or a failure dials again, with a pause that doubles.
 *
 * @module
 */
import type { Clock } from '../../model/clock.ts';
import { PEER_ADDRESSES_MAX, REDIAL_MAX_MS, REDIAL_MIN_MS } from '../../model/limits.ts';
import type { PeerAddress, PeerId } from '../../model/transport.ts';

export interface DialerOptions {
  readonly clock: Clock;
  /** 0 to 1, without 1. */
  readonly random: () => number;
  readonly isLinked: (peer: PeerId) => boolean;
  /** One try at one address, until the peer is linked. Never called twice at once for one peer. */
  readonly dial: (peer: PeerId, address: string) => Promise<void>;
  /** Told each failure, and how long the pause after it is. */
  readonly failed: (peer: PeerId, address: string, error: Error, pauseMs: number) => void;
}

export interface Dialer {
  keep(peers: readonly PeerAddress[]): void;
  isKept(peer: PeerId): boolean;
  /** That peer's link has ended, so long after it began. */
  lost(peer: PeerId, lastedMs: number): void;
  /** Something has changed: who is not linked is tried now, without waiting for the pause to end. */
  hurry(): void;
  stop(): void;
}

interface Kept {
  addresses: readonly string[];
  pauseMs: number;
  isDialing: boolean;
  timer: { clear(): void } | undefined;
}

export function makeDialer({ clock, random, isLinked, dial, failed }: DialerOptions): Dialer {
  const kept = new Map<PeerId, Kept>();

  function schedule(peer: PeerId, of: Kept, ms: number): void {
    of.timer?.clear();
    of.timer = clock.after(() => {
      of.timer = undefined;
      void attempt(peer, of);
    }, ms);
  }

  async function attempt(peer: PeerId, of: Kept): Promise<void> {
    if (of.isDialing) return;
    of.isDialing = true;
    for (const address of of.addresses) {
      if (kept.get(peer) !== of || isLinked(peer)) break;
      try {
        await dial(peer, address);
        break;
      } catch (error) {
        if (kept.get(peer) === of && !isLinked(peer)) failed(peer, address, error as Error, of.pauseMs);
      }
    }
    of.isDialing = false;
    if (kept.get(peer) !== of || isLinked(peer)) return;
    pause(peer, of);
  }

  function pause(peer: PeerId, of: Kept): void {
    // Half of it at random: nodes that lost each other at once do not come back at once.
    schedule(peer, of, of.pauseMs * (0.5 + random() / 2));
    of.pauseMs = Math.min(2 * of.pauseMs, REDIAL_MAX_MS);
  }

  return {
    keep(peers) {
      const named = new Map(peers.map((peer) => [peer.peer, peer.addresses.slice(0, PEER_ADDRESSES_MAX)]));
      for (const [peer, of] of kept) {
        if (named.has(peer)) continue;
        of.timer?.clear();
        kept.delete(peer);
      }
      for (const [peer, addresses] of named) {
        const of = kept.get(peer);
        if (!of) {
          const made: Kept = { addresses, pauseMs: REDIAL_MIN_MS, isDialing: false, timer: undefined };
          kept.set(peer, made);
          if (!isLinked(peer)) schedule(peer, made, 0);
        } else if (of.addresses.join() !== addresses.join()) {
          of.addresses = addresses;
          of.pauseMs = REDIAL_MIN_MS;
          if (!isLinked(peer)) schedule(peer, of, 0);
        }
      }
    },
    isKept: (peer) => kept.has(peer),
    lost(peer, lastedMs) {
      const of = kept.get(peer);
      if (!of) return;
      // One that is closed as soon as it is made is no success.
      if (lastedMs >= REDIAL_MAX_MS) of.pauseMs = REDIAL_MIN_MS;
      if (!of.isDialing) pause(peer, of);
    },
    hurry() {
      for (const [peer, of] of kept) {
        of.pauseMs = REDIAL_MIN_MS;
        if (!of.isDialing && !isLinked(peer)) schedule(peer, of, 0);
      }
    },
    stop() {
      for (const of of kept.values()) of.timer?.clear();
      kept.clear();
    },
  };
}
