/**
 * This node's membership, from its first record to its last: lives (sessions) one after the other, the view as it is known here, and what
 * follows from it for this node (protocol §2, §4). Everything it goes by is handed in.
 *
 * @module
 */
import type { CoordinatorRecords } from '../model/coordinator.ts';
import { KEEPER_LOOK_MS, MEMBER_LOOK_MS, PENDING_LOOK_MS } from '../model/limits.ts';
import { makeAcknowledgement } from './acknowledgement.ts';
import { makeFlaps } from './flaps.ts';
import { makeHold } from './hold.ts';
import type { KeeperSees } from './keeper.ts';
import { makeKeeping } from './keeping.ts';
import { makeLooking } from './looking.ts';
import type { MemberRecord } from './member-record.ts';
import type { MembershipHooks } from './membership-hooks.ts';
import type { Membership, MembershipOptions } from './membership-interface.ts';
import { BadRecord } from './record-fields.ts';
import { retire } from './retire.ts';
import { makeSealing } from './sealing.ts';
import { makeSeen } from './seen.ts';
import { makeSession, type Session } from './session.ts';
import { checkTimes, USUAL_TIMES } from './times.ts';
import { tryUntilDone } from './try-until-done.ts';
import { isMember, ownerOf, type View } from './view.ts';

export type { Membership, MembershipOptions } from './membership-interface.ts';

export function makeMembership(options: MembershipOptions): Membership {
  const { clock, coordinator, hooks, log, faults } = options;
  const times = options.times ?? USUAL_TIMES;
  const flaps = makeFlaps();
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
  let ready = false;
  let preparing: AbortController | undefined;
  /** Is a member, and knows all that it must before it answers. */
  let entered = false;
  let entering: AbortController | undefined;
  let leaving = false;
  let leavingAlone = false;
  let over: (() => void) | undefined;

  const observation = { nextLook: () => ++looks, observed };
  const acknowledgement = makeAcknowledgement({ clock, hooks, sightings, inc: () => inc, publish });
  const sealing = makeSealing({ clock, coordinator, hooks, seen, publish, faults });
  const hold = makeHold(clock, times.holdMs, isInTime);
  const parts = { clock, coordinator, log };
  const tries = { clock, ...hooksOf(hooks) };
  let keeping = makeKeeping({ ...parts, ...observation, ...hooksOf(hooks), sees });
  let looking: ReturnType<typeof makeLooking> | undefined;

  function publish(): void {
    session?.publish();
  }

  function describe(): Omit<MemberRecord, 'beat'> {
    const view = held()?.view;
    const isIn = view !== undefined && isMember(view, inc) && entered;
    return {
      ...options.describe(),
      state: sealing.isSealed() ? 'sealed' : leaving ? 'leaving' : isIn ? 'member' : 'joining',
      ready,
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
    prepare();
  }

  /** Nothing of this life is used any more; what it owned may be somebody else's. */
  function endLife(): void {
    session?.end();
    coordinator.locks?.release(inc);
    acknowledgement.reset();
    stopEntering();
    leavingAlone = false;
  }

  function evicted(): void {
    if (!session) return;
    log.warn('evicted', { inc });
    endLife();
    hooks.onEvicted();
    timeChanged();
    if (leaving) retireAndFinish(inc);
    else live();
  }

  function startAnew(): void {
    const life = inc;
    endLife();
    hooks.onEvicted();
    if (!session) return;
    void retireQuietly(life);
    live();
  }

  /** Who stops by its own will is not timed by others: it says so when nothing that it allowed can happen any more. */
  async function retireQuietly(life: string): Promise<void> {
    await hooks.quiet?.();
    await retire(coordinator, life);
  }

  /** Where that takes long, this node may have been stopped meanwhile, and started again: that life goes on. */
  function retireAndFinish(life: string): void {
    const ended = session;
    void retireQuietly(life).then(() => {
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
    prepare();
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
    const mayEnter = is && !entered && !sealing.isSealed() && !view.sealed;
    // As a joiner, whose acknowledgement says that it has caught up. A member that is still about to has acknowledged less.
    if (mayEnter && isAcknowledged && !was) entered = true;
    acknowledgement.see(view);
    hooks.onView(view, entered);
    if (mayEnter && !entered) enterLate();
    return true;
  }

  /** It made this view itself, or missed the record that its acknowledgement led to: it reads once more what it must know. */
  function enterLate(): void {
    if (entering) return;
    const abort = new AbortController();
    entering = abort;
    const what = 'what a member must know could not be read';
    void tryUntilDone(tries, what, abort.signal, (signal) => hooks.catchUp(signal)).then((done) => {
      if (!done) return;
      entering = undefined;
      entered = true;
      const view = held()?.view;
      if (view) hooks.onView(view, true);
      publish();
      timeChanged();
    });
  }

  function prepare(): void {
    if (sealing.isSealed() || ready || preparing || leaving || !session || session.version() === 0) return;
    const abort = new AbortController();
    preparing = abort;
    void tryUntilDone(tries, 'this node is not ready to join', abort.signal, (signal) =>
      hooks.prepare(signal),
    ).then((done) => {
      if (!done) return;
      preparing = undefined;
      ready = true;
      publish();
    });
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
    hooks.onEvicted();
    session = undefined;
    retireAndFinish(life);
  }

  function sealNow(): void {
    stopEntering();
    sealing.seal();
    timeChanged();
  }

  /** Neither on its way into a view nor entered any more. */
  function stopEntering(): void {
    preparing?.abort();
    entering?.abort();
    preparing = undefined;
    entering = undefined;
    ready = false;
    entered = false;
  }

  // Asked by others

  function isInTime(): boolean {
    return entered && session?.isInTime() === true;
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
    if (!view || !session) return undefined;
    const isIn = isMember(view, inc);
    const isConcerned = view.next && (isIn || isMember(view.next, inc));
    if (isConcerned || sealing.isAwaited()) return PENDING_LOOK_MS;
    // The keeper, and the one who takes over when it dies.
    const before = view.members.filter((member) => member.inc < inc && seen.isAlive(member.inc)).length;
    if (!isIn || view.members.length < 2) return undefined;
    return before > 1 ? MEMBER_LOOK_MS : KEEPER_LOOK_MS;
  }

  return {
    start() {
      checkTimes(times, coordinator, faults);
      leaving = false;
      keeping.stop();
      keeping = makeKeeping({ ...parts, ...observation, ...hooksOf(hooks), sees });
      live();
      looking = makeLooking({ ...parts, ...observation, wanted: lookWanted });
    },
    setSealed(sealed) {
      if (sealed === sealing.isSealed()) return;
      if (!sealed) {
        sealing.unseal();
        prepare();
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
      return (
        entered && view !== undefined && ownerOf(view, shard) === inc && !acknowledgement.isGivenAway(shard)
      );
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
      hooks.onEvicted();
      finish();
      await retireQuietly(life);
    },
    sealCluster() {
      const done = sealing.sealCluster();
      looking?.consider();
      return done;
    },
  };
}

function hooksOf(hooks: MembershipHooks): Pick<MembershipHooks, 'highestFence' | 'fault'> {
  return {
    highestFence: () => hooks.highestFence(),
    fault: (what, error) => hooks.fault(what, error),
  };
}
