/**
 * Nodes that open and close while they crash, stand still and lose sight of each other, drawn from seeds: a seal leaves no keys, and
 * afterwards shares open all again.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeRandom, type Random } from '../../chaos-tests/sim/random.ts';
import { FAULT, type Faults } from '../../src/cluster/faults.ts';
import { EVICTION_SILENCE_MS } from '../../src/model/limits.ts';
import { makeOpeningWorld, type OpeningWorld } from '../support/opening-world.ts';

const ALL = ['n1', 'n2', 'n3'];
const SEEDS = 20;
const STEPS = 12;

/** One run. @throws with its seed. */
async function run(seed: number, plant?: Faults): Promise<void> {
  const world = makeOpeningWorld(seed, plant);
  const random = makeRandom(seed).fork('steps');
  await world.start(...ALL);
  const { keys } = await world.do('n1', ({ opening }) => opening.init({ shares: 3, threshold: 2 }));
  for (const key of keys.slice(0, 2)) await world.do('n2', ({ opening }) => opening.unseal(key));
  /** When each was last in trouble: what it does then is what a silent node does. */
  const trouble = new Map(ALL.map((name) => [name, 0]));
  for (const { weather } of [world.store, world.coordinator])
    Object.assign(weather, { lostQuestion: 0.01, lostAnswer: 0.02, late: 0.005 });
  for (let n = 0; n < STEPS; n++) await step(world, random, keys, trouble);
  for (const { weather } of [world.store, world.coordinator])
    Object.assign(weather, { lostQuestion: 0, lostAnswer: 0, late: 0 });
  await mend(world);
  await world.pass(20_000);
  // Whatever state they are in, shares given to each open it.
  for (const name of ALL)
    for (const key of keys.slice(0, 2)) await world.do(name, ({ opening }) => opening.unseal(key));
  await world.until(() => world.allOpen(...ALL), 'all nodes are open');
  for (const name of ALL) assert.equal(await world.hello(name), 'hello');
  await world.do('n3', ({ opening }) => opening.rotate());
  const terms = new Set(ALL.map((name) => world.node(name).seal.keyStatus().term));
  assert.equal(terms.size, 1);
}

async function step(
  world: OpeningWorld,
  random: Random,
  keys: Uint8Array[],
  trouble: Map<string, number>,
): Promise<void> {
  const name = random.pick(ALL);
  const { process } = world.node(name);
  const isUp = process.isAlive && !process.isPaused;
  const inTrouble = (who: string) => void trouble.set(who, world.scheduler.nowMs);
  switch (
    random.pick(['crash', 'pause', 'away', 'cut', 'seal', 'seal', 'share', 'share', 'node', 'rotate'])
  ) {
    case 'crash':
      inTrouble(name);
      if (process.isAlive) world.crash(name);
      else await world.start(name);
      break;
    case 'pause':
      inTrouble(name);
      if (process.isPaused) process.resume();
      else process.pause();
      break;
    case 'away': {
      const { weather } = world.coordinator;
      weather.isAway = !weather.isAway;
      break;
    }
    case 'cut': {
      const other = random.pick(ALL.filter((one) => one !== name));
      const mendCut = world.network.cut(`peer-${name}`, `peer-${other}`);
      world.scheduler.after(random.between(10, 5_000), 'mend', mendCut);
      break;
    }
    case 'seal': {
      if (!isUp || !world.allOpen(name)) break;
      const sealing = world.begin(name, ({ opening }) => opening.seal());
      await waitFor(world, () => sealing.done, 10_000);
      if (sealing.done && !sealing.error) {
        const calm = ALL.filter((one) => {
          const { process: its } = world.node(one);
          const isCalm = world.scheduler.nowMs - trouble.get(one)! > 2 * EVICTION_SILENCE_MS;
          return its.isAlive && !its.isPaused && isCalm && !world.coordinator.weather.isAway;
        });
        assert(world.allWiped(...calm), `keys are left after a seal on one of ${calm}`);
      }
      break;
    }
    case 'share':
      if (isUp) world.begin(name, ({ opening }) => opening.unseal(random.pick(keys)));
      break;
    case 'node':
      if (isUp) world.begin(name, ({ opening }) => opening.seal({ nodeOnly: true }));
      break;
    case 'rotate':
      if (isUp && world.allOpen(name)) world.begin(name, ({ opening }) => opening.rotate());
  }
  await world.pass(random.between(1, 3_000));
}

async function waitFor(world: OpeningWorld, is: () => boolean, ms: number): Promise<void> {
  const end = world.scheduler.nowMs + ms;
  await world.scheduler.run(() => is() || world.scheduler.nowMs > end);
}

async function mend(world: OpeningWorld): Promise<void> {
  world.coordinator.weather.isAway = false;
  await world.pass(5_000);
  for (const name of ALL) {
    const { process } = world.node(name);
    if (process.isPaused) process.resume();
    if (!process.isAlive) await world.start(name);
  }
}

test(`seals leave no keys, and shares open all again, in ${SEEDS} runs with faults`, async () => {
  const first = Number(process.env.SEED ?? 1);
  const count = Number(process.env.SEEDS ?? (process.env.SEED ? 1 : SEEDS));
  for (let seed = first; seed < first + count; seed++) {
    try {
      await run(seed);
    } catch (error) {
      throw new Error(`SEED=${seed}: ${(error as Error).message}`, { cause: error });
    }
  }
});

test('planted: a seal that does not wait for the others is found', async () => {
  const plant = new Set([FAULT.sealNotWaitedFor]);
  let found = 0;
  for (let seed = 1; seed <= 2 * SEEDS && found === 0; seed++)
    await run(seed, plant).catch((error: Error) => {
      assert.match(error.message, /keys are left/);
      found = seed;
    });
  assert(found > 0);
});
