/**
 * A simulated process: its clocks, whether it lives or stands still, and the turns of its event loop. What it had under way is gone when
 * it crashes; what came while it was paused runs, late, when it goes on.
 *
 * @module
 */
import type { Clock } from '../../src/model/clock.ts';
import type { Random } from './random.ts';
import type { Scheduled, Scheduler } from './scheduler.ts';

export interface ClockOptions {
  /** ms of its own per ms of true time. */
  readonly rate: number;
  /** Of its wall clock, ms. */
  readonly wallOffsetMs: number;
  /** Somebody sets its wall clock all the time: it runs as true time does, but for that and for steps. */
  readonly isWallSet?: boolean;
}

/** ρ of the protocol: how far a clock's rate may be off. */
export const CLOCK_RATE_ERROR = 0.05;
/** What wall clocks say when a run begins, ms. */
const EPOCH_MS = 1_750_000_000_000;
/** One turn of the event loop takes about this. */
const TURN_MS = 0.01;

export interface SimProcess {
  readonly name: string;
  readonly clock: Clock & { /** Its ms per ms of true time. */ readonly rate: number };
  /** Draws of this process and no other. */
  readonly random: Random;
  /** Counts its starts: events of an earlier life do not happen. */
  readonly life: number;
  readonly isAlive: boolean;
  readonly isPaused: boolean;
  /** When it last went on after a pause, true ms; -Infinity: never. */
  readonly resumedMs: number;
  /** Begins a new life and runs `boot` in its first turn. */
  start(boot: () => void): void;
  crash(): void;
  pause(): void;
  resume(): void;
  /** The wall clock jumps. */
  stepWall(ms: number): void;
  /** Runs in a turn of its own, after `ms` of true time. */
  later(ms: number, label: string, run: () => void): Scheduled;
  /** In the order in which they were asked for. */
  immediate(run: () => void): Scheduled;
  /** Of the scheduler alone: keeps what a paused process should have done. */
  hold(release: () => void): void;
}

export function randomClock(random: Random): ClockOptions {
  return {
    rate: 1 + random.between(-CLOCK_RATE_ERROR, CLOCK_RATE_ERROR),
    wallOffsetMs: random.between(-500, 500),
  };
}

export function makeProcess(
  name: string,
  scheduler: Scheduler,
  random: Random,
  { rate, wallOffsetMs, isWallSet }: ClockOptions,
): SimProcess {
  let life = 0;
  let isAlive = false;
  let isPaused = false;
  let resumedMs = Number.NEGATIVE_INFINITY;
  let wallOffset = wallOffsetMs;
  let lastImmediateMs = 0;
  /** Monotonic clocks begin anywhere. */
  const monotonicStart = random.between(0, 1e6);
  let held: (() => void)[] = [];

  const monotonicMs = () => monotonicStart + scheduler.nowMs * rate;
  const me: SimProcess = {
    name,
    random,
    clock: {
      rate,
      monotonicMs,
      wallMs: () => Math.floor(EPOCH_MS + wallOffset + scheduler.nowMs * (isWallSet ? 1 : rate)),
      after(run, ms) {
        const timer = scheduler.after(Math.max(0, ms) / rate, 'timer', run, me);
        return { clear: timer.cancel };
      },
    },
    get life() {
      return life;
    },
    get isAlive() {
      return isAlive;
    },
    get isPaused() {
      return isPaused;
    },
    get resumedMs() {
      return resumedMs;
    },
    start(boot) {
      life++;
      isAlive = true;
      isPaused = false;
      held = [];
      lastImmediateMs = scheduler.nowMs;
      scheduler.after(0, 'boot', boot, me);
    },
    crash() {
      isAlive = false;
      isPaused = false;
      held = [];
    },
    pause() {
      isPaused = isAlive;
    },
    resume() {
      if (!isPaused) return;
      isPaused = false;
      resumedMs = scheduler.nowMs;
      const releases = held;
      held = [];
      for (const release of releases) release();
    },
    stepWall(ms) {
      wallOffset += ms;
    },
    later: (ms, label, run) => scheduler.after(ms, label, run, me),
    immediate(run) {
      lastImmediateMs = Math.max(lastImmediateMs, scheduler.nowMs + TURN_MS);
      return scheduler.at(lastImmediateMs, 'immediate', run, me);
    },
    hold(release) {
      held.push(release);
    },
  };
  return me;
}
