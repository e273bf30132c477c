/**
 * What is asked of the store after a run, or while it goes on (protocol §20: I1, I2, I3, I6, I8).
 *
 * @module
 */
import { decodeFence, FENCE_PREFIX } from '../../src/cluster/fences.ts';
import { decodeMember, MEMBERS_PREFIX } from '../../src/cluster/member-record.ts';
import { decodeView, isMember, VIEW_KEY } from '../../src/cluster/view.ts';
import type { World } from '../sim/world.ts';
import { checkKv } from '../workloads/kv.ts';
import type { History } from './history.ts';
import type { KvInput, KvOutput } from './versioned-kv.ts';

/** I1. */
export function linearizable(world: World): string[] {
  const { violations, undecided } = checkKv(world.history as History<KvInput, KvOutput>);
  world.undecided += undecided;
  return violations;
}

/**
 * I3: fence epochs never fall. I8: what was sent before an actor was deleted does not bring it back. I6: who says that it has left has answered all
 * it had let in.
 */
export function watchRecords(world: World): void {
  const { store, coordinator, nodes, scheduler, violations } = world;
  const epochs = new Map<string, number>();
  const deletedMs = new Map<string, number>();
  store.onPut = (path, value, atMs) => {
    if (!path.startsWith(FENCE_PREFIX)) return;
    const { epoch } = decodeFence(value);
    const before = epochs.get(path) ?? 0;
    epochs.set(path, epoch);
    if (epoch < before) violations.push(`I3: at ${atMs.toFixed(1)} ${path} fell from ${before} to ${epoch}`);
  };
  store.onCommit = (changes, sentMs, by) => {
    for (const { path, value } of changes) {
      if (!path.startsWith('data/')) continue;
      if (!value) deletedMs.set(path, scheduler.nowMs);
      else if (!store.records.has(path) && (deletedMs.get(path) ?? 0) > sentMs)
        violations.push(`I8: ${by} brought ${path} back by what it had sent before that was deleted`);
    }
  };
  coordinator.onPut = (key, value, by) => {
    if (!key.startsWith(MEMBERS_PREFIX)) return;
    const inc = key.slice(MEMBERS_PREFIX.length);
    const record = coordinator.records.get(VIEW_KEY);
    const next = record && decodeView(record.value).next;
    const isLeft = next && decodeMember(value).ack === next.number && !isMember(next, inc);
    const node = isLeft && nodes.find(({ member }) => member?.inc() === inc);
    if (node && node.running > 0)
      violations.push(`I6: ${by} says that it has left, and ${node.running} requests run on it`);
  };
}

/** I2: no commit took the place of an acknowledged one that it did not know. */
export function lostWrites({ store }: World): string[] {
  const acknowledged = new Map(store.applied.map((one) => [one.version, one.isAcknowledged]));
  for (const { overwrote, by, atMs, paths } of store.applied) {
    const lost = overwrote.find(({ version }) => acknowledged.get(version));
    if (lost)
      return [
        `I2: at ${atMs.toFixed(1)} ${by} overwrote version ${lost.version} of ${paths[0]}, which was acknowledged`,
      ];
  }
  return [];
}

/** I2: between two times that a path was forgotten, no version is given to two writes. */
export function doubleVersions({ history }: World): string[] {
  const { entries } = history as History<KvInput, KvOutput>;
  const forgotten = new Set(entries.filter(({ input }) => input.op === 'forget').map(({ key }) => key));
  const seen = new Set<string>();
  for (const { key, output } of entries) {
    if (output?.kind !== 'written' || forgotten.has(key)) continue;
    const version = `${key} ${output.version}`;
    if (seen.has(version)) return [`I2: two writes were told that they made version ${version}`];
    seen.add(version);
  }
  return [];
}
