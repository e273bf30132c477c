/**
 * The keys of commits that are under way, so that none is sent beside them that has to wait for one.
 *
 * @module
 */
import type { DriverWrite } from './driver.ts';
import type { Touched } from './group-commit.ts';

export function makeTouchedKeys(): Touched<DriverWrite> {
  /** How many commits change the key, and how many compare it. */
  const changed = new Map<string, number>();
  const compared = new Map<string, number>();
  return {
    add(write) {
      for (const { key } of write.changes) changed.set(key, (changed.get(key) ?? 0) + 1);
      for (const { key } of write.conditions) compared.set(key, (compared.get(key) ?? 0) + 1);
    },
    remove(write) {
      for (const { key } of write.changes) less(changed, key);
      for (const { key } of write.conditions) less(compared, key);
    },
    meets(write) {
      for (const { key } of write.changes) if (changed.has(key) || compared.has(key)) return true;
      for (const { key } of write.conditions) if (changed.has(key)) return true;
      return false;
    },
  };
}

function less(counts: Map<string, number>, key: string): void {
  const left = counts.get(key)! - 1;
  if (left === 0) counts.delete(key);
  else counts.set(key, left);
}
