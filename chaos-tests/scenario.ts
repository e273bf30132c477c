/**
 * What a scenario is: which nodes, which clients, which faults, and what is asked afterwards.
 *
 * @module
 */
import type { World, WorldOptions } from './sim/world.ts';
import type { Faults } from './workloads/nemesis.ts';

export interface Workload {
  readonly isOver: boolean;
  check(): string[];
  /** Asked once all is well again. */
  finish?(): Promise<void>;
}

export interface Scenario {
  readonly nodes: number;
  readonly kind: WorldOptions['kind'];
  readonly isOpen?: boolean;
  readonly hasPolicies?: boolean;
  readonly hasSpaces?: boolean;
  readonly hasClusterTime?: boolean;
  readonly hasReleases?: boolean;
  /** Nodes begin sealed and are sealed again: one alone in this share, else all of them. */
  readonly sealsAlone?: number;
  readonly faults: Faults;
  readonly faultEveryMs: readonly [number, number];
  /** Faults have ended; within this all is served again (I14), ms. */
  readonly calmMs: number;
  begin(world: World, operations: number): Workload;
}
