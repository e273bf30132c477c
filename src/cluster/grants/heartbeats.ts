/**
 * Heartbeats to all members, and what their answers say of them: that they hear us, and what their clocks show. Whom it concerns what else
 * an answer says is told.
 *
 * @module
 */
import type { Clock } from '../../model/clock.ts';
import { CLOCK_JUMP_MS, HEARTBEAT_MS, UNREACHABLE_MS } from '../../model/limits.ts';
import type { PeerId } from '../../model/transport.ts';
import { FAULT, type Faults } from '../faults.ts';
import type { Membership } from '../membership-interface.ts';
import type { View } from '../view.ts';
import { type Heartbeat, KIND, type Renewal, readRenewal } from './messages.ts';
import type { Wire } from './wire.ts';

export interface HeartbeatsOptions {
  readonly clock: Clock;
  readonly wire: Wire;
  membership(): Pick<Membership, 'inc' | 'view' | 'members'>;
  /** A member answered a heartbeat of this life. */
  renewed(renewal: Renewal): void;
  /** The clock stood still for a while, or the wall clock was set: what was counted by it may be over. */
  jumped(): void;
  /** With each round. */
  round(): void;
  readonly faults?: Faults;
}

export interface Stamp {
  readonly inc: string;
  readonly stampMs: number;
  readonly heardMs: number;
}

export interface Heartbeats {
  clockOf(peer: PeerId): Stamp | undefined;
  unreachable(): readonly string[];
  /** Members that are new hear from us at once. */
  onView(view: View): void;
  stop(): void;
}

/** Silence counts at most for so long a round: who stood still himself has not listened. */
const ROUND_MAX_MS = 2 * HEARTBEAT_MS;

export function makeHeartbeats(options: HeartbeatsOptions): Heartbeats {
  const { clock, wire, faults } = options;
  /** Of members of the view and of the next one, by `inc`: how long they have not answered, ms. */
  const silence = new Map<string, number>();
  const stamps = new Map<PeerId, Stamp>();
  let lastRoundMs = clock.monotonicMs();
  let lastLookMs = lastRoundMs;
  let lastWallMs = clock.wallMs();
  /** Answers to what was asked before renew nothing. */
  let validFromMs = Number.NEGATIVE_INFINITY;
  let timer = clock.after(round, 0);

  function others(): string[] {
    const membership = options.membership();
    const view = membership.view();
    if (!view) return [];
    const own = membership.inc();
    const incs = new Set([...view.members, ...(view.next?.members ?? [])].map(({ inc }) => inc));
    return incs.delete(own) ? [...incs] : [];
  }

  function beat(to: string): void {
    const peer = wire.peerOf(to);
    const heartbeat: Heartbeat = { from: options.membership().inc(), to, askedMs: clock.monotonicMs() };
    if (peer !== undefined) wire.send(peer, KIND.heartbeat, heartbeat);
  }

  /** As the session does for its deadline (protocol §2). */
  function checkJump(): void {
    const now = clock.monotonicMs();
    const wall = clock.wallMs();
    const apartMs = Math.abs(wall - lastWallMs - (now - lastLookMs));
    lastLookMs = now;
    lastWallMs = wall;
    if (apartMs <= CLOCK_JUMP_MS) return;
    validFromMs = now;
    options.jumped();
  }

  function round(): void {
    checkJump();
    timer = clock.after(round, HEARTBEAT_MS);
    const now = clock.monotonicMs();
    const passed = Math.min(now - lastRoundMs, ROUND_MAX_MS);
    lastRoundMs = now;
    const incs = others();
    for (const inc of silence.keys()) if (!incs.includes(inc)) silence.delete(inc);
    for (const inc of incs) {
      silence.set(inc, (silence.get(inc) ?? -passed) + passed);
      beat(inc);
    }
    options.round();
  }

  wire.onMessage(KIND.renewal, (value, peer) => {
    const renewal = readRenewal(value);
    if (renewal.to !== options.membership().inc()) return;
    const { from: inc, clockMs: stampMs } = renewal;
    if (silence.has(inc)) silence.set(inc, 0);
    const known = stamps.get(peer);
    if (known?.inc !== inc || stampMs >= known.stampMs) {
      const heardMs = faults?.has(FAULT.stampCountedFromAsking) ? renewal.askedMs : clock.monotonicMs();
      stamps.set(peer, { inc, stampMs, heardMs });
    }
    checkJump();
    if (renewal.askedMs >= validFromMs) options.renewed(renewal);
  });

  const offPeer = wire.onPeer((peer, change) => {
    // Its next process has another clock.
    stamps.delete(peer);
    if (change === 'down') return;
    for (const inc of others()) if (wire.peerOf(inc) === peer) beat(inc);
  });

  return {
    clockOf: (peer) => stamps.get(peer),
    unreachable() {
      const view = options.membership().view();
      return (view?.members ?? [])
        .map(({ inc }) => inc)
        .filter((inc) => (silence.get(inc) ?? 0) > UNREACHABLE_MS);
    },
    onView() {
      for (const inc of others()) {
        if (silence.has(inc)) continue;
        silence.set(inc, 0);
        beat(inc);
      }
    },
    stop() {
      timer.clear();
      offPeer();
    },
  };
}
