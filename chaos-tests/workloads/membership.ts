/**
 * A cluster that is left to itself while nodes come and go, and what is asked of its views (protocol §20: I3, I11, I14).
 *
 * @module
 */
import { SHARDS } from '../../src/actors/places.ts';
import { decodeView, isMember, VIEW_KEY, type View } from '../../src/cluster/view.ts';
import { checkViews } from '../checkers/views.ts';
import type { SimNode, World } from '../sim/world.ts';

/** One operation of the run's measure is so much simulated time. */
const OPERATION_MS = 300;
/** Who may serve is looked at this often besides every turn that changes it. */
const LOOK_MS = 25;
/** An outage of the coordinator so long puts every node out of time. */
const OUTAGE_MS = 2_500;
/** After it, nobody can have been watched long enough to be evicted before. */
const AFTER_OUTAGE_MS = 1_500;

export class MembershipWorkload {
  readonly #world: World;
  readonly #endMs: number;
  #changesSeen = 0;
  #view: View | undefined;
  #awaySinceMs: number | undefined;
  #outageEndedMs = Number.NEGATIVE_INFINITY;

  constructor(world: World, operations: number) {
    this.#world = world;
    this.#endMs = world.scheduler.nowMs + operations * OPERATION_MS;
    world.membershipChanged = () => this.#look();
    this.#again();
  }

  get isOver(): boolean {
    return this.#world.scheduler.nowMs >= this.#endMs;
  }

  #again(): void {
    const { scheduler } = this.#world;
    scheduler.after(LOOK_MS, '', () => {
      this.#look();
      this.#again();
    });
  }

  #look(): void {
    this.#noteOutage();
    this.#seeEvictions();
    const violation = this.#twoOwners();
    if (violation) this.#world.violations.push(violation);
  }

  /** I3: at any instant at most one node is in time and owner of a shard. Nodes that are paused count: they cannot know it. */
  #twoOwners(): string | undefined {
    const serving = this.#world.nodes.filter(({ process, member }) => process.isAlive && member?.isInTime());
    for (const [at, one] of serving.entries()) {
      for (const other of serving.slice(at + 1)) {
        // One view gives a shard to one owner.
        if (one.member!.view() === undefined || one.member!.view()?.epoch === other.member!.view()?.epoch)
          continue;
        const shard = bothServe(one, other);
        if (shard === undefined) continue;
        const names = [one, other].map(
          (node) => `${node.process.name} (epoch ${node.member!.view()!.epoch})`,
        );
        return `I3: at ${this.#world.scheduler.nowMs.toFixed(1)} ${names.join(' and ')} both serve shard ${shard}`;
      }
    }
    return undefined;
  }

  #noteOutage(): void {
    const { coordinator, scheduler } = this.#world;
    if (coordinator.weather.isAway) {
      this.#awaySinceMs ??= scheduler.nowMs;
    } else if (this.#awaySinceMs !== undefined) {
      if (scheduler.nowMs - this.#awaySinceMs > OUTAGE_MS) this.#outageEndedMs = scheduler.nowMs;
      this.#awaySinceMs = undefined;
    }
  }

  /** I3: who is evicted is out of time already. I14: an outage of the coordinator evicts nobody. */
  #seeEvictions(): void {
    const { coordinator, nodes, violations } = this.#world;
    for (; this.#changesSeen < coordinator.changes.length; this.#changesSeen++) {
      const { key, value, atMs, by } = coordinator.changes[this.#changesSeen]!;
      if (key !== VIEW_KEY || !value) continue;
      const before = this.#view;
      const view = decodeView(value);
      this.#view = view;
      // By a proposal one leaves of one's own accord.
      if (!before || before.next?.number === view.epoch) continue;
      for (const { inc } of before.members.filter((one) => !isMember(view, one.inc))) {
        const node = nodes.find(({ member }) => member?.inc() === inc);
        if (!node?.process.isAlive || node.process.name === by) continue;
        const who = `at ${atMs.toFixed(1)} ${by} evicted ${node.process.name}`;
        if (node.member!.isInTime()) violations.push(`I3: ${who}, which is in time`);
        // One that has just gone on was silent for its own pause.
        const { isPaused, resumedMs } = node.process;
        const wasPaused = isPaused || atMs < resumedMs + AFTER_OUTAGE_MS;
        // Who unseals begins a view of its own, once all members of the sealed one have said that they have no keys (protocol §15).
        const isUnsealed = before.sealed && !view.sealed;
        if (!wasPaused && !isUnsealed && atMs < this.#outageEndedMs + AFTER_OUTAGE_MS)
          violations.push(`I14: ${who} for an outage of all`);
      }
    }
  }

  check(): string[] {
    const found = [checkViews(this.#world.coordinator.changes), this.#notServed()];
    return found.filter((violation) => violation !== undefined);
  }

  /** I14: when faults have ended, every shard is served, and nothing is pending. */
  #notServed(): string | undefined {
    const { nodes, coordinator } = this.#world;
    if (!coordinator.records.has(VIEW_KEY)) return 'I14: there is no view';
    for (let shard = 0; shard < SHARDS; shard++) {
      const owners = nodes.filter(({ member }) => member?.isInTime() && member.mayServe(shard));
      if (owners.length !== 1) return `I14: shard ${shard} is served by ${owners.length} nodes`;
    }
    const pending = nodes.find(({ member }) => member?.view()?.next);
    return (
      pending &&
      `I14: proposal ${pending.member!.view()!.next!.number} of epoch ${pending.member!.view()!.epoch} is still pending at ${pending.process.name}`
    );
  }
}

function bothServe({ member: one }: SimNode, { member: other }: SimNode): number | undefined {
  for (let shard = 0; shard < SHARDS; shard++)
    if (one!.mayServe(shard) && other!.mayServe(shard)) return shard;
  return undefined;
}
