/**
 * What a keeper does next: one decision, one compare-and-set (protocol §4). Any node may act as keeper; two at once are harmless, since the
 * record that the first one writes fails the second one's condition. Nothing here does anything: what is seen goes in, a step comes out.
 *
 * @module
 */
import type { CoordinatorStep } from '../model/coordinator.ts';
import { STRAY_RECORD_MS } from '../model/limits.ts';
import { isReady, joiners, unreachableLoser } from './candidates.ts';
import { FAULT, type Faults } from './faults.ts';
import type { Flaps } from './flaps.ts';
import { type MemberRecord, memberKey } from './member-record.ts';
import { isBalanced, place, placeOrphans } from './placement.ts';
import type { Seen } from './seen.ts';
import type { MembershipTimes } from './times.ts';
import { encodeView, type HeldView, isMember, VIEW_KEY, type View, type ViewMember } from './view.ts';

/** What a node sees in one moment, all on its own clock. */
export interface KeeperSees {
  readonly self: string;
  /** Own record, as it would be sent now. */
  readonly me: Omit<MemberRecord, 'beat'>;
  readonly nowMs: number;
  readonly seen: Seen;
  readonly flaps: Flaps;
  /** The highest protocol that the operator allows. */
  readonly protocolMax: number;
  /** Highest epoch in any shard's fence; undefined: not read yet. */
  readonly fenceEpoch: number | undefined;
  readonly times: MembershipTimes;
  readonly faults?: Faults;
}

export interface KeeperStep {
  readonly kind: 'first' | 'take' | 'unseal' | 'evict' | 'propose' | 'activate' | 'cancel' | 'bar' | 'sweep';
  /** Whom or which number it is about. */
  readonly about: string;
  readonly step: CoordinatorStep;
}

/** `read fences`: the first view needs to know how far epochs have come. */
export function nextStep(sees: KeeperSees): KeeperStep | 'read fences' | undefined {
  const { seen, self } = sees;
  const held = seen.held();
  if (!held) return firstView(sees);
  const { view } = held;
  const opened = openedView(sees, held);
  if (opened) return opened;
  if (!isKeeper(sees, view)) return undefined;
  const silent = view.members.find(
    ({ inc }) => inc !== self && (sees.seen.isDead(inc) || sees.seen.silenceMs(inc) >= silenceNeeded(sees)),
  );
  if (silent) return evict(sees, held, silent);
  if (view.sealed || !isMember(view, self)) return undefined;
  if (view.next) return settle(sees, held);
  // Records change one after the other: who complains first must not decide who goes.
  const isSettled = sees.nowMs - seen.complaintsSinceMs() >= 2 * sees.times.beatMs;
  const loser = unreachableLoser(sees, view);
  if (loser !== undefined) return isSettled ? bar(sees, held, loser) : undefined;
  return propose(sees, held) ?? sweep(sees, view);
}

/** The lowest `inc` among the members seen alive; without any, whoever is ready to be one. Of a sealed view nobody is: there any node evicts the silent. */
export function isKeeper(sees: KeeperSees, view: View): boolean {
  const alive = view.members.filter(({ inc }) => inc === sees.self || sees.seen.isAlive(inc));
  if (alive.length === 0) return view.sealed || isReady(sees.me);
  return alive.every(({ inc }) => inc >= sees.self) && isMember(view, sees.self);
}

function silenceNeeded({ times, faults }: KeeperSees): number {
  if (faults?.has(FAULT.evictionWaitSkipped)) return times.beatMs * 1.25;
  return faults?.has(FAULT.evictionWaitBelowDeadline) ? times.deadlineMs * 0.75 : times.silenceMs;
}

function firstView(sees: KeeperSees): KeeperStep | 'read fences' | undefined {
  const since = sees.seen.noViewSinceMs();
  if (!isReady(sees.me) || since === undefined) return undefined;
  // Somebody deleted the view: those who served under it must have noticed, or stopped, before there is another.
  const others = [...sees.seen.sightings.all()].some(
    ([inc, { record }]) =>
      inc !== sees.self && (record === undefined || record.state === 'member' || record.state === 'leaving'),
  );
  if (others && sees.nowMs - since < sees.times.silenceMs) return undefined;
  if (sees.fenceEpoch === undefined) return 'read fences';
  const epoch = sees.fenceEpoch + 1;
  const protocol = Math.min(sees.me.speaks[1], sees.protocolMax);
  const view: View = { ...aloneOf(sees), epoch, last: epoch, next: undefined, protocol, sealed: false };
  return writes('first', `${epoch}`, 0, view);
}

/** A view without members is taken by who is ready; a sealed one by who has the keys, once all its members have none. */
function openedView(sees: KeeperSees, { view, version }: HeldView): KeeperStep | undefined {
  const { me, self } = sees;
  const isOpen = me.ready && !me.sealed && me.state !== 'leaving';
  if (!isOpen || !speaks(me, view.protocol)) return undefined;
  const isEmpty = view.members.length === 0;
  const allSealed = view.members.every(
    ({ inc }) => inc === self || sees.seen.sightings.get(inc)?.record?.sealed === true,
  );
  if (!isEmpty && !(view.sealed && allSealed)) return undefined;
  const epoch = view.last + 1;
  const taken: View = { ...view, ...aloneOf(sees), epoch, last: epoch, next: undefined, sealed: false };
  return writes(isEmpty ? 'take' : 'unseal', `${epoch}`, version, taken);
}

function evict(sees: KeeperSees, { view, version }: HeldView, gone: ViewMember): KeeperStep {
  const members = view.members.filter(({ inc }) => inc !== gone.inc);
  const moveAll = sees.faults?.has(FAULT.evictionMovesLivingShards) && members.length > 0;
  const shards = moveAll ? place(members, view.shards.toReversed()) : placeOrphans(members, view.shards);
  const epoch = view.last + 1;
  const after: View = { ...view, epoch, last: epoch, members, shards, next: undefined };
  const { step } = writes('evict', gone.inc, version, after);
  const key = memberKey(gone.inc);
  const seen = sees.seen.sightings.get(gone.inc)?.version ?? 0;
  const blind = sees.faults?.has(FAULT.evictionWithoutRecordVersion);
  return {
    kind: 'evict',
    about: gone.inc,
    step: {
      conditions: blind ? step.conditions : [{ key, version: seen }, ...step.conditions],
      changes: seen === 0 ? step.changes : [{ key, value: undefined }, ...step.changes],
    },
  };
}

/** Of a pending proposal: activate it, or give it up. */
function settle(sees: KeeperSees, { view, version }: HeldView): KeeperStep | undefined {
  const next = view.next!;
  const cancel = (): KeeperStep => writes('cancel', `${next.number}`, version, { ...view, next: undefined });
  const joining = next.members.filter(({ inc }) => !isMember(view, inc));
  if (joining.some(({ inc }) => !sees.seen.isAlive(inc) || !isReadyStill(sees, inc))) return cancel();
  const all = new Set([...view.members, ...next.members].map(({ inc }) => inc));
  const acknowledged = [...all].every((inc) => recordOf(sees, inc)?.ack === next.number);
  if (acknowledged || sees.faults?.has(FAULT.activationWithoutAcknowledgements)) {
    const { number: epoch, members, shards } = next;
    const protocol = raised(sees, view, members);
    return writes('activate', `${epoch}`, version, {
      ...view,
      epoch,
      members,
      shards,
      next: undefined,
      protocol,
    });
  }
  return sees.nowMs - sees.seen.pendingSinceMs() >= sees.times.prepareMs ? cancel() : undefined;
}

/** The highest version that all of the new members speak; never lowered (protocol §17). */
function raised(sees: KeeperSees, view: View, members: readonly ViewMember[]): number {
  const isAlone = sees.faults?.has(FAULT.raisedForKeeper);
  const all = isAlone
    ? [sees.me.speaks[1]]
    : members.map(({ inc }) => recordOf(sees, inc)?.speaks[1] ?? view.protocol);
  return Math.max(view.protocol, Math.min(sees.protocolMax, ...all));
}

/** Takes its record from a member that others cannot reach: it stops at its next beat, and is evicted W later. */
function bar(sees: KeeperSees, { version }: HeldView, inc: string): KeeperStep {
  const key = memberKey(inc);
  const seen = sees.seen.sightings.get(inc)!.version;
  const conditions = [
    { key, version: seen },
    { key: VIEW_KEY, version },
  ];
  return { kind: 'bar', about: inc, step: { conditions, changes: [{ key, value: undefined }] } };
}

function propose(sees: KeeperSees, { view, version }: HeldView): KeeperStep | undefined {
  // A proposal needs everybody's acknowledgement: while one is silent it would only hold up clients.
  if (!view.members.every(({ inc }) => inc === sees.self || sees.seen.isBeating(inc))) return undefined;
  if (!sees.flaps.mayPropose(sees.nowMs)) return undefined;
  const leaving = view.members.filter(({ inc }) => recordOf(sees, inc)?.state === 'leaving');
  const joining = joiners(sees, view);
  let members = [...view.members.filter((member) => !leaving.includes(member)), ...joining];
  // Who is last leaves by itself.
  if (members.length === 0) members = leaving.toSorted((a, b) => (a.inc < b.inc ? -1 : 1)).slice(0, 1);
  members = members.map((member) => ({
    ...member,
    weight: recordOf(sees, member.inc)?.weight ?? member.weight,
  }));
  const isSame =
    members.length === view.members.length &&
    members.every(
      ({ inc, weight }, at) => view.members[at]!.inc === inc && view.members[at]!.weight === weight,
    );
  if (isSame && isBalanced(view)) return undefined;
  const number = sees.faults?.has(FAULT.cancelledNumberReused) ? view.epoch + 1 : view.last + 1;
  const next = { number, members, shards: place(members, view.shards) };
  return writes('propose', `${number}`, version, { ...view, last: Math.max(view.last, number), next });
}

/** Records of nodes that are no members and have been silent for long: they crashed, or their creation came late. */
function sweep(sees: KeeperSees, view: View): KeeperStep | undefined {
  for (const [inc, { version }] of sees.seen.sightings.all()) {
    if (inc === sees.self || version === 0 || isMember(view, inc)) continue;
    if (!sees.seen.isDead(inc) && sees.seen.silenceMs(inc) < STRAY_RECORD_MS) continue;
    const key = memberKey(inc);
    const step = { conditions: [{ key, version }], changes: [{ key, value: undefined }] };
    return { kind: 'sweep', about: inc, step };
  }
  return undefined;
}

/** A joiner that was sealed, or leaves before it has come, acknowledges nothing any more. */
function isReadyStill(sees: KeeperSees, inc: string): boolean {
  const record = recordOf(sees, inc);
  return record === undefined || isReady(record);
}

function recordOf(sees: KeeperSees, inc: string): Omit<MemberRecord, 'beat'> | undefined {
  return sees.seen.sightings.get(inc)?.record;
}

function speaks(me: KeeperSees['me'], protocol: number): boolean {
  return protocol >= me.speaks[0] && protocol <= me.speaks[1];
}

function aloneOf({ self, me }: KeeperSees): Pick<View, 'members' | 'shards'> {
  const members = [{ inc: self, nodeId: me.nodeId, weight: me.weight }];
  return { members, shards: place(members, []) };
}

function writes(kind: KeeperStep['kind'], about: string, version: number, view: View): KeeperStep {
  const conditions = [{ key: VIEW_KEY, version }];
  return { kind, about, step: { conditions, changes: [{ key: VIEW_KEY, value: encodeView(view) }] } };
}
