/**
 * Transports in memory, linked with each other at once: for tests of what goes over them, not of links.
 *
 * @module
 */
import { CodedError } from '../../src/model/errors.ts';
import type { Incoming, PeerChange, PeerId, Transport } from '../../src/model/transport.ts';

type Place = Pick<Transport, 'peer' | 'peers' | 'onPeer' | 'send' | 'request' | 'onMessage' | 'onRequest'>;

export interface PostOffice {
  connect(peer: PeerId): Place;
  /** Nothing gets from one to the other any more, and what is under way between them is lost. */
  cut(one: PeerId, other: PeerId): void;
  mend(one: PeerId, other: PeerId): void;
  /** Awaited before a message or request is handed over; `false`: it is lost, and its sender waits. */
  carry: ((from: PeerId, to: PeerId) => Promise<boolean>) | undefined;
  /** As `carry`, for replies. */
  carryBack: ((from: PeerId, to: PeerId) => Promise<boolean>) | undefined;
}

interface End extends Place {
  onMessageOf?: (message: Incoming) => void | Promise<void>;
  onRequestOf?: (request: Incoming) => Uint8Array | Promise<Uint8Array>;
  readonly told: Set<(peer: PeerId, change: PeerChange) => void>;
}

export function makePostOffice(): PostOffice {
  const ends = new Map<PeerId, End>();
  const cuts = new Set<string>();
  /** What is under way, by its two ends. */
  const underWay = new Map<string, Set<(error: unknown) => void>>();
  const between = (one: PeerId, other: PeerId) => [one, other].sort().join('|');
  const isLinked = (one: PeerId, other: PeerId) =>
    one !== other && ends.has(other) && !cuts.has(between(one, other));
  const incoming = (peer: PeerId, bytes: Uint8Array, timeoutMs: number): Incoming => ({
    peer,
    protocol: 1,
    bytes: Uint8Array.from(bytes),
    timeoutMs,
    signal: new AbortController().signal,
  });

  const office: PostOffice = {
    carry: undefined,
    carryBack: undefined,
    cut(one, other) {
      cuts.add(between(one, other));
      for (const lose of underWay.get(between(one, other)) ?? []) lose(new CodedError('connection_lost'));
      for (const [from, to] of [
        [one, other],
        [other, one],
      ] as const) {
        for (const tell of ends.get(from)?.told ?? []) tell(to, 'down');
      }
    },
    mend(one, other) {
      cuts.delete(between(one, other));
      for (const [from, to] of [
        [one, other],
        [other, one],
      ] as const) {
        for (const tell of ends.get(from)?.told ?? []) tell(to, 'up');
      }
    },
    connect(peer) {
      const end: End = {
        peer,
        told: new Set(),
        peers: () => [...ends.keys()].filter((other) => isLinked(peer, other)),
        onPeer(tell) {
          end.told.add(tell);
          return () => void end.told.delete(tell);
        },
        onMessage(handler) {
          end.onMessageOf = handler;
        },
        onRequest(handler) {
          end.onRequestOf = handler;
        },
        send(to, bytes) {
          if (!isLinked(peer, to)) throw new CodedError('connection_lost');
          void (async () => {
            if ((await office.carry?.(peer, to)) === false || !isLinked(peer, to)) return;
            await ends.get(to)!.onMessageOf?.(incoming(peer, bytes, 0));
          })().catch(() => {});
        },
        async request(to, bytes, { timeoutMs = 0 } = {}) {
          if (!isLinked(peer, to)) throw new CodedError('connection_lost');
          const link = between(peer, to);
          const lost = Promise.withResolvers<never>();
          const all = underWay.get(link) ?? new Set();
          underWay.set(link, all.add(lost.reject));
          const never = new Promise<never>(() => {});
          const carried = async () => {
            if ((await office.carry?.(peer, to)) === false) return never;
            const handler = ends.get(to)!.onRequestOf;
            if (!handler) throw new CodedError('unsupported');
            let reply: Uint8Array;
            try {
              reply = await handler(incoming(peer, bytes, timeoutMs));
            } catch (error) {
              throw error instanceof CodedError ? error : new CodedError('internal');
            } finally {
              if ((await office.carryBack?.(to, peer)) === false) await never;
            }
            return Uint8Array.from(reply);
          };
          return Promise.race([carried(), lost.promise]).finally(() => all.delete(lost.reject));
        },
      };
      ends.set(peer, end);
      for (const [other, { told }] of ends) if (other !== peer) for (const tell of told) tell(peer, 'up');
      return end;
    },
  };
  return office;
}
