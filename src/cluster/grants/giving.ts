/**
 * The owner's side of grants (protocol §7): who may answer from which own actor, how long at most, and the ends that are waited for.
 *
 * @module
 */
import { shardOf } from '../../actors/places.ts';
import { type ActorKind, actorKey } from '../../model/actor.ts';
import type { Clock } from '../../model/clock.ts';
import {
  END_OWED_MS,
  GRANT_AGAIN_MS,
  GRANT_MS,
  HEARTBEAT_MS,
  REPLICA_BYTES_MAX,
} from '../../model/limits.ts';
import type { PeerId } from '../../model/transport.ts';
import { FAULT, type Faults } from '../faults.ts';
import type { Membership } from '../membership-interface.ts';
import { Moved } from '../moved.ts';
import { isMember } from '../view.ts';
import type { GrantsOptions } from './grants-interface.ts';
import {
  type Ask,
  type Declined,
  type Granted,
  KIND,
  type Renewal,
  readAsk,
  readEnds,
  readHeartbeat,
} from './messages.ts';
import { type LinkToHolder, makeNotes, type Note } from './notes.ts';
import type { Pins } from './pins.ts';
import type { Wire } from './wire.ts';
import { makeWorth } from './worth.ts';

export interface GivingOptions extends Pick<GrantsOptions, 'snapshotOf' | 'activate' | 'coldMs'> {
  readonly clock: Clock;
  readonly wire: Wire;
  readonly pins: Pins;
  membership(): Pick<Membership, 'inc' | 'view' | 'isInTime' | 'deadlineMs' | 'mayServe'>;
  readonly kinds: readonly ActorKind<never>[];
  readonly sigma: number;
  readonly faults?: Faults;
}

export interface Giving {
  end(key: string): Promise<void> | undefined;
  block(key: string): void;
  release(key: string): void;
  isBlocked(key: string): boolean;
  whenReleased(keys: readonly string[]): Promise<void> | undefined;
  endShards(shards: ReadonlySet<number>): Promise<void>;
  /** Now and then: forgets who is no member any more. */
  round(): void;
  dropAll(): void;
  quiet(): Promise<void>;
  count(): number;
  stop(): void;
}

/** An own actor whose change is under way. */
interface Block {
  count: number;
  released: PromiseWithResolvers<void> | undefined;
}

export function makeGiving(options: GivingOptions): Giving {
  const { clock, wire, pins, faults, sigma } = options;
  const granted = new Map(options.kinds.map(({ kind, replicas }) => [kind, replicas]));
  const blocked = new Map<string, Block>();
  const worth = makeWorth(clock, options.coldMs);
  const notes = makeNotes({
    clock,
    send: sendEnds,
    ended({ key, link }, reads) {
      if (granted.get(kindOf(key)) === 'hot') worth.ended(link.inc, key, reads);
    },
  });
  /** Until then what was granted in a life that is over may be answered from. */
  let quietMs = Number.NEGATIVE_INFINITY;
  let authorized: Promise<void>[] = [];

  function isConcerned(inc: string): boolean {
    const view = options.membership().view();
    return (
      view !== undefined && (isMember(view, inc) || (view.next !== undefined && isMember(view.next, inc)))
    );
  }

  function sendEnds(link: LinkToHolder, ending: readonly Note[]): void {
    const grants = ending.map(({ key, number }) => ({ key, number, reads: 0 }));
    wire.send(link.peer, KIND.end, { from: options.membership().inc(), to: link.inc, grants });
  }

  /** How long the link may be good from the asking on; 0: it is not renewed. */
  function termMs(link: LinkToHolder, now: number): number {
    const membership = options.membership();
    if (!membership.isInTime()) return 0;
    // Without this a holder that hears us, and is not heard, would be waited for for ever.
    if (now - notes.owedSinceMs(link) >= END_OWED_MS) return 0;
    if (faults?.has(FAULT.grantOutlivesDeadline)) return GRANT_MS;
    return Math.max(0, Math.min(GRANT_MS, membership.deadlineMs() - now));
  }

  wire.onMessage(KIND.heartbeat, (value, peer) => {
    const { from, to, askedMs } = readHeartbeat(value);
    const inc = options.membership().inc();
    if (to !== inc) return;
    const now = clock.monotonicMs();
    const answer: Renewal = { from: inc, to: from, askedMs, generation: 0, termMs: 0, clockMs: now };
    if (!isConcerned(from)) {
      wire.send(peer, KIND.renewal, answer);
      return;
    }
    const link = notes.linkTo(from, peer);
    notes.forgetIfOver(link);
    const term = termMs(link, now);
    if (term > 0) link.untilMs = Math.max(link.untilMs, now + sigma * term);
    wire.send(peer, KIND.renewal, { ...answer, generation: link.generation, termMs: term });
    // It is heard again: what was sent before may be lost.
    notes.sendAgain(link, now - HEARTBEAT_MS);
  });

  wire.onRequest(KIND.ask, async (value, peer) => {
    const ask = readAsk(value);
    const coldMs = worth.coldMs(ask.from, actorKey(ask.id), ask.spanMs);
    if (coldMs > 0) return declined(coldMs);
    const first = grant(ask, peer);
    if (first || !options.activate || !mayGrant(ask)) return first ?? declined(0);
    await options.activate(ask.id);
    return grant(ask, peer) ?? declined(mayGrant(ask) ? GRANT_AGAIN_MS : 0);
  });

  function mayGrant({ from, to, id }: Ask): boolean {
    const membership = options.membership();
    const key = actorKey(id);
    return (
      to === membership.inc() &&
      granted.get(id.kind) !== undefined &&
      isConcerned(from) &&
      membership.isInTime() &&
      membership.mayServe(shardOf(key)) &&
      !blocked.has(key) &&
      !notes.isOwed(key)
    );
  }

  /** In one turn: the snapshot is the committed one, and noted before anything can change it. */
  function grant(ask: Ask, peer: PeerId): Granted | undefined {
    if (!mayGrant(ask)) return undefined;
    const snapshot = options.snapshotOf(ask.id);
    if (!snapshot || (snapshot.head?.length ?? 0) > REPLICA_BYTES_MAX) return undefined;
    const link = notes.linkTo(ask.from, peer);
    const { number } = notes.add(actorKey(ask.id), link);
    const { head, version, termMs } = snapshot;
    return { generation: link.generation, number, version, head, termMs };
  }

  wire.onMessage(KIND.ended, (value) => {
    const { from, to, grants } = readEnds(value);
    if (to !== options.membership().inc()) return;
    const isAnyNumber = faults?.has(FAULT.oldEndAnswerCounts) === true;
    for (const { key, number, reads } of grants)
      notes.ended(from, key, isAnyNumber ? undefined : number, reads);
  });

  function end(key: string): Promise<void> | undefined {
    if (granted.get(kindOf(key)) === 'hot') worth.changed(key);
    const holders = notes.end(key);
    const free = pins.whenFree(key);
    if (holders.length === 0 && !free) return undefined;
    const ended = allOf([...holders, free]);
    return faults?.has(FAULT.invalidationNotAwaited) ? free : ended;
  }

  return {
    end,
    block(key) {
      const block = blocked.get(key);
      if (block) block.count++;
      else blocked.set(key, { count: 1, released: undefined });
    },
    release(key) {
      const block = blocked.get(key);
      if (!block || --block.count > 0) return;
      blocked.delete(key);
      block.released?.resolve();
    },
    isBlocked: (key) => blocked.has(key),
    whenReleased(keys) {
      for (const key of keys) {
        const block = blocked.get(key);
        if (!block) continue;
        block.released ??= Promise.withResolvers<void>();
        return block.released.promise;
      }
      return undefined;
    },
    async endShards(shards) {
      const keys = [...new Set([...notes.keys(), ...pins.keys()])].filter((key) => shards.has(shardOf(key)));
      await allOf(keys.map((key) => end(key)));
    },
    round: () => notes.tidy(isConcerned),
    dropAll() {
      quietMs = Math.max(quietMs, notes.untilMs());
      authorized = [...pins.keys()].map((key) => pins.whenFree(key)!);
      notes.dropAll(new Moved(options.membership().view()?.epoch ?? 1));
    },
    async quiet() {
      await Promise.all(authorized);
      for (;;) {
        const left = quietMs - clock.monotonicMs();
        if (!(left > 0)) return;
        await new Promise<void>((resolve) => void clock.after(resolve, left));
      }
    },
    count: () => notes.count(),
    stop: () => notes.stop(),
  };
}

function declined(againMs: number): Declined {
  return { againMs };
}

function kindOf(key: string): string {
  return key.slice(0, key.indexOf(':'));
}

/** Rejects as the first of them does, whether or not anybody waits for it. */
function allOf(waits: readonly (Promise<void> | undefined)[]): Promise<void> {
  const all = Promise.all(waits.filter((wait) => wait !== undefined)).then(() => {});
  all.catch(() => {});
  return all;
}
