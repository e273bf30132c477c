/**
 * Bad days of grants, one for each seed: nodes stand still, are cut off from each other one way or from the coordinator, give shards away;
 * all the while everybody writes, reads, and authorizes. A violation of what `grants-world.ts` checks is thrown.
 *
 * @module
 */

import type { Faults } from '../../src/cluster/faults.ts';
import { actorKey } from '../../src/model/actor.ts';
import type { GrantsNode } from './grants-node.ts';
import { GrantsViolation, type GrantsWorld, makeGrantsWorld, shardOfId } from './grants-world.ts';

const CHAOS_MS = 15_000;
const RECOVERY_MS = 6_000;

/** @throws GrantsViolation */
export async function runGrantsDay(seed: number, faults?: Faults): Promise<GrantsWorld> {
  const world = makeGrantsWorld({ seed, faults });
  const { random, scheduler } = world;
  let isOver = false;

  function work(node: GrantsNode): void {
    if (isOver) return;
    node.process.later(random.between(1, 12), '', () => work(node));
    const id = random.pick(world.ids);
    const dice = random.float();
    if (dice < 0.06) {
      if (node.owns(id) && node.isInTime()) void node.write(id);
    } else if (dice < 0.16) {
      const others = world.nodes.filter((other) => other !== node && !other.owns(id));
      if (others.length > 0) void node.sendUnder(id, random.pick(others));
    } else {
      node.read(id);
    }
  }

  const nemeses: ((node: GrantsNode, ms: number) => void)[] = [
    (node, ms) => {
      world.tell(`${node.process.name} stands still for ${ms} ms`);
      node.process.pause();
      scheduler.after(ms, '', () => node.process.resume());
    },
    (node, ms) => {
      node.isCutOff = true;
      scheduler.after(ms, '', () => {
        node.isCutOff = false;
      });
    },
    (node, ms) => {
      const other = random.pick(world.nodes.filter((one) => one !== node));
      const mend = world.network.cut(node.process.name, other.process.name);
      scheduler.after(ms, '', mend);
    },
    (node) => giveAway(node),
    (node) => giveAway(node),
  ];

  /** A drain that is acknowledged moves the shard; one that takes too long is cancelled. */
  function giveAway(node: GrantsNode): void {
    const owned = world.ids.filter((id) => node.owns(id));
    const before = world.view();
    const heirs = before.members.filter(({ inc }) => inc !== node.inc());
    if (owned.length === 0 || heirs.length === 0) return;
    const id = random.pick(owned);
    const heir = random.pick(heirs).inc;
    const life = node.inc();
    node.process.later(random.between(0, 3), '', () => {
      if (node.inc() !== life || !node.owns(id)) return;
      const cancel = node.process.later(5_000, '', () => node.undrain());
      void node.drain(id).then((isDrained) => {
        if (!isDrained) return;
        scheduler.after(random.between(0, 3), '', () => {
          if (world.view().epoch !== before.epoch || node.inc() !== life) return;
          cancel.cancel();
          const shards = [...before.shards];
          shards[shardOfId(id)] = heir;
          world.setView({ ...before, epoch: before.epoch + 1, shards });
        });
      });
    });
  }

  function trouble(): void {
    if (isOver) return;
    scheduler.after(random.between(50, 700), '', trouble);
    const ms = random.chance(0.3) ? random.between(1_000, 4_000) : random.between(20, 900);
    random.pick(nemeses)(random.pick(world.nodes), Math.min(ms, CHAOS_MS - scheduler.nowMs));
  }

  for (const node of world.nodes) scheduler.after(50, '', () => work(node), node.process);
  scheduler.after(1_000, '', trouble);
  await world.run(CHAOS_MS);
  isOver = true;
  await world.run(RECOVERY_MS);
  await readEverywhere(world);
  return world;
}

/** I14: what is asked for is granted, and is the newest, and changes go through. */
async function readEverywhere(world: GrantsWorld): Promise<void> {
  for (const node of world.nodes) node.undrain();
  const unread = () =>
    world.nodes.flatMap((node) => world.ids.filter((id) => node.read(id) === undefined).map(actorKey));
  await world
    .until(() => unread().length === 0, 5_000)
    .catch((error: unknown) => {
      if (error instanceof GrantsViolation) throw error;
      throw new Error(`seed ${world.seed}: not read everywhere: ${unread()}`);
    });
  for (const id of world.ids) {
    const owner = world.nodes.find((node) => node.owns(id))!;
    const before = world.latest(actorKey(id));
    // Now and then a commit's outcome is not known.
    const again = () => void owner.write(id).then((done) => done || owner.process.later(50, '', again));
    again();
    await world
      .until(() => world.latest(actorKey(id)) > before, 3_000)
      .catch((error: unknown) => {
        if (error instanceof GrantsViolation) throw error;
        throw new Error(`seed ${world.seed}: no change of ${actorKey(id)} goes through`);
      });
  }
}
