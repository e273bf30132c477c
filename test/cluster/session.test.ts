import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeAloneCoordinator } from '../../src/cluster/coordinators/alone.ts';
import { FAULT } from '../../src/cluster/faults.ts';
import { makeHold } from '../../src/cluster/hold.ts';
import { type MemberRecord, memberKey } from '../../src/cluster/member-record.ts';
import { makeSession } from '../../src/cluster/session.ts';
import { ALONE_TIMES, checkTimes, USUAL_TIMES } from '../../src/cluster/times.ts';
import type { Coordinator, CoordinatorOutcome } from '../../src/model/coordinator.ts';
import { makeManualClock } from '../support/manual-clock.ts';
import { nodeDescription } from '../support/node-description.ts';
import { coordinatorContract } from './coordinator-contract.ts';

const INC = 'c'.repeat(32);
const RECORD: Omit<MemberRecord, 'beat'> = {
  ...nodeDescription('n1'),
  state: 'joining',
  ready: false,
  ack: 0,
  unreachable: [],
  sealed: true,
  clusterTime: 0,
};
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A coordinator whose answers come when the test says so. */
function slow() {
  const real = makeAloneCoordinator();
  const waiting: (() => void)[] = [];
  const coordinator: Coordinator = {
    ...real,
    sharesClock: false,
    step: async (step) => {
      const outcome = await real.step(step);
      return new Promise<CoordinatorOutcome>((resolve) => waiting.push(() => resolve(outcome)));
    },
  };
  return {
    coordinator,
    real,
    waiting,
    async answer(): Promise<void> {
      waiting.shift()?.();
      await settle();
    },
  };
}

function start(coordinator: Coordinator, faults?: ReadonlySet<string>) {
  const clock = makeManualClock();
  let looks = 0;
  const seen = { evicted: 0, changed: 0, believed: true };
  const session = makeSession({
    inc: INC,
    clock,
    coordinator,
    times: USUAL_TIMES,
    faults,
    describe: () => RECORD,
    nextLook: () => ++looks,
    observed: () => seen.believed,
    evicted: () => {
      seen.evicted++;
      session.end();
    },
    changed: () => seen.changed++,
  });
  return { clock, session, seen };
}

test('the deadline counts from the sending of a beat, however late its answer comes', async () => {
  const { coordinator, answer } = slow();
  const { clock, session } = start(coordinator);
  assert.equal(session.isInTime(), false);
  clock.advance(0);
  const sent = clock.monotonicMs();
  await settle();
  clock.advance(300);
  await answer();
  assert.equal(session.deadlineMs(), sent + USUAL_TIMES.deadlineMs);
  assert(session.isInTime());
  clock.advance(1_199);
  assert(session.isInTime());
  clock.advance(1);
  assert(!session.isInTime());
});

test('an answer that comes after its own deadline puts nobody in time', async () => {
  for (const [faults, inTime] of [
    [undefined, false],
    [new Set([FAULT.sessionCountedFromArrival]), true],
  ] as const) {
    const { coordinator, answer } = slow();
    const { clock, session } = start(coordinator, faults);
    clock.advance(0);
    await settle();
    clock.advance(1_600);
    await answer();
    assert.equal(session.isInTime(), inTime);
  }
});

test('in time without a break since the first beat after the last break', async () => {
  const { coordinator, answer, waiting } = slow();
  const { clock, session } = start(coordinator);
  clock.advance(0);
  await settle();
  await answer();
  const since = session.inTimeSinceMs();
  for (let i = 0; i < 5; i++) {
    clock.advance(400);
    await settle();
    await answer();
  }
  assert.equal(session.inTimeSinceMs(), since);
  clock.advance(1_600);
  assert.equal(session.inTimeSinceMs(), Number.POSITIVE_INFINITY);
  await settle();
  while (waiting.length > 0) await answer();
  clock.advance(400);
  await settle();
  while (waiting.length > 0) await answer();
  assert(session.isInTime());
  assert(session.inTimeSinceMs() > since + 2_000);
});

test('an answer that cannot be believed moves nothing', async () => {
  const { coordinator, answer } = slow();
  const { clock, session, seen } = start(coordinator);
  seen.believed = false;
  clock.advance(0);
  await settle();
  await answer();
  assert.equal(session.isInTime(), false);
});

test('beats sent before the clocks jumped apart move nothing after', async () => {
  const { coordinator, answer } = slow();
  const { clock, session } = start(coordinator);
  clock.advance(0);
  await settle();
  clock.advance(100);
  let stepped = 0;
  const { wallMs } = clock;
  Object.assign(clock, { wallMs: () => wallMs() + stepped });
  stepped = 5_000;
  await answer();
  assert.equal(session.isInTime(), false, 'five seconds have passed that the deadline did not count');
  clock.advance(300);
  await settle();
  await answer();
  assert(session.isInTime());
});

test('a lost answer: the next beat finds the record changed, and goes on from there', async () => {
  const { coordinator, waiting, answer } = slow();
  const { clock, session, seen } = start(coordinator);
  clock.advance(0);
  await settle();
  waiting.length = 0;
  clock.advance(400);
  await settle();
  await answer();
  assert.equal(session.isInTime(), false, 'refused: it says nothing about now');
  await answer();
  assert(session.isInTime());
  assert.equal(seen.evicted, 0);
});

test('a record that is gone ends the session; one that was never made does not', async () => {
  const { coordinator, real, answer, waiting } = slow();
  const { clock, session, seen } = start(coordinator);
  clock.advance(0);
  await settle();
  await answer();
  const key = memberKey(INC);
  await real.step({ conditions: [], changes: [{ key, value: undefined }] });
  clock.advance(400);
  await settle();
  assert(session.isInTime());
  await answer();
  assert.equal(seen.evicted, 1);
  assert.equal(session.isInTime(), false, 'at once');
  clock.advance(5_000);
  await settle();
  assert.equal(waiting.length, 0, 'no more beats');
  assert.equal(clock.pending(), 0);
});

test('W must be at least σ·D', () => {
  const shared = makeAloneCoordinator();
  const apart = { ...shared, sharesClock: false };
  checkTimes(USUAL_TIMES, apart);
  checkTimes(ALONE_TIMES, shared);
  checkTimes({ ...USUAL_TIMES, silenceMs: 1_500 }, shared);
  assert.throws(() => checkTimes({ ...USUAL_TIMES, silenceMs: 1_657 }, apart), /at least 1658 ms/);
  assert.throws(() => checkTimes({ ...USUAL_TIMES, beatMs: 1_500 }, apart), /shorter/);
});

test('requests wait for HOLD at most, and go on together', async () => {
  const clock = makeManualClock();
  let good = false;
  const hold = makeHold(clock, 1_000, () => good);
  const first = hold.wait();
  clock.advance(999);
  const second = hold.wait();
  clock.advance(1);
  assert.equal(await first, false);
  hold.look();
  good = true;
  hold.look();
  assert.equal(await second, true);
  assert.equal(await hold.wait(), true);
  assert.equal(clock.pending(), 0);
});

{
  const coordinator = makeAloneCoordinator();
  // It has no connections, and nobody to hint at anything.
  coordinatorContract('alone', { open: () => coordinator, hints: false });
}
