/**
 * Judges views as the coordinator saw them, one after the other (protocol §20: I11, and the part of I14 that an outage evicts nobody).
 *
 * @module
 */
import { decodeMember, MEMBERS_PREFIX } from '../../src/cluster/member-record.ts';
import { decodeView, isMember, VIEW_KEY, type View } from '../../src/cluster/view.ts';
import type { CoordinatorChange } from '../sim/coordinator.ts';

/** The first thing that is wrong with the history of the view record; undefined: nothing. */
export function checkViews(changes: readonly CoordinatorChange[]): string | undefined {
  /** What each member's record said last: the number it has acknowledged. */
  const acknowledged = new Map<string, number>();
  const active = new Set<number>();
  let before: View | undefined;
  for (const { key, value, atMs } of changes) {
    if (key.startsWith(MEMBERS_PREFIX)) {
      // An acknowledgement outlives its record: what was given away stays so.
      if (value) acknowledged.set(key.slice(MEMBERS_PREFIX.length), decodeMember(value).ack);
      continue;
    }
    if (key !== VIEW_KEY || !value) continue;
    const view = decodeView(value);
    const wrong = before && changeOf(before, view, acknowledged);
    if (wrong) return `I11: at ${atMs.toFixed(1)} epoch ${before!.epoch} → ${view.epoch}: ${wrong}`;
    if (view.epoch !== before?.epoch) {
      if (active.has(view.epoch)) return `I11: number ${view.epoch} was active twice`;
      active.add(view.epoch);
    }
    before = view;
  }
  return undefined;
}

function changeOf(before: View, after: View, acknowledged: ReadonlyMap<string, number>): string | undefined {
  if (after.last < before.last) return `last fell from ${before.last} to ${after.last}`;
  if (after.next && after.next.number !== before.next?.number && after.next.number <= before.last)
    return `number ${after.next.number} is proposed, ${before.last} was used already`;
  if (after.epoch === before.epoch) {
    const isSame = after.shards.every((owner, shard) => owner === before.shards[shard]);
    return isSame ? undefined : 'shards moved without a new epoch';
  }
  if (after.epoch < before.epoch) return 'the epoch fell';
  if (before.next?.number === after.epoch) return activation(before, after, acknowledged);
  return removal(before, after);
}

function activation(
  before: View,
  after: View,
  acknowledged: ReadonlyMap<string, number>,
): string | undefined {
  const next = before.next!;
  if (!after.shards.every((owner, shard) => owner === next.shards[shard]))
    return 'it is not what was proposed';
  const all = [...before.members, ...next.members];
  const silent = all.find(({ inc }) => acknowledged.get(inc) !== next.number);
  return silent && `${silent.nodeId} has not acknowledged ${next.number}`;
}

/** Without an acknowledged proposal only shards of those who are gone may move. */
function removal(before: View, after: View): string | undefined {
  const moved = before.shards.findIndex(
    (owner, shard) => isMember(after, owner) && after.shards[shard] !== owner,
  );
  return moved < 0 ? undefined : `shard ${moved} moved between the living without a proposal`;
}
