/**
 * Judges by which version of the protocol nodes write (protocol §20: I15): no message goes beyond the view's version, and no view beyond what each of
 * its members speaks, nor back. Looked at in the turn in which a message leaves, or a view record is put. What rests in the store is the same in
 * all versions so far.
 *
 * @module
 */
import { decodeMember, MEMBERS_PREFIX } from '../../src/cluster/member-record.ts';
import { decodeView, VIEW_KEY } from '../../src/cluster/view.ts';
import type { World } from '../sim/world.ts';

/** What a node speaks that sees no view yet. */
const LOWEST = 1;

export function watchProtocol(world: World): void {
  const { coordinator, network, scheduler, violations } = world;
  /** The highest that each speaks, by `inc`, as its record said last: also after it is gone. */
  const spoken = new Map<string, number>();
  const record = coordinator.records.get(VIEW_KEY);
  let protocol = record ? decodeView(record.value).protocol : LOWEST;
  for (const [key, { value }] of coordinator.records) note(key, value);

  function violated(text: string): void {
    if (violations.length === 0) violations.push(`I15: at ${scheduler.nowMs.toFixed(1)} ${text}`);
  }

  function note(key: string, value: Uint8Array): void {
    if (key.startsWith(MEMBERS_PREFIX))
      spoken.set(key.slice(MEMBERS_PREFIX.length), decodeMember(value).speaks[1]);
  }

  network.onSend = (from, to, by) => {
    if (by > protocol) violated(`${from} writes to ${to} by version ${by}, and the view's is ${protocol}`);
  };
  const before = coordinator.onPut;
  coordinator.onPut = (key, value, by) => {
    before?.(key, value, by);
    note(key, value);
    if (key !== VIEW_KEY) return;
    const view = decodeView(value);
    if (view.protocol < protocol)
      violated(`${by} lowers the view's version from ${protocol} to ${view.protocol}`);
    protocol = view.protocol;
    for (const { inc, nodeId } of view.members)
      if ((spoken.get(inc) ?? LOWEST) < protocol)
        violated(`${by} makes a view of version ${protocol}, and ${nodeId} speaks up to ${spoken.get(inc)}`);
  };
}
