/**
 * Fences as they rest in the store: who claimed a shard, in which epoch, as the how manieth claim (protocol §5). Not sealed: whoever starts a
 * cluster must read them, and they tell no more than the coordinator does.
 *
 * @module
 */
import { SHARDS, shardText } from '../actors/places.ts';
import { SHARDS_AT_ONCE } from '../model/limits.ts';
import type { Storage } from '../model/storage.ts';
import { asCount, asText, parseFields } from './record-fields.ts';

export const FENCE_PREFIX = 'fence/';

export interface Fence {
  readonly epoch: number;
  /** The claimer's. */
  readonly inc: string;
  /** Rises with each claim, so that no two are alike. */
  readonly claim: number;
}

const FENCE_BYTES_MAX = 1_024;
const INC_CHARS_MAX = 128;

export function fencePath(shard: number): string {
  return FENCE_PREFIX + shardText(shard);
}

export function encodeFence(fence: Fence): Uint8Array {
  return Buffer.from(JSON.stringify(fence));
}

/** @throws BadRecord */
export function decodeFence(value: Uint8Array): Fence {
  const fields = parseFields(value, FENCE_BYTES_MAX);
  return {
    epoch: asCount(fields.epoch, 'epoch'),
    inc: asText(fields.inc, 'inc', INC_CHARS_MAX),
    claim: asCount(fields.claim, 'claim'),
  };
}

/** @param storage - as it is below the barrier. */
export async function readFence(
  storage: Storage,
  shard: number,
): Promise<{ fence?: Fence; version: number }> {
  const stored = await storage.get(fencePath(shard));
  return stored ? { fence: decodeFence(stored.value), version: stored.version } : { version: 0 };
}

/** The highest epoch in any fence; 0: none. */
export async function highestFence(storage: Storage): Promise<number> {
  let highest = 0;
  let next = 0;
  const reader = async (): Promise<void> => {
    while (next < SHARDS) {
      const { fence } = await readFence(storage, next++);
      highest = Math.max(highest, fence?.epoch ?? 0);
    }
  };
  await Promise.all(Array.from({ length: SHARDS_AT_ONCE }, reader));
  return highest;
}
