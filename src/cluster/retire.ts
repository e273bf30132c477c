/**
 * The two changes that are nobody's turn as keeper: a node that has stopped takes its record away, and itself out of the view; and whoever
 * is told to seals the cluster.
 *
 * @module
 */
import type { Clock } from '../model/clock.ts';
import type { Coordinator } from '../model/coordinator.ts';
import { BEAT_MS, RETIRE_TRIES } from '../model/limits.ts';
import { memberKey } from './member-record.ts';
import type { MembershipHooks } from './membership-hooks.ts';
import { placeOrphans } from './placement.ts';
import { decodeView, encodeView, isMember, VIEW_KEY, type View } from './view.ts';

/** Who stops by its own will is not timed by others: it says so when nothing that it allowed can happen any more. */
export async function retireQuietly(
  coordinator: Coordinator,
  hooks: Pick<MembershipHooks, 'quiet'>,
  inc: string,
): Promise<void> {
  await hooks.quiet?.();
  await retire(coordinator, inc);
}

/**
 * Removes the record of `inc`, whose node has dropped all it had, and gives its shards to the others. Whoever has stopped need not be
 * timed. Gives up without an answer: then others evict it.
 */
async function retire(coordinator: Coordinator, inc: string): Promise<void> {
  const key = memberKey(inc);
  for (let left = RETIRE_TRIES; left > 0; left--) {
    const seen = await coordinator.step({ conditions: [], changes: [], reads: [key, VIEW_KEY] });
    if (seen.outcome === 'unknown') continue;
    const own = seen.records.get(key);
    const held = seen.records.get(VIEW_KEY);
    const view = held && decodeView(held.value);
    const isIn = view !== undefined && isMember(view, inc);
    if (!own && !isIn) return;
    const done = await coordinator.step({
      conditions: [
        { key, version: own?.version ?? 0 },
        // Also where it is not in it: a proposal that names it may be activated in this moment.
        { key: VIEW_KEY, version: held?.version ?? 0 },
      ],
      changes: [
        ...(own ? [{ key, value: undefined }] : []),
        ...(isIn ? [{ key: VIEW_KEY, value: encodeView(without(view, inc)) }] : []),
      ],
    });
    if (done.outcome === 'ok') return;
  }
}

function without(view: View, inc: string): View {
  const members = view.members.filter((member) => member.inc !== inc);
  const epoch = view.last + 1;
  return {
    ...view,
    epoch,
    last: epoch,
    members,
    shards: placeOrphans(members, view.shards),
    next: undefined,
  };
}

/** Resolves with the version of the view that says sealed; undefined: there is no view. Tries until the coordinator answers. */
export async function sealView(coordinator: Coordinator, clock: Clock): Promise<number | undefined> {
  for (;;) {
    const seen = await coordinator.step({ conditions: [], changes: [], reads: [VIEW_KEY] });
    if (seen.outcome !== 'unknown') {
      const held = seen.records.get(VIEW_KEY);
      const view = held && decodeView(held.value);
      if (!view || view.sealed) return held?.version;
      const value = encodeView({ ...view, sealed: true, next: undefined });
      const conditions = [{ key: VIEW_KEY, version: held.version }];
      const done = await coordinator.step({ conditions, changes: [{ key: VIEW_KEY, value }] });
      if (done.outcome === 'ok') return done.version;
    }
    await new Promise<void>((resolve) => {
      clock.after(resolve, BEAT_MS);
    });
  }
}
