/**
 * How soon a node that comes back serves, where the store answers, but not always (protocol §20: I14).
 *
 * @module
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withSimulatedGlobals } from '../../chaos-tests/sim/globals.ts';
import type { Weather } from '../../chaos-tests/sim/service.ts';
import { beginWorld, makeWorld } from '../../chaos-tests/sim/world.ts';

const SEEDS = 10;
const GIVES_UP_MS = 120_000;

/** ms until a node that was killed serves again, for each seed; in order. */
async function comebacks(weather: Partial<Weather>): Promise<number[]> {
  const found: number[] = [];
  for (let seed = 1; seed <= SEEDS; seed++) {
    const world = makeWorld({
      seed,
      nodes: 3,
      kind: 'cluster',
      isOpen: true,
      hasPolicies: true,
      hasSpaces: true,
    });
    const { scheduler, nodes, store } = world;
    const last = nodes[2]!;
    const isIn = () => last.member?.isInTime() === true;
    await withSimulatedGlobals(scheduler, async () => {
      // What fails here is the store alone.
      world.isCalm = true;
      await beginWorld(world);
      await scheduler.run(
        () => nodes.every(({ member }) => member?.isInTime()) || scheduler.nowMs > GIVES_UP_MS,
      );
      assert(isIn(), 'three nodes are a cluster');
      last.crash();
      await scheduler.run(() => nodes[0]!.member!.view()!.members.length === 2);
      Object.assign(store.weather, weather);
      const beganMs = scheduler.nowMs;
      last.start();
      await scheduler.run(() => isIn() || scheduler.nowMs > beganMs + GIVES_UP_MS);
      found.push(scheduler.nowMs - beganMs);
    });
  }
  return found.toSorted((a, b) => a - b);
}

const TROUBLES: Readonly<Record<string, Partial<Weather>>> = {
  'whose answers do not arrive': { lostAnswer: 0.3 },
  'that hears late': { late: 0.3 },
  'whose connections break': { broken: 0.4 },
};

for (const [name, weather] of Object.entries(TROUBLES)) {
  test(`a node that was killed serves again soon with a store ${name}, mostly`, async (t) => {
    const ms = await comebacks(weather);
    t.diagnostic(ms.map((each) => `${(each / 1_000).toFixed(1)} s`).join(', '));
    // Once in a while a proposed view runs out, and the next one waits.
    assert(ms[Math.floor(0.6 * SEEDS)]! < 5_000, 'most serve before a proposed view would have run out');
    assert(ms.at(-1)! < 30_000, 'each serves');
  });
}
