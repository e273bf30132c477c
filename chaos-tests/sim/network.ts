/**
 * The network between nodes: links that come up, break and come back, messages that pass one another, are held, or never arrive. A cut
 * works one way, as a broken route does; both ends notice it by themselves, and not at once.
 *
 * @module
 */
import { CodedError } from '../../src/model/errors.ts';
import type { Incoming, PeerId, RequestOptions, Transport } from '../../src/model/transport.ts';
import type { SimProcess } from './process.ts';
import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';

export interface NetworkWeather {
  /** Of one message, ms. */
  delayMs: readonly [number, number];
  /** A message that takes a hundred times as long. */
  slow: number;
  /** A message that does not arrive, though its link stays. */
  lost: number;
}

export interface SimNetwork {
  /** That process died: those linked to it notice. */
  died(peer: PeerId): void;
  readonly weather: NetworkWeather;
  /** Nothing gets from one to the other until it is mended. @returns what mends it. */
  cut(from: PeerId, to: PeerId): () => void;
  isCut(from: PeerId, to: PeerId): boolean;
  connect(process: SimProcess, peer: PeerId, speech?: Speech): Transport;
  /** Told in the turn in which something leaves. @param by - the version that it is written by. */
  onSend: ((from: PeerId, to: PeerId, by: number) => void) | undefined;
}

/** What a node speaks, and the version that it writes by now. */
export interface Speech {
  readonly speaks: readonly [lowest: number, highest: number];
  protocol(): number;
}

const ONE_VERSION: Speech = { speaks: [1, 1], protocol: () => 1 };

/** A dial takes so long, and is tried again after so long. */
const DIAL_MS: readonly [number, number] = [1, 20];
const DIAL_AGAIN_MS: readonly [number, number] = [50, 500];
/** An end notices a cut after so long; one whose peer died, after so long. */
const CUT_NOTICED_MS: readonly [number, number] = [800, 4_000];
const DEATH_NOTICED_MS: readonly [number, number] = [0.2, 30];
const REQUEST_MS = 90_000;

type Message =
  | { readonly kind: 'message'; readonly bytes: Uint8Array }
  | { readonly kind: 'request'; readonly id: number; readonly bytes: Uint8Array; readonly timeoutMs: number }
  | { readonly kind: 'cancel'; readonly id: number }
  | { readonly kind: 'reply'; readonly id: number; readonly bytes: Uint8Array }
  | { readonly kind: 'refusal'; readonly id: number; readonly error: CodedError };

/** One life of a transport. */
interface End {
  readonly peer: PeerId;
  readonly process: SimProcess;
  readonly life: number;
  readonly speech: Speech;
  isOpen: boolean;
  wanted: ReadonlySet<PeerId>;
  /** Number of the link to each peer that is linked now. */
  readonly links: Map<PeerId, number>;
  linked(peer: PeerId, link: number): void;
  unlinked(peer: PeerId, link: number): void;
  take(peer: PeerId, message: Message, protocol: number): void;
}

export function makeNetwork(scheduler: Scheduler, random: Random): SimNetwork {
  const weather: NetworkWeather = { delayMs: [0.1, 1.5], slow: 0.005, lost: 0 };
  /** The latest life of each. */
  const ends = new Map<PeerId, End>();
  const cuts = new Map<string, number>();
  /** What waits at a cut, in the order in which it was sent. */
  const held = new Map<string, (() => void)[]>();
  let links = 0;

  const way = (from: PeerId, to: PeerId) => `${from}>${to}`;
  const isCut = (from: PeerId, to: PeerId) => (cuts.get(way(from, to)) ?? 0) > 0;
  const isThere = (end: End) => end.isOpen && end.process.isAlive && end.process.life === end.life;

  function inTurnOf(end: End, ms: number, label: string, run: () => void): void {
    scheduler.after(ms, label, run, end.process, end.life);
  }

  function carry(from: End, to: PeerId, message: Message): void {
    const link = from.links.get(to);
    const protocol = from.speech.protocol();
    network.onSend?.(from.peer, to, protocol);
    if (random.chance(weather.lost)) return;
    const ms = random.between(...weather.delayMs) * (random.chance(weather.slow) ? 100 : 1);
    const label = `${message.kind} ${from.peer} to ${to}`;
    const arrive = () => {
      if (isCut(from.peer, to)) {
        const waiting = held.get(way(from.peer, to)) ?? [];
        waiting.push(arrive);
        held.set(way(from.peer, to), waiting);
        return;
      }
      const end = ends.get(to);
      if (!end || !isThere(end) || end.links.get(from.peer) !== link) return;
      inTurnOf(
        end,
        0,
        label,
        () => end.links.get(from.peer) === link && end.take(from.peer, message, protocol),
      );
    };
    scheduler.after(ms, '', arrive);
  }

  function dial(from: End, to: PeerId): void {
    const again = () => {
      if (from.wanted.has(to) && !from.links.has(to)) dial(from, to);
    };
    scheduler.after(random.between(...DIAL_MS), '', () => {
      const end = ends.get(to);
      if (!isThere(from) || !from.wanted.has(to) || from.links.has(to)) return;
      const isReached =
        end && isThere(end) && !end.process.isPaused && !isCut(from.peer, to) && !isCut(to, from.peer);
      if (!isReached) {
        inTurnOf(from, random.between(...DIAL_AGAIN_MS), `dials ${to} again`, again);
        return;
      }
      const link = ++links;
      for (const [one, other] of [
        [from, to],
        [end, from.peer],
      ] as const) {
        inTurnOf(one, random.between(...weather.delayMs), `linked to ${other}`, () => {
          const before = one.links.get(other);
          // Both had dialed: the later link stays.
          if (before !== undefined && before > link) return;
          if (before !== undefined) one.unlinked(other, before);
          one.linked(other, link);
        });
      }
    });
  }

  /** One side of a link ends; the other one notices. */
  function unlink(end: End, peer: PeerId, noticedMs: readonly [number, number]): void {
    const link = end.links.get(peer);
    if (link === undefined) return;
    end.unlinked(peer, link);
    const other = ends.get(peer);
    if (!other) return;
    inTurnOf(other, random.between(...noticedMs), `${end.peer} is gone`, () =>
      other.unlinked(end.peer, link),
    );
  }

  function connect(process: SimProcess, peer: PeerId, speech = ONE_VERSION): Transport {
    const { life } = process;
    const told = new Set<(peer: PeerId, change: 'up' | 'down') => void>();
    const pending = new Map<
      number,
      { peer: PeerId; resolve(bytes: Uint8Array): void; reject(error: unknown): void }
    >();
    /** Requests of others that run here, by peer and number. */
    const running = new Map<string, AbortController>();
    const never = new AbortController().signal;
    let onMessage: ((message: Incoming) => void | Promise<void>) | undefined;
    let onRequest: ((request: Incoming) => Uint8Array | Promise<Uint8Array>) | undefined;
    let requests = 0;
    const isSpoken = (by: number) => by >= speech.speaks[0] && by <= speech.speaks[1];

    function answer(
      from: PeerId,
      { id, bytes, timeoutMs }: Message & { kind: 'request' },
      protocol: number,
    ): void {
      const abort = new AbortController();
      running.set(`${from} ${id}`, abort);
      const request: Incoming = { peer: from, protocol, bytes, timeoutMs, signal: abort.signal };
      const handled = new Promise<Uint8Array>((resolve) => {
        if (!onRequest || !isSpoken(protocol)) throw new CodedError('unsupported');
        resolve(onRequest(request));
      });
      const done = (message: Message) => {
        running.delete(`${from} ${id}`);
        if (end.links.has(from)) carry(end, from, message);
      };
      handled.then(
        (reply) => done({ kind: 'reply', id, bytes: Uint8Array.from(reply) }),
        (error: unknown) =>
          done({
            kind: 'refusal',
            id,
            error: error instanceof CodedError ? error : new CodedError('internal'),
          }),
      );
    }

    const end: End = {
      peer,
      process,
      life,
      speech,
      isOpen: false,
      wanted: new Set(),
      links: new Map(),
      linked(other, link) {
        if (!end.isOpen) return;
        end.links.set(other, link);
        for (const tell of told) tell(other, 'up');
      },
      unlinked(other, link) {
        if (end.links.get(other) !== link) return;
        end.links.delete(other);
        for (const [id, request] of [...pending]) {
          if (request.peer !== other) continue;
          pending.delete(id);
          request.reject(new CodedError('connection_lost'));
        }
        for (const [key, abort] of [...running]) if (key.startsWith(`${other} `)) abort.abort();
        for (const tell of told) tell(other, 'down');
        if (end.isOpen && end.wanted.has(other)) dial(end, other);
      },
      take(from, message, protocol) {
        switch (message.kind) {
          case 'message':
            if (!isSpoken(protocol)) break;
            void onMessage?.({ peer: from, protocol, bytes: message.bytes, timeoutMs: 0, signal: never });
            break;
          case 'request':
            answer(from, message, protocol);
            break;
          case 'cancel':
            running.get(`${from} ${message.id}`)?.abort();
            break;
          case 'reply':
          case 'refusal': {
            const request = pending.get(message.id);
            pending.delete(message.id);
            if (message.kind === 'refusal') request?.reject(message.error);
            else if (isSpoken(protocol)) request?.resolve(message.bytes);
            else request?.reject(new CodedError('unsupported'));
          }
        }
      },
    };

    function request(to: PeerId, bytes: Uint8Array, { signal, timeoutMs = REQUEST_MS }: RequestOptions = {}) {
      return new Promise<Uint8Array>((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        if (!end.links.has(to)) return reject(new CodedError('connection_lost'));
        const id = ++requests;
        const over = (tell: () => void) => {
          timer.clear();
          signal?.removeEventListener('abort', cancelled);
          tell();
        };
        const giveUp = (error: unknown) => {
          if (!pending.delete(id)) return;
          if (end.links.has(to)) carry(end, to, { kind: 'cancel', id });
          over(() => reject(error));
        };
        const cancelled = () => giveUp(signal?.reason);
        const timer = process.clock.after(() => giveUp(new CodedError('deadline')), timeoutMs);
        signal?.addEventListener('abort', cancelled);
        pending.set(id, {
          peer: to,
          resolve: (reply) => over(() => resolve(reply)),
          reject: (error) => over(() => reject(error)),
        });
        carry(end, to, { kind: 'request', id, bytes: Uint8Array.from(bytes), timeoutMs });
      });
    }

    return {
      peer,
      keep(peers) {
        end.wanted = new Set(peers.map((one) => one.peer).filter((one) => one !== peer));
        if (end.isOpen) for (const one of end.wanted) if (!end.links.has(one)) dial(end, one);
      },
      drop: (other) => unlink(end, other, DEATH_NOTICED_MS),
      peers: () => [...end.links.keys()],
      onPeer(tell) {
        told.add(tell);
        return () => void told.delete(tell);
      },
      send(to, bytes) {
        if (!end.links.has(to)) throw new CodedError('connection_lost');
        carry(end, to, { kind: 'message', bytes: Uint8Array.from(bytes) });
      },
      request,
      onMessage(handler) {
        onMessage = handler;
      },
      onRequest(handler) {
        onRequest = handler;
      },
      async start() {
        const before = ends.get(peer);
        ends.set(peer, end);
        end.isOpen = true;
        // Whoever was linked to the life before hears of its end now, at the latest.
        for (const [other, link] of before?.links ?? []) {
          const theirs = ends.get(other);
          if (theirs)
            inTurnOf(theirs, random.between(...DEATH_NOTICED_MS), `${peer} began anew`, () =>
              theirs.unlinked(peer, link),
            );
        }
        for (const one of end.wanted) dial(end, one);
      },
      async stop() {
        for (const other of [...end.links.keys()]) unlink(end, other, DEATH_NOTICED_MS);
        end.isOpen = false;
      },
    };
  }

  const network: SimNetwork = {
    weather,
    isCut,
    cut(from, to) {
      const key = way(from, to);
      cuts.set(key, (cuts.get(key) ?? 0) + 1);
      // Both ends notice, each when it does, unless it is mended before.
      for (const [one, other] of [
        [from, to],
        [to, from],
      ] as const) {
        const end = ends.get(one);
        const link = end?.links.get(other);
        if (!end || link === undefined) continue;
        inTurnOf(end, random.between(...CUT_NOTICED_MS), `notices the cut to ${other}`, () => {
          if (isCut(from, to)) end.unlinked(other, link);
        });
      }
      return () => {
        cuts.set(key, cuts.get(key)! - 1);
        if (isCut(from, to)) return;
        const waiting = held.get(key) ?? [];
        held.delete(key);
        for (const arrive of waiting) arrive();
      };
    },
    died(peer) {
      const end = ends.get(peer);
      for (const [other, link] of end?.links ?? []) {
        const theirs = ends.get(other);
        if (!theirs) continue;
        inTurnOf(theirs, random.between(...DEATH_NOTICED_MS), `${peer} died`, () =>
          theirs.unlinked(peer, link),
        );
      }
    },
    connect,
    onSend: undefined,
  };
  return network;
}
