/**
 * This node's membership, from its first record to its last: lives (sessions) one after the other, the view as it is known here, and what
 * follows from it for this node (protocol §2, §4). Everything it goes by is handed in.
 *
 * @module
 */
import type { CoordinatorRecords } from '../model/coordinator.ts';
import { makeAcknowledgement } from './acknowledgement.ts';
import { makeEntering } from './entering.ts';
import { makeFlaps } from './flaps.ts';
import { makeHold } from './hold.ts';
import type { KeeperSees } from './keeper.ts';
import { makeKeeping } from './keeping.ts';
import { lookEvery, makeLooking } from './looking.ts';
import type { MemberRecord } from './member-record.ts';
import type { Membership, MembershipOptions } from './membership-interface.ts';
import { BadRecord } from './record-fields.ts';
import { retireQuietly } from './retire.ts';
import { makeSealing } from './sealing.ts';
import { makeSeen } from './seen.ts';
import { makeSession, type Session } from './session.ts';
import { checkTimes, USUAL_TIMES } from './times.ts';
import { isMember, ownerOf, type View } from './view.ts';

export type { Membership, MembershipOptions } from './membership-interface.ts';

export function makeMembership(options: MembershipOptions): Membership {
  const { clock, coordinator, hooks, log, faults } = options;
  const times = options.times ?? USUAL_TIMES;
  const flaps = makeFlaps(log);
  const seen = makeSeen({
    clock,
    times,
    faults,
    locks: coordinator.locks,
    inTimeSinceMs: () => session?.inTimeSinceMs() ?? Number.POSITIVE_INFINITY,
  });
  const { sightings, held } = seen;
  let inc = '';
  let session: Session | undefined;
  let looks = 0;
  let leaving = false;
  let leavingAlone = false;
  let over: (() => void) | undefined;

  const observation = { nextLook: () => ++looks, observed };
  const acknowledgement = makeAcknowledgement({ clock, hooks, sightings, inc: () => inc, publish });
  const sealing = makeSealing({ clock, coordinator, hooks, seen, publish, faults });
  const hold = makeHold(clock, times.holdMs, isInTime);
  const parts = { clock, coordinator, log };
  const entering = makeEntering({
    clock,
    hooks,
    isWanted: () => !sealing.isSealed() && !leaving && session !== undefined && session.version() !== 0,
    prepared: publish,
    enteredLate,
  });
  const keepingParts = {
    ...parts,
    ...observation,
    highestFence: () => hooks.highestFence(),
    fault: (what: string, error: unknown) => hooks.fault(what, error),
    sees,
  };
  let keeping = makeKeeping(keepingParts);
  let looking: ReturnType<typeof makeLooking> | undefined;

  function publish(): void {
    session?.publish();
  }

  function describe(): Omit<MemberRecord, 'beat'> {
    const view = held()?.view;
    const isIn = view !== undefined && isMember(view, inc) && entering.isEntered();
    return {
      ...options.describe(),
      state: sealing.isSealed() ? 'sealed' : leaving ? 'leaving' : isIn ? 'member' : 'joining',
      ready: entering.isReady(),
      ack: acknowledgement.number(),
      unreachable: hooks.unreachable(),
      sealed: sealing.isWiped(),
      clusterTime: Math.max(0, Math.round(hooks.clusterTimeMs())),
    };
  }

  // Lives

  function live(): void {
    inc = Buffer.from(options.randomBytes(16)).toString('hex');
    coordinator.locks?.hold(inc);
    session = makeSession({
      ...parts,
      ...observation,
      inc,
      times,
      faults,
      describe,
      evicted,
      changed: timeChanged,
    });
    entering.prepare();
  }

  /** Nothing of this life is used any more; what it owned may be somebody else's. */
  function endLife(): void {
    session?.end();
    coordinator.locks?.release(inc);
    acknowledgement.reset();
    entering.stop();
    leavingAlone = false;
    hooks.onEvicted();
  }

  function evicted(): void {
    if (!session) return;
    log.warn('evicted', { inc });
    endLife();
    timeChanged();
    if (leaving) retireAndFinish(inc);
    else live();
  }

  function startAnew(): void {
    const life = inc;
    endLife();
    if (!session) return;
    void retireQuietly(coordinator, hooks, life);
    live();
  }

  /** Where that takes long, this node may have been stopped meanwhile, and started again: that life goes on. */
  function retireAndFinish(life: string): void {
    const ended = session;
    void retireQuietly(coordinator, hooks, life).then(() => {
      if (session === ended) finish();
    });
  }

  function finish(): void {
    session = undefined;
    looking?.stop();
    keeping.stop();
    over?.();
  }

  // What is seen

  function observed(records: CoordinatorRecords, look: number): boolean {
    if (!session) return false;
    let view: View | undefined;
    try {
      const { before, after } = seen.observe(records, look);
      view = after?.view;
      if (!after && before && isMember(before.view, inc)) {
        // An operator deleted the view: nobody is a member of nothing.
        evicted();
        return false;
      }
      if (after && after !== before && !adopt(before?.view, after.view)) return false;
    } catch (error) {
      if (!(error instanceof BadRecord)) throw error;
      hooks.fault('the view record is not valid', error);
      return false;
    }
    if (view) acknowledgement.see(view);
    if (view) seeLeaving(view);
    sealing.look();
    entering.prepare();
    queueMicrotask(() => {
      keeping.consider();
      looking?.consider();
    });
    return true;
  }

  /** False: this life is over. */
  function adopt(before: View | undefined, view: View): boolean {
    flaps.see(before, view, sightings, clock.monotonicMs());
    if (view.sealed && before && !before.sealed) sealNow();
    const was = before !== undefined && isMember(before, inc);
    const is = isMember(view, inc);
    const isAcknowledged = acknowledgement.number() === view.epoch;
    if (was && !is) {
      if (leaving && isAcknowledged) left();
      else evicted();
      return false;
    }
    const mayEnter = is && !entering.isEntered() && !sealing.isSealed() && !view.sealed;
    // As a joiner, whose acknowledgement says that it has caught up. A member that is still about to has acknowledged less.
    if (mayEnter && isAcknowledged && !was) entering.enter();
    acknowledgement.see(view);
    hooks.onView(view, entering.isEntered());
    if (mayEnter && !entering.isEntered()) entering.enterLate();
    return true;
  }

  function enteredLate(): void {
    const view = held()?.view;
    if (view) hooks.onView(view, true);
    publish();
    timeChanged();
  }

  // Leaving and sealing

  function seeLeaving(view: View): void {
    if (!leaving || leavingAlone) return;
    if (!isMember(view, inc)) left();
    else if (view.members.length === 1 && !view.next) leaveAlone(view);
  }

  function leaveAlone(view: View): void {
    leavingAlone = true;
    const mine = session;
    void acknowledgement.leaveAlone(view).then((done) => {
      if (session !== mine) return;
      leavingAlone = false;
      if (done) left();
    });
  }

  /** Everything is given away: the record goes, and with the last member the view's members. */
  function left(): void {
    const life = inc;
    endLife();
    session = undefined;
    retireAndFinish(life);
  }

  function sealNow(): void {
    entering.stop();
    sealing.seal();
    timeChanged();
  }

  // Asked by others

  function isInTime(): boolean {
    return entering.isEntered() && session?.isInTime() === true;
  }

  function timeChanged(): void {
    hold.look();
    hooks.onTimeChanged?.();
  }

  function sees(fenceEpoch: number | undefined): KeeperSees | undefined {
    if (!session?.isInTime()) return undefined;
    return {
      seen,
      self: inc,
      me: describe(),
      nowMs: clock.monotonicMs(),
      flaps,
      protocolMax: options.protocolMax ?? Number.POSITIVE_INFINITY,
      fenceEpoch,
      times,
      faults,
    };
  }

  function lookWanted(): number | undefined {
    const view = held()?.view;
    return view && session && lookEvery(view, inc, sealing.isAwaited(), seen.isAlive);
  }

  return {
    start() {
      checkTimes(times, coordinator, faults);
      leaving = false;
      keeping.stop();
      keeping = makeKeeping(keepingParts);
      live();
      looking = makeLooking({ ...parts, ...observation, wanted: lookWanted });
    },
    setSealed(sealed) {
      if (sealed === sealing.isSealed()) return;
      if (!sealed) {
        sealing.unseal();
        entering.prepare();
        publish();
        return;
      }
      sealNow();
      // Only who has left may do so in peace; else it gives up what it owned, as if evicted.
      const view = held()?.view;
      if (view && isMember(view, inc)) startAnew();
    },
    expectKeys(expected) {
      if (sealing.expectKeys(expected)) publish();
    },
    inc: () => inc,
    view: () => held()?.view,
    lookNow: async () => (await looking?.now()) === true,
    members() {
      const found = new Map<string, MemberRecord>();
      for (const [who, { record }] of sightings.all()) if (record) found.set(who, record);
      return found;
    },
    isBeating: seen.isBeating,
    silenceMs: seen.silenceMs,
    isAlive: seen.isAlive,
    isInTime,
    deadlineMs: () => session?.deadlineMs() ?? Number.NEGATIVE_INFINITY,
    whenInTime: hold.wait,
    mayServe(shard) {
      const view = held()?.view;
      const isOwner = view !== undefined && ownerOf(view, shard) === inc;
      return entering.isEntered() && isOwner && !acknowledgement.isGivenAway(shard);
    },
    isGivenAway: (shard) => acknowledgement.isGivenAway(shard),
    publish,
    leave() {
      if (!session) return Promise.resolve();
      leaving = true;
      const done = new Promise<void>((resolve) => {
        over = resolve;
      });
      publish();
      const view = held()?.view;
      if (view) seeLeaving(view);
      else left();
      return done;
    },
    async stop() {
      if (!session) return;
      const life = inc;
      leaving = true;
      endLife();
      finish();
      await retireQuietly(coordinator, hooks, life);
    },
    sealCluster() {
      const done = sealing.sealCluster();
      looking?.consider();
      return done;
    },
  };
}
