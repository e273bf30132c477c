import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FAULT } from '../../../src/cluster/faults.ts';
import { runGrantsDay } from '../../support/grants-runs.ts';
import { GrantsViolation } from '../../support/grants-world.ts';

const FIRST_SEED = Number(process.env.SEED ?? 1);
const SEEDS = Number(process.env.SEEDS ?? 12);
/** Protocol §21: found within 300 seeds. */
const SEEDS_PER_FAULT_MAX = 300;

test(`bad days: nothing old is answered, nothing starts under what was changed (seeds ${FIRST_SEED} and on)`, async () => {
  const sum = { replicaReads: 0, starts: 0, acknowledged: 0, evictions: 0 };
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
    const { counts, nodes } = await runGrantsDay(seed);
    for (const name of Object.keys(sum) as (keyof typeof sum)[]) sum[name] += counts[name];
    assert.deepEqual(
      nodes.flatMap(({ faults }) => faults),
      [],
      `seed ${seed}: nothing of ours failed`,
    );
  }
  // What is never done is never done wrong.
  assert(sum.replicaReads > SEEDS * 500, `${sum.replicaReads} reads of replicas`);
  assert(sum.starts > SEEDS * 100, `${sum.starts} starts on other nodes`);
  assert(sum.acknowledged > SEEDS * 30, `${sum.acknowledged} changes`);
  assert(sum.evictions > SEEDS, `${sum.evictions} evictions`);
});

/** Each planted fault of grants, and the seed that last found it: all are tried where that one no longer does. */
const FOUND_BY = {
  invalidationNotAwaited: 1,
  oldEndAnswerCounts: 24,
  endLeavesOpenAsk: 8,
  linkCountedFromArrival: 7,
  grantOutlivesDeadline: 28,
  stampCountedFromAsking: 16,
  pinsIgnored: 1,
  evictedKeepsReplicas: 1,
} satisfies Partial<Record<keyof typeof FAULT, number>>;

async function finds(seed: number, fault: string): Promise<boolean> {
  try {
    await runGrantsDay(seed, new Set([fault]));
    return false;
  } catch (error) {
    if (!(error instanceof GrantsViolation)) throw error;
    return true;
  }
}

for (const [name, recorded] of Object.entries(FOUND_BY)) {
  const fault = FAULT[name as keyof typeof FOUND_BY];
  test(`the planted fault ${fault} is found`, async () => {
    if (await finds(recorded, fault)) return;
    for (let seed = 1; seed <= SEEDS_PER_FAULT_MAX; seed++) {
      if (!(await finds(seed, fault))) continue;
      console.log(`${fault}: seed ${recorded} no longer finds it, ${seed} does`);
      return;
    }
    assert.fail(`not found within ${SEEDS_PER_FAULT_MAX} seeds`);
  });
}
