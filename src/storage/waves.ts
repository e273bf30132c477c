/**
 * Which of several commits may be sent together. Commits of one transaction, and transactions under way at the same time, share no path that
 * one of them changes: the store looks at all conditions of a transaction before it changes anything (etcd), and nothing orders two
 * transactions but waiting for the first.
 *
 * @module
 */
import type { Batch, DriverWrite } from './driver.ts';

/**
 * Waves, one after the other; of each its transactions, in any order. Commits that touch a path which one of them changes stand in different
 * waves, in the order of `writes`. Each commit must fit into an empty batch.
 */
export function planWaves<W extends DriverWrite>(writes: readonly W[], newBatch: () => Batch): W[][][] {
  const waves: W[][] = [];
  /** The first wave that a change of the key may stand in, and a condition on it. */
  const forChange = new Map<string, number>();
  const forCondition = new Map<string, number>();
  for (const write of writes) {
    let wave = 0;
    for (const { key } of write.conditions) wave = Math.max(wave, forCondition.get(key) ?? 0);
    for (const { key } of write.changes) wave = Math.max(wave, forChange.get(key) ?? 0);
    for (const { key } of write.conditions) {
      forChange.set(key, Math.max(wave + 1, forChange.get(key) ?? 0));
    }
    for (const { key } of write.changes) {
      forChange.set(key, wave + 1);
      forCondition.set(key, wave + 1);
    }
    // A wave follows those that it waits for, so there are no gaps.
    if (wave === waves.length) waves.push([]);
    waves[wave]!.push(write);
  }
  return waves.map((wave) => packed(wave, newBatch));
}

function packed<W extends DriverWrite>(writes: readonly W[], newBatch: () => Batch): W[][] {
  const groups: W[][] = [];
  let batch: Batch | undefined;
  for (const write of writes) {
    if (batch?.take(write)) {
      groups.at(-1)!.push(write);
      continue;
    }
    batch = newBatch();
    batch.take(write);
    groups.push([write]);
  }
  return groups;
}
