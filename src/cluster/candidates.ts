/**
 * Who may join, and who has to go because two members cannot reach each other (protocol §4).
 *
 * @module
 */
import { MEMBERS_MAX } from '../model/limits.ts';
import { FAULT } from './faults.ts';
import type { KeeperSees } from './keeper.ts';
import type { MemberRecord } from './member-record.ts';
import type { View, ViewMember } from './view.ts';

/** Nodes that are ready to be members and that nothing speaks against, lowest `inc` first. */
export function joiners(sees: KeeperSees, view: View): ViewMember[] {
  const found: ViewMember[] = [];
  const nodeIds = new Set(view.members.map(({ nodeId }) => nodeId));
  const peers = new Set(view.members.map(({ inc }) => sees.seen.sightings.get(inc)?.record?.peerId));
  const incs = [...sees.seen.sightings.all().keys()].toSorted();
  for (const inc of incs) {
    const record = sees.seen.sightings.get(inc)?.record;
    if (!record || view.members.length + found.length >= MEMBERS_MAX) continue;
    // A second process with the same node id, or by a copy of its data folder, waits until the first one's record is gone.
    if (nodeIds.has(record.nodeId) || peers.has(record.peerId) || !sees.seen.isBeating(inc)) continue;
    if (!isReady(record) || !fits(sees, view, inc, record)) continue;
    nodeIds.add(record.nodeId);
    peers.add(record.peerId);
    found.push({ inc, nodeId: record.nodeId, weight: record.weight });
  }
  return found;
}

export function isReady(record: Omit<MemberRecord, 'beat'>): boolean {
  return record.state === 'joining' && record.ready && !record.sealed;
}

function fits(sees: KeeperSees, view: View, inc: string, record: MemberRecord): boolean {
  const [lowest, highest] = record.speaks;
  const isSpoken = view.protocol >= lowest && view.protocol <= highest;
  if (!isSpoken && !sees.faults?.has(FAULT.joinerUnheard)) return false;
  if (record.storageId !== sees.me.storageId) return false;
  if (!sees.flaps.mayJoin(record.nodeId, sees.nowMs)) return false;
  return view.members.every((member) => {
    const theirs = sees.seen.sightings.get(member.inc)?.record;
    return !record.unreachable.includes(member.inc) && !theirs?.unreachable.includes(inc);
  });
}

/**
 * Of two members that both say they do not hear the other: the one that more members name, else the younger. Undefined: all hear each
 * other, or only one side complains.
 */
export function unreachableLoser(sees: KeeperSees, view: View): string | undefined {
  const incs = view.members.map(({ inc }) => inc);
  const complaints = new Map(
    incs.map((inc) => [inc, sees.seen.sightings.get(inc)?.record?.unreachable ?? ([] as readonly string[])]),
  );
  const named = (inc: string): number => incs.filter((by) => complaints.get(by)!.includes(inc)).length;
  let loser: string | undefined;
  for (const inc of incs) {
    const isCut = incs.some((by) => complaints.get(inc)!.includes(by) && complaints.get(by)!.includes(inc));
    if (!isCut) continue;
    // Later in the list is younger.
    if (loser === undefined || named(inc) >= named(loser)) loser = inc;
  }
  return loser;
}
