/**
 * Faults of the machine: wall clocks that step, a disk that is full.
 *
 * @module
 */
import { allActive, disturbed, type Fault, sleep } from './fault-context.ts';

const STEPS_S = [-86_400, -3_600, -30, -3, 3, 30, 3_600, 86_400];

/** One node's wall clock steps, and back again a while later. Nothing in the cluster may depend on it. */
const clock: Fault = async ({ cluster, random, machine, say }) => {
  const n = random.int(cluster.nodes.length);
  const seconds = random.pick(STEPS_S);
  const ms = random.between(1_500, 8_000);
  say(`the wall clock of ${cluster.nodes[n]!.id} is off by ${seconds} s for ${ms.toFixed(0)} ms`);
  machine!.clocks!.step(n + 1, seconds);
  await sleep(ms);
  machine!.clocks!.step(n + 1, 0);
  // It sees this within a second.
  await sleep(1_200);
  await allActive(cluster);
};

/** Writes are refused meanwhile, with a reason; nothing acknowledged is lost, and writes work again by themselves. */
const disk: Fault = async (context) => {
  const { cluster, random, machine, say } = context;
  const ms = random.between(1_000, 8_000);
  say(`the disk is full for ${ms.toFixed(0)} ms`);
  await disturbed(context, { kind: 'full' }, async () => {
    machine!.disk!.fill();
    await sleep(ms);
    machine!.disk!.makeRoom();
    await allActive(cluster);
  });
};

export const MACHINE_FAULTS: Readonly<Record<string, Fault>> = { clock, disk };
