/**
 * Whether this node has its keys, and the sealing of the whole cluster: the view says so, each member wipes its keys and says so in its record, the
 * silent are evicted (protocol §15).
 *
 * @module
 */
import type { Clock } from '../model/clock.ts';
import type { Coordinator } from '../model/coordinator.ts';
import { FAULT, type Faults } from './faults.ts';
import type { MembershipHooks } from './membership-hooks.ts';
import { sealView } from './retire.ts';
import type { Seen } from './seen.ts';

export interface SealingOptions {
  readonly clock: Clock;
  readonly coordinator: Coordinator;
  readonly hooks: MembershipHooks;
  readonly seen: Seen;
  /** The record has something new to say. */
  publish(): void;
  readonly faults?: Faults;
}

export interface Sealing {
  /** It must not serve. */
  isSealed(): boolean;
  /** No keys are in memory, nor on their way there. */
  isWiped(): boolean;
  /** See Membership. True: `isWiped` is another now. */
  expectKeys(expected: boolean): boolean;
  unseal(): void;
  /** Sealed from this turn on; the keys go as soon as the hook has wiped them. */
  seal(): void;
  /** Something new was seen. */
  look(): void;
  /** Somebody waits for all members to say that they are sealed. */
  isAwaited(): boolean;
  /** Resolves when no node that is left has keys; at once where there is no view. */
  sealCluster(): Promise<void>;
}

export function makeSealing(options: SealingOptions): Sealing {
  const { clock, coordinator, hooks, seen, publish, faults } = options;
  let sealed = true;
  let wiped = true;
  /** Who waits, and for the seal by which version of the view. */
  const waiting = new Map<() => void, number>();

  function isDone(version: number): boolean {
    const held = seen.held();
    if (!held || held.version < version) return false;
    // Unsealed since: that took until all were sealed.
    if (!held.view.sealed || faults?.has(FAULT.sealNotWaitedFor)) return true;
    const isWiped = (inc: string): boolean => seen.sightings.get(inc)?.record?.sealed === true;
    if (!held.view.members.every(({ inc }) => isWiped(inc))) return false;
    // Who was given keys and has not joined yet. One that is silent is as one that was evicted.
    for (const inc of seen.sightings.all().keys()) if (!isWiped(inc) && seen.isAlive(inc)) return false;
    return true;
  }

  function look(): void {
    for (const [resolve, version] of [...waiting]) {
      if (!isDone(version)) continue;
      waiting.delete(resolve);
      resolve();
    }
  }

  return {
    isSealed: () => sealed,
    isWiped: () => wiped,
    expectKeys(expected) {
      if (!sealed || wiped === !expected) return false;
      wiped = !expected;
      return true;
    },
    unseal() {
      sealed = false;
      wiped = false;
    },
    seal() {
      sealed = true;
      hooks.onSealed().then(
        () => {
          // Unsealed again meanwhile: there are new keys.
          if (!sealed) return;
          wiped = true;
          publish();
        },
        (error: unknown) => hooks.fault('the keys could not be wiped', error),
      );
    },
    look,
    isAwaited: () => waiting.size > 0,
    async sealCluster() {
      const version = await sealView(coordinator, clock);
      if (version === undefined) return;
      const done = new Promise<void>((resolve) => {
        waiting.set(resolve, version);
      });
      look();
      return done;
    },
  };
}
