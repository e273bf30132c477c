/**
 * The holder's side of grants (protocol §7): links to owners, and what was granted under them. A link is good for its term after it was
 * asked for; when an owner begins another generation, all that came before is dropped.
 *
 * @module
 */
import { shardOf } from '../../actors/places.ts';
import { type ActorId, type ActorKind, actorKey } from '../../model/actor.ts';
import type { Clock } from '../../model/clock.ts';
import {
  ENDS_MAX,
  GRANT_ASK_MS,
  GRANTS_COLD_MAX,
  REPLICA_IDLE_MS,
  REPLICAS_MAX,
} from '../../model/limits.ts';
import { FAULT, type Faults } from '../faults.ts';
import type { Membership } from '../membership-interface.ts';
import { isMember, ownerOf, type View } from '../view.ts';
import type { Replica } from './grants-interface.ts';
import {
  type Ends,
  type Granted,
  type GrantName,
  KIND,
  type Renewal,
  readEnds,
  readGranted,
} from './messages.ts';
import type { Pins } from './pins.ts';
import { makeRecent } from './recent.ts';
import { HeldReplica, type LinkToOwner } from './replica.ts';
import type { Wire } from './wire.ts';

export interface HoldingOptions {
  readonly clock: Clock;
  readonly wire: Wire;
  readonly pins: Pins;
  membership(): Pick<Membership, 'inc' | 'view' | 'isInTime' | 'deadlineMs' | 'mayServe'>;
  readonly kinds: readonly ActorKind<never>[];
  readonly sigma: number;
  /** A change of this own actor is under way. */
  isChanging(key: string): boolean;
  fault(what: string, error: unknown): void;
  readonly faults?: Faults;
}

export interface Holding {
  peek(key: string): Replica | undefined;
  held(key: string): Replica | undefined;
  peekStale(key: string): unknown;
  /** No link is good until it is renewed. */
  endLinks(): void;
  ask(id: ActorId, spanMs?: number): Promise<Replica | undefined>;
  goodUntilMs(keys: readonly string[]): number;
  renewed(renewal: Renewal): void;
  /** Now and then: lets go of what nobody reads. */
  round(): void;
  onView(view: View): void;
  dropAll(): void;
  count(): number;
}

/** A snapshot on its way. */
interface Open {
  readonly owner: string;
  /** An `end`, another view or another life came since it was asked for. */
  isVoid: boolean;
  answer: Promise<Replica | undefined>;
}

const NONE = Promise.resolve(undefined);

export function makeHolding(options: HoldingOptions): Holding {
  const { clock, wire, pins, faults } = options;
  const kinds = new Map((options.kinds as readonly ActorKind<unknown>[]).map((kind) => [kind.kind, kind]));
  const links = new Map<string, LinkToOwner>();
  const replicas = new Map<string, HeldReplica>();
  const asks = new Map<string, Open>();
  /** Until when it is in vain to ask for it. */
  const vain = makeRecent<number>(GRANTS_COLD_MAX);
  /** Ends whose answer waits for a pin, so that none is answered twice. */
  const unanswered = new Set<string>();
  let idleSinceMs = clock.monotonicMs();

  const isInTime = () => options.membership().isInTime();

  function linkTo(owner: string): LinkToOwner {
    const known = links.get(owner);
    if (known) return known;
    const link: LinkToOwner = { owner, generation: 0, goodUntilMs: Number.NEGATIVE_INFINITY };
    links.set(owner, link);
    return link;
  }

  /** Of another generation nothing is known but its number. */
  function begin(link: LinkToOwner, generation: number): void {
    link.generation = generation;
    link.goodUntilMs = Number.NEGATIVE_INFINITY;
    if (faults?.has(FAULT.evictedKeepsReplicas)) return;
    for (const replica of replicas.values()) if (replica.link === link) drop(replica);
  }

  function drop(replica: HeldReplica): void {
    if (replicas.get(replica.key) === replica) replicas.delete(replica.key);
    replica.drop();
  }

  function makeVoid(key: string, open: Open): void {
    open.isVoid = true;
    asks.delete(key);
  }

  async function asked(id: ActorId, key: string, spanMs: number, open: Open): Promise<Replica | undefined> {
    const peer = wire.peerOf(open.owner);
    if (peer === undefined) return undefined;
    const askedMs = clock.monotonicMs();
    const message = { from: options.membership().inc(), to: open.owner, id, spanMs };
    try {
      const answer = await wire.request(peer, KIND.ask, message, GRANT_ASK_MS);
      if (answer === undefined) return undefined;
      const granted = readGranted(answer);
      if (open.isVoid) return undefined;
      if ('againMs' in granted) {
        if (granted.againMs > 0) vain.set(key, clock.monotonicMs() + granted.againMs);
        return undefined;
      }
      return await take(id, key, open, granted, askedMs);
    } catch (error) {
      options.fault('a grant', error);
      return undefined;
    } finally {
      if (asks.get(key) === open) asks.delete(key);
    }
  }

  async function take(
    id: ActorId,
    key: string,
    open: Open,
    granted: Granted,
    askedMs: number,
  ): Promise<Replica | undefined> {
    const kind = kinds.get(id.kind)!;
    // It came in a larger message, and the state may keep parts of it.
    const head = granted.head && Buffer.from(granted.head);
    const decoded = kind.decode(head, id, noRecord);
    const state = decoded instanceof Promise ? await decoded : decoded;
    const link = linkTo(open.owner);
    if (open.isVoid || granted.generation < link.generation) {
      kind.wipe?.(state);
      return undefined;
    }
    if (granted.generation > link.generation) begin(link, granted.generation);
    const before = replicas.get(key);
    if (before) drop(before);
    else makeRoom();
    const { number, version, termMs = Number.POSITIVE_INFINITY } = granted;
    const replica = new HeldReplica({
      key,
      shard: shardOf(key),
      link,
      number,
      version,
      // The owner's clock may be the faster one.
      untilMs: askedMs + termMs / options.sigma,
      state,
      wipe: kind.wipe && (() => kind.wipe!(state)),
      clock,
      isInTime,
    });
    replicas.set(key, replica);
    return replica.isGood ? replica : undefined;
  }

  function makeRoom(): void {
    if (replicas.size < REPLICAS_MAX) return;
    const [oldest] = replicas.values();
    if (oldest) letGo([oldest]);
  }

  /** The owner need not tell us of their changes any more. */
  function letGo(some: readonly HeldReplica[]): void {
    const byOwner = new Map<string, GrantName[]>();
    for (const replica of some) {
      // What it authorized is on its way: the owner must go on waiting for it.
      if (pins.whenFree(replica.key)) continue;
      const { owner } = replica.link;
      const grants = byOwner.get(owner) ?? [];
      byOwner.set(owner, grants);
      grants.push({ key: replica.key, number: replica.number, reads: replica.reads });
      drop(replica);
    }
    const from = options.membership().inc();
    for (const [owner, grants] of byOwner) {
      for (let at = 0; at < grants.length; at += ENDS_MAX)
        tell({ from, to: owner, grants: grants.slice(at, at + ENDS_MAX) });
    }
  }

  function tell(ended: Ends): void {
    const peer = wire.peerOf(ended.to);
    if (peer !== undefined) wire.send(peer, KIND.ended, ended);
  }

  wire.onMessage(KIND.end, (value) => {
    const { from: owner, to: life, grants } = readEnds(value);
    if (life !== options.membership().inc()) return;
    const done = grants.map((grant) => ended(owner, life, grant)).filter((grant) => grant !== undefined);
    if (done.length > 0) tell({ from: life, to: owner, grants: done });
  });

  /** Undefined: it is answered when no pin is left. */
  function ended(owner: string, life: string, { key, number }: GrantName): GrantName | undefined {
    const open = asks.get(key);
    if (open?.owner === owner && !faults?.has(FAULT.endLeavesOpenAsk)) makeVoid(key, open);
    const replica = replicas.get(key);
    const isMeant = replica?.link.owner === owner;
    const grant: GrantName = { key, number, reads: isMeant ? replica.reads : 0 };
    if (isMeant) drop(replica);
    const free = pins.whenFree(key);
    if (!free) return grant;
    const name = `${owner} ${number} ${key}`;
    if (unanswered.has(name)) return undefined;
    unanswered.add(name);
    void free.then(() => {
      unanswered.delete(name);
      tell({ from: life, to: owner, grants: [grant] });
    });
    return undefined;
  }

  function peek(key: string): Replica | undefined {
    const replica = replicas.get(key);
    return replica?.isGood ? replica : undefined;
  }

  return {
    peek,
    held: (key) => replicas.get(key),
    peekStale: (key) => replicas.get(key)?.staleState,
    endLinks() {
      for (const link of links.values()) link.goodUntilMs = Number.NEGATIVE_INFINITY;
    },
    ask(id, spanMs = 0) {
      const key = actorKey(id);
      const known = asks.get(key);
      if (known) return known.answer;
      const membership = options.membership();
      const view = membership.view();
      const owner = view && ownerOf(view, shardOf(key));
      if (owner === undefined || owner === membership.inc() || !kinds.get(id.kind)?.replicas) return NONE;
      // Under a link that is not good nothing could be answered from it.
      if (clock.monotonicMs() >= linkTo(owner).goodUntilMs) return NONE;
      if (clock.monotonicMs() < (vain.get(key) ?? 0)) return NONE;
      const open: Open = { owner, isVoid: false, answer: NONE };
      asks.set(key, open);
      open.answer = asked(id, key, spanMs, open);
      return open.answer;
    },
    goodUntilMs(keys) {
      const membership = options.membership();
      if (!membership.isInTime()) return Number.NEGATIVE_INFINITY;
      let until = Number.POSITIVE_INFINITY;
      for (const key of keys) {
        const replica = replicas.get(key);
        if (replica?.isGood) until = Math.min(until, replica.goodUntilMs);
        else if (!replica && !options.isChanging(key) && membership.mayServe(shardOf(key)))
          until = Math.min(until, membership.deadlineMs());
        else return Number.NEGATIVE_INFINITY;
      }
      return until;
    },
    renewed({ from, generation, askedMs, termMs }) {
      const link = linkTo(from);
      if (generation < link.generation) return;
      if (generation > link.generation) begin(link, generation);
      if (termMs <= 0) return;
      const beganMs = faults?.has(FAULT.linkCountedFromArrival) ? clock.monotonicMs() : askedMs;
      link.goodUntilMs = Math.max(link.goodUntilMs, beganMs + termMs);
    },
    round() {
      const now = clock.monotonicMs();
      if (now - idleSinceMs < REPLICA_IDLE_MS) return;
      idleSinceMs = now;
      letGo([...replicas.values()].filter((replica) => replica.isIdle()));
    },
    onView(view) {
      // What its owner gave away was ended, or nobody may answer from it since the owner's deadline.
      for (const replica of replicas.values())
        if (ownerOf(view, replica.shard) !== replica.link.owner) drop(replica);
      for (const [key, open] of asks) if (ownerOf(view, shardOf(key)) !== open.owner) makeVoid(key, open);
      vain.clear();
      for (const owner of links.keys()) if (!isMember(view, owner)) links.delete(owner);
    },
    dropAll() {
      for (const [key, open] of asks) makeVoid(key, open);
      if (faults?.has(FAULT.evictedKeepsReplicas)) return;
      for (const replica of replicas.values()) drop(replica);
      links.clear();
    },
    count: () => replicas.size,
  };
}

function noRecord(name: string): Promise<never> {
  return Promise.reject(new Error(`a snapshot has no record ${name}`));
}
