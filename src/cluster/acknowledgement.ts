/**
 * A node's part in a proposed view: it gives away what the proposal takes from it, or makes itself ready for what it gets, and then says
 * so in its record (protocol §4, "Acknowledging `number` means").
 *
 * @module
 */
import type { Clock } from '../model/clock.ts';
import type { MembershipHooks } from './membership-hooks.ts';
import type { Sightings } from './sightings.ts';
import { tryUntilDone } from './try-until-done.ts';
import { isMember, shardsLostBy, shardsOf, type View } from './view.ts';

export interface AcknowledgementOptions {
  readonly clock: Clock;
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
  /** The last member leaves: nobody takes over, all is given away. True when that is done, false: a newer record came between. */
  leaveAlone(view: View): Promise<boolean>;
  /** This life is over. */
  reset(): void;
}

interface Preparing {
  readonly number: number;
  readonly shards: ReadonlySet<number>;
  readonly abort: AbortController;
  /** A joiner's turn comes after the others'. */
  waits: boolean;
  /** From now on its shards are not served. */
  gives: boolean;
}

/** No proposal's number. */
const ALONE = -1;

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
    preparing = { number, shards: new Set(shards), abort: new AbortController(), waits, gives: false };
    return preparing;
  }

  /** Acknowledges once `work` is done, unless the proposal has been dropped meanwhile. */
  function acknowledgeAfter(mine: Preparing, work: (signal: AbortSignal) => Promise<unknown>): void {
    void tried(mine, work).then((done) => {
      if (!done || preparing !== mine) return;
      acknowledged = mine.number;
      options.publish();
    });
  }

  function tried(mine: Preparing, work: (signal: AbortSignal) => Promise<unknown>): Promise<boolean> {
    const parts = { clock: options.clock, fault: (what: string, error: unknown) => hooks.fault(what, error) };
    return tryUntilDone(parts, 'a proposed view could not be prepared', mine.abort.signal, work);
  }

  /**
   * Gives its shards away. A leaver first closes its door, and serves until all that was let in is answered: those requests may need the
   * very shards, and would wait for a view that waits for them.
   */
  async function drain(mine: Preparing, leaves: boolean, signal: AbortSignal): Promise<void> {
    if (leaves) await hooks.closeDoor(signal);
    signal.throwIfAborted();
    mine.gives = true;
    await hooks.drainShards([...mine.shards], signal);
  }

  /** Members of the view as it is have all acknowledged. */
  function haveOthers(view: View, number: number): boolean {
    return view.members.every(({ inc }) => sightings.get(inc)?.record?.ack === number);
  }

  return {
    number: () => acknowledged,
    isGivenAway: (shard) => preparing?.gives === true && preparing.shards.has(shard),
    see(view) {
      const { next } = view;
      const inc = options.inc();
      if (!next) {
        if (preparing?.number !== ALONE) drop();
        return;
      }
      if (preparing?.number !== next.number) {
        const isOld = isMember(view, inc);
        const isNew = isMember(next, inc);
        if (!isOld && !isNew) return drop();
        const mine = begin(next.number, shardsLostBy(view, inc), !isOld);
        if (isOld) {
          hooks.expectJoiners(next.members.filter((member) => !isMember(view, member.inc)));
          acknowledgeAfter(mine, (signal) => drain(mine, !isNew, signal));
        }
      }
      if (preparing?.waits && haveOthers(view, next.number)) {
        preparing.waits = false;
        acknowledgeAfter(preparing, (signal) => hooks.catchUp(signal));
      }
    },
    leaveAlone(view) {
      const mine = begin(ALONE, shardsOf(view, options.inc()), false);
      return tried(mine, (signal) => drain(mine, true, signal));
    },
    reset() {
      drop();
      acknowledged = 0;
    },
  };
}
