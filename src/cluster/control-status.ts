/**
 * The cluster as one node sees it, put together for its operator.
 *
 * @module
 */
import { SHARDS } from '../actors/places.ts';
import type {
  ClusterNode,
  ClusterStatus,
  NodeReport,
  PendingView,
  Standing,
} from '../model/cluster-control.ts';
import { SESSION_DEADLINE_MS } from '../model/limits.ts';
import { SECTIONS } from './catalog-section.ts';
import type { ControlParts } from './control-parts.ts';
import type { MemberRecord } from './member-record.ts';
import { isMember, type View, type ViewMember } from './view.ts';

/** How this node itself stands, in this turn. */
export function ownStanding(parts: ControlParts): Standing {
  const membership = parts.membership();
  // First: who leaves drops its keys on the way.
  if (parts.isDraining()) return 'leaving';
  if (parts.isSealed()) return 'sealed';
  const view = membership.view();
  if (!view || !isMember(view, membership.inc())) return 'joining';
  return membership.isInTime() ? 'serving' : 'held';
}

export function ownReport(parts: ControlParts, startedMs: number): NodeReport {
  const { held, given } = parts.grants.counts();
  const sequences = parts.catalog.sequences();
  return {
    standing: ownStanding(parts),
    epoch: parts.membership().view()?.epoch ?? 0,
    catalog: Object.fromEntries(SECTIONS.map((name, n) => [name, sequences[n] ?? 0])),
    shardsHeld: parts.shards.held().length,
    actors: parts.activeCount(),
    replicasHeld: held,
    grantsGiven: given,
    uptimeMs: parts.clock.monotonicMs() - startedMs,
  };
}

/** @param reports - by `inc`, of those that were asked and answered. */
export function makeStatus(parts: ControlParts, reports: ReadonlyMap<string, NodeReport>): ClusterStatus {
  const membership = parts.membership();
  const view = membership.view();
  const records = membership.members();
  const counts = new Map<string, number>();
  for (const owner of view?.shards ?? []) counts.set(owner, (counts.get(owner) ?? 0) + 1);
  const known = new Map<string, ViewMember | MemberRecord>();
  for (const member of view?.members ?? []) known.set(member.inc, member);
  for (const [inc, record] of records)
    if (!isFormerLife(membership, view, inc, record)) known.set(inc, record);
  const nodes = [...known].map(([inc, one]) =>
    nodeOf(parts, view, inc, one, records.get(inc), counts.get(inc) ?? 0, reports.get(inc)),
  );
  return {
    self: parts.nodeId,
    epoch: view?.epoch ?? 0,
    protocol: view?.protocol ?? 0,
    shards: SHARDS,
    isSealed: view?.sealed ?? true,
    keeper: keeperOf(parts, view),
    pending: view?.next && pendingOf(view, records),
    nodes: nodes.toSorted((a, b) => compare(a.nodeId, b.nodeId) || compare(a.inc, b.inc)),
  };
}

/** A node has entered anew under another `inc`; what it was before is no member and silent, until the keeper removes its record. */
function isFormerLife(
  membership: ReturnType<ControlParts['membership']>,
  view: View | undefined,
  inc: string,
  { peerId }: MemberRecord,
): boolean {
  const isSilent = (one: string) =>
    one !== membership.inc() && membership.silenceMs(one) >= SESSION_DEADLINE_MS;
  if ((view && isMember(view, inc)) || !isSilent(inc)) return false;
  return [...membership.members()].some(
    ([other, record]) => other !== inc && record.peerId === peerId && !isSilent(other),
  );
}

function nodeOf(
  parts: ControlParts,
  view: View | undefined,
  inc: string,
  { nodeId, weight }: ViewMember | MemberRecord,
  record: MemberRecord | undefined,
  shards: number,
  report: NodeReport | undefined,
): ClusterNode {
  const isSelf = inc === parts.membership().inc();
  return {
    nodeId,
    inc,
    peer: record?.peerId ?? '',
    apiAddress: record?.apiAddress ?? '',
    clusterAddress: record?.clusterAddress ?? '',
    standing: isSelf ? ownStanding(parts) : standingOf(parts, view, inc, record, report),
    isMember: view !== undefined && isMember(view, inc),
    isSealed: record?.sealed ?? true,
    shards,
    weight,
    zone: record?.zone ?? '',
    release: record?.release ?? '',
    speaks: record?.speaks ?? [0, 0],
    isLinked: isSelf || (record !== undefined && parts.post.transport.peers().includes(record.peerId)),
    silentMs: isSelf ? 0 : parts.membership().silenceMs(inc),
    lag: report && lagOf(parts, report),
    report,
  };
}

/** What another says of itself counts, as long as it is heard. */
function standingOf(
  parts: ControlParts,
  view: View | undefined,
  inc: string,
  record: MemberRecord | undefined,
  report: NodeReport | undefined,
): Standing {
  if (report) return report.standing;
  // By then it has stopped by itself, as far as its clock and ours agree.
  if (!record || parts.membership().silenceMs(inc) >= SESSION_DEADLINE_MS) return 'silent';
  if (record.state === 'sealed' || record.state === 'leaving') return record.state;
  // The view is newer than a record that still says `joining`.
  return view && isMember(view, inc) ? 'serving' : 'joining';
}

/** Changes that it has yet to apply, of those that this node has applied. */
function lagOf(parts: ControlParts, report: NodeReport): number {
  const own = parts.catalog.sequences();
  let lag = 0;
  for (const [n, name] of SECTIONS.entries()) {
    lag += Math.max(0, (own[n] ?? 0) - (report.catalog[name] ?? 0));
  }
  return lag;
}

/** The lowest that beats, as the keeper is chosen (protocol §4). */
function keeperOf(parts: ControlParts, view: View | undefined): string | undefined {
  const membership = parts.membership();
  const isThere = (inc: string) => inc === membership.inc() || membership.isBeating(inc);
  const beating = view?.members.filter(({ inc }) => isThere(inc)) ?? [];
  return beating.toSorted((a, b) => compare(a.inc, b.inc))[0]?.nodeId;
}

function pendingOf(view: View, records: ReadonlyMap<string, MemberRecord>): PendingView | undefined {
  const { next } = view;
  if (!next) return undefined;
  const concerned = new Map([...view.members, ...next.members].map((member) => [member.inc, member.nodeId]));
  const waitingFor = [...concerned].filter(([inc]) => records.get(inc)?.ack !== next.number);
  return {
    number: next.number,
    members: next.members.map(({ nodeId }) => nodeId),
    waitingFor: waitingFor.map(([, nodeId]) => nodeId),
  };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
