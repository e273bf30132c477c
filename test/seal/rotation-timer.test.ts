import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ROTATION_LOOK_MS } from '../../src/model/limits.ts';
import { makeRotationTimer } from '../../src/seal/rotation-timer.ts';

test('looks again and again, also after a fault, until it is stopped', async () => {
  const planned: { run(): void; ms: number }[] = [];
  const faults: unknown[] = [];
  let looks = 0;
  const timer = makeRotationTimer({
    clock: {
      after(run, ms) {
        const plan = { run, ms };
        planned.push(plan);
        return { clear: () => void planned.splice(planned.indexOf(plan), 1) };
      },
    },
    async rotateIfDue() {
      if (++looks === 1) throw new Error('the store is away');
    },
    fault: (_what, error) => faults.push(error),
  });
  timer.start();
  for (let round = 0; round < 3; round++) {
    const plan = planned.shift()!;
    assert.equal(plan.ms, ROTATION_LOOK_MS);
    plan.run();
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(looks, 3);
  assert.equal(faults.length, 1);
  await timer.stop();
  assert.equal(planned.length, 0);
});
