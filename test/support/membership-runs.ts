/**
 * Bad days of a cluster's membership, one for each seed: nodes are paused, killed, cut off, told to leave; the coordinator goes away; answers
 * come late or never. A violation of what `World` checks is thrown.
 *
 * @module
 */
import { World, type WorldOptions } from './membership-world.ts';

const CHAOS_MS = 25_000;
/** I14: after the faults end all is served within this. */
const RECOVERY_MS = 10_000;
const NAMES = ['a', 'b', 'c', 'd', 'e'];

/** @throws Violation */
export async function runDay(
  seed: number,
  { faults, only, trouble = 0.01 }: Omit<WorldOptions, 'seed'> = {},
): Promise<World> {
  const world = new World({ seed, faults, trouble, only });
  const { random } = world;
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const names = NAMES.slice(0, 2 + Math.floor(random() * 4));
  const down = new Set<string>();
  const start = (name: string): void => {
    down.delete(name);
    const node = world.start(name);
    // Now and then one never gets done: its proposal has to be cancelled.
    node.drainMs = random() < 0.1 ? Number.POSITIVE_INFINITY : world.between(0, 400);
  };
  for (const name of names) world.at(world.between(0, 1_500), () => start(name));

  const actions: ((name: string, ms: number) => void)[] = [
    (name, ms) => {
      world.pause(name);
      world.at(ms, () => world.nodes.has(name) && world.resume(name));
    },
    (name, ms) => {
      world.crash(name);
      down.add(name);
      world.at(ms, () => start(name));
    },
    (name, ms) => {
      world.cut(name, pick(['requests', 'answers']));
      world.at(ms, () => world.nodes.has(name) && world.cut(name, 'no'));
    },
    (_name, ms) => {
      world.outage = true;
      world.at(ms, () => {
        world.outage = false;
      });
    },
    (name) => {
      const node = world.node(name);
      void node.membership.leave().then(() => {
        if (world.nodes.get(name) !== node) return;
        world.crash(name);
        down.add(name);
        world.at(500, () => start(name));
      });
    },
    (name) => world.node(name).stepWall(world.between(-2_000, 2_000)),
    (name) => {
      world.node(name).weight = pick([0.5, 1, 2]);
    },
  ];
  const act = (): void => {
    world.at(world.between(200, 1_800), act);
    if (world.now > CHAOS_MS) return;
    const able = [...world.nodes.values()].filter(({ paused, cut }) => !paused && cut === 'no');
    if (able.length > 0) pick(actions)(pick(able).name, world.between(200, 6_000));
  };
  act();
  await world.run(CHAOS_MS + 7_000);
  for (const node of world.nodes.values()) {
    node.drainMs = 5;
    if (node.paused) world.resume(node.name);
    if (node.cut !== 'no') world.cut(node.name, 'no');
  }
  world.outage = false;
  world.trouble = 0;
  const until = world.now + RECOVERY_MS;
  while (!world.isAllServed()) {
    if (world.now > until) {
      world.violated(`I14: not all is served\n${world.describe()}`);
      break;
    }
    await world.run(50);
  }
  return world;
}
