/**
 * A node's part in a proposed view: it gives away what the proposal takes from it, or makes itself ready for what it gets, and then says
 * so in its record (protocol §4, "Acknowledging `number` means").
 *
 * @module
 */
import type { MembershipHooks } from './membership-hooks.ts';
import type { Sightings } from './sightings.ts';
import { isMember, shardsLostBy, shardsOf, type View } from './view.ts';

export interface AcknowledgementOptions {
  readonly hooks: MembershipHooks;
  readonly sightings: Sightings;
  inc(): string;
  /** The record has something new to say. */
  publish(): void;
}

export interface Acknowledgement {
  /** The last number acknowledged in this life; 0: none. */
  number(): number;
  /** It gives this shard away: it neither serves nor claims it until it sees a newer view record. */
  isGivenAway(shard: number): boolean;
  /** To be called with each view record and with each look at the others. */
  see(view: View): void;
  /** The last member leaves: nobody takes over, all is given away. Resolves when that is done. */
  leaveAlone(view: View): Promise<void>;
  /** This life is over. */
  reset(): void;
}

interface Preparing {
  readonly number: number;
  readonly shards: ReadonlySet<number>;
  readonly abort: AbortController;
  /** A joiner's turn comes after the others'. */
  waits: boolean;
}

export function makeAcknowledgement(options: AcknowledgementOptions): Acknowledgement {
  const { hooks, sightings } = options;
  let acknowledged = 0;
  let preparing: Preparing | undefined;

  function drop(): void {
    preparing?.abort.abort();
    preparing = undefined;
  }

  function begin(number: number, shards: readonly number[], waits: boolean): Preparing {
    drop();
    preparing = { number, shards: new Set(shards), abort: new AbortController(), waits };
    return preparing;
  }

  /** Acknowledges once `work` is done, unless the proposal has been dropped meanwhile. */
  function acknowledgeAfter(mine: Preparing, work: Promise<unknown>): void {
    work.then(
      () => {
        if (preparing !== mine) return;
        acknowledged = mine.number;
        options.publish();
      },
      (error: unknown) => {
        // Not acknowledged, it will be cancelled; the next one may go better.
        if (preparing === mine) hooks.fault('a proposed view could not be prepared', error);
      },
    );
  }

  /** Members of the view as it is have all acknowledged. */
  function haveOthers(view: View, number: number): boolean {
    return view.members.every(({ inc }) => sightings.get(inc)?.record?.ack === number);
  }

  return {
    number: () => acknowledged,
    isGivenAway: (shard) => preparing?.shards.has(shard) === true,
    see(view) {
      const { next } = view;
      const inc = options.inc();
      if (!next) return drop();
      if (preparing?.number !== next.number) {
        const isOld = isMember(view, inc);
        const isNew = isMember(next, inc);
        if (!isOld && !isNew) return drop();
        const mine = begin(next.number, shardsLostBy(view, inc), !isOld);
        if (isOld) {
          const { signal } = mine.abort;
          hooks.expectJoiners(next.members.filter((member) => !isMember(view, member.inc)));
          const drained = hooks.drainShards([...mine.shards], signal);
          acknowledgeAfter(mine, isNew ? drained : Promise.all([drained, hooks.closeDoor(signal)]));
        }
      }
      if (preparing?.waits && haveOthers(view, next.number)) {
        preparing.waits = false;
        acknowledgeAfter(preparing, hooks.catchUp(preparing.abort.signal));
      }
    },
    async leaveAlone(view) {
      const mine = begin(-1, shardsOf(view, options.inc()), false);
      const { signal } = mine.abort;
      await Promise.all([hooks.drainShards([...mine.shards], signal), hooks.closeDoor(signal)]);
    },
    reset() {
      drop();
      acknowledged = 0;
    },
  };
}
