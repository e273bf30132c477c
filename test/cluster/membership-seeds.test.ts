import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FAULT } from '../../src/cluster/faults.ts';
import { runDay } from '../support/membership-runs.ts';
import { Violation } from '../support/membership-world.ts';

const FIRST_SEED = Number(process.env.SEED ?? 1);
const SEEDS = 12;
/** Protocol §21: found within 300 seeds. */
const SEEDS_PER_FAULT_MAX = 300;

test(`bad days: no shard has two owners, and all is served again (seeds ${FIRST_SEED} and on)`, async () => {
  const kinds = new Set<string>();
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
    const world = await runDay(seed);
    for (const line of world.history) kinds.add(line.split(' ')[0]!);
  }
  assert.deepEqual([...kinds].sort(), ['activate', 'cancel', 'evict', 'first', 'propose', 'take']);
});

/** Each planted fault of the membership, the invariant that shows it, and the seed that last did: all are tried where that one no longer does. */
const FOUND_BY: Partial<Record<keyof typeof FAULT, readonly [invariant: string, seed: number]>> = {
  evictionWaitSkipped: ['I3', 2],
  evictionWaitBelowDeadline: ['I3', 109],
  evictionWithoutRecordVersion: ['I3', 28],
  countNotRestarted: ['I14', 2],
  evictionMovesLivingShards: ['I11', 5],
  activationWithoutAcknowledgements: ['I3', 1],
  olderViewAccepted: ['I3', 236],
  cancelledNumberReused: ['I11', 1],
  sessionCountedFromArrival: ['I3', 159],
  deadlineIgnored: ['I3', 1],
};

async function finds(seed: number, fault: string, invariant: string): Promise<boolean> {
  try {
    // With so much trouble somebody may be evicted without having earned it (I14), never replaced while he serves.
    const trouble = invariant === 'I14' ? 0.01 : 0.04;
    await runDay(seed, { faults: new Set([fault]), only: [invariant], trouble });
    return false;
  } catch (error) {
    if (!(error instanceof Violation) || !error.message.startsWith(`${invariant}:`)) throw error;
    return true;
  }
}

for (const [name, [invariant, recorded]] of Object.entries(FOUND_BY)) {
  const fault = FAULT[name as keyof typeof FAULT];
  test(`the planted fault ${fault} is found by ${invariant}`, async () => {
    if (await finds(recorded, fault, invariant)) return;
    for (let seed = 1; seed <= SEEDS_PER_FAULT_MAX; seed++) {
      if (!(await finds(seed, fault, invariant))) continue;
      console.log(`${fault}: seed ${recorded} no longer finds it, ${seed} does`);
      return;
    }
    assert.fail(`not found within ${SEEDS_PER_FAULT_MAX} seeds`);
  });
}
