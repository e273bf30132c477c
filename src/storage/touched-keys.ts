/**
 * The keys of commits that are under way, so that none is sent beside them that has to wait for one.
 *
 * @module
 */
import type { DriverWrite } from './driver.ts';
import type { Touched } from './group-commit.ts';

/** In a key's count: one more commit that changes it. One that compares it counts 1. */
const CHANGED = 2 ** 26;

export function makeTouchedKeys(): Touched<DriverWrite> {
  /** By how many commits the key is changed and compared. */
  const touched = new Map<string, number>();
  function count(key: string, by: number): void {
    const left = (touched.get(key) ?? 0) + by;
    if (left === 0) touched.delete(key);
    else touched.set(key, left);
  }
  return {
    add(write) {
      for (const { key } of write.changes) count(key, CHANGED);
      for (const { key } of write.conditions) if (!isChanged(write, key)) count(key, 1);
    },
    remove(write) {
      for (const { key } of write.changes) count(key, -CHANGED);
      for (const { key } of write.conditions) if (!isChanged(write, key)) count(key, -1);
    },
    meets(write) {
      for (const { key } of write.changes) if (touched.has(key)) return true;
      for (const { key } of write.conditions)
        if (!isChanged(write, key) && (touched.get(key) ?? 0) >= CHANGED) return true;
      return false;
    },
  };
}

/** Then it was looked at already. Mostly one of a few. */
function isChanged({ changes }: DriverWrite, key: string): boolean {
  for (const change of changes) if (change.key === key) return true;
  return false;
}
