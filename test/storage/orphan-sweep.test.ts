import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { STORE_ORPHAN_MS, SWEEP_RETRY_MS } from '../../src/model/limits.ts';
import { makeOrphanSweep } from '../../src/storage/orphan-sweep.ts';
import { makeManualClock } from '../support/manual-clock.ts';

function world() {
  const clock = makeManualClock();
  const state = { isOurs: true, sweeps: 0, faults: 0, ends: undefined as Promise<number> | undefined };
  const orphans = makeOrphanSweep({
    async sweep(signal) {
      state.sweeps++;
      const swept = (await state.ends) ?? 0;
      signal.throwIfAborted();
      return swept;
    },
    isOurs: () => state.isOurs,
    after: clock.after,
    fault: () => state.faults++,
  });
  const pass = async (ms: number) => {
    clock.advance(ms);
    await nextTurn();
  };
  return { clock, state, orphans, pass };
}

test('at once, and then as long after its end as chunks are to be lone', async () => {
  const { state, orphans, pass } = world();
  const { promise, resolve } = Promise.withResolvers<number>();
  state.ends = promise;
  orphans.start();
  orphans.start();
  await pass(0);
  assert.equal(state.sweeps, 1);
  await pass(5 * STORE_ORPHAN_MS);
  assert.equal(state.sweeps, 1);
  resolve(0);
  await nextTurn();
  await pass(STORE_ORPHAN_MS - 1);
  assert.equal(state.sweeps, 1);
  await pass(1);
  assert.equal(state.sweeps, 2);
});

test('what is another node’s to do is looked for again soon, and so is what failed', async () => {
  const { state, orphans, pass } = world();
  state.isOurs = false;
  orphans.start();
  await pass(0);
  state.isOurs = true;
  state.ends = Promise.reject(new Error('away'));
  assert.equal(state.sweeps, 0);
  await pass(SWEEP_RETRY_MS);
  assert.deepEqual([state.sweeps, state.faults], [1, 1]);
  await pass(SWEEP_RETRY_MS);
  assert.equal(state.sweeps, 2);
});

test('a stop breaks off what runs, which is no fault, and nothing comes after it until the next start', async () => {
  const { clock, state, orphans, pass } = world();
  const { promise, resolve } = Promise.withResolvers<number>();
  state.ends = promise;
  orphans.start();
  await pass(0);
  orphans.stop();
  resolve(0);
  await nextTurn();
  assert.deepEqual([state.faults, clock.pending()], [0, 0]);
  orphans.start();
  orphans.stop();
  assert.equal(clock.pending(), 0);
  orphans.start();
  await pass(0);
  assert.equal(state.sweeps, 2);
});
