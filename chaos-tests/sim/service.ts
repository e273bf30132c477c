/**
 * A server that nodes ask over the network, a store or a coordinator: what may become of a question and of its answer. The server itself never
 * lies and never loses what it has acknowledged; between it and a node everything may go wrong.
 *
 * @module
 */
import type { SimProcess } from './process.ts';
import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';

/** Probabilities per question. Faults change them while a run goes on. */
export interface Weather {
  /** One way, ms. */
  delayMs: readonly [number, number];
  /** Of a way that takes thirty times as long. */
  slow: number;
  /** The question does not arrive. */
  lostQuestion: number;
  /** It is done, but its answer does not arrive. */
  lostAnswer: number;
  /** The question arrives long after the one who asked has given up. */
  late: number;
  lateMs: readonly [number, number];
  /** The answer is held back on its way, while others pass it. */
  heldAnswer: number;
  heldMs: readonly [number, number];
  /** The connection breaks: the one who asked hears so at once, whatever becomes of the question. */
  broken: number;
  /** Names of processes whose connections break half of the time. */
  readonly brokenFor: Set<string>;
  /** A claim takes so much longer on its way, ms; 0: no longer than anything else. */
  claimsMs: number;
  /** Names of processes whose commits, but for claims, take `commitsMs` longer on their way; their answers do not. */
  readonly commitsSlowFor: Set<string>;
  commitsMs: readonly [number, number];
  /** Nobody answers and nothing arrives. */
  isAway: boolean;
  /** What a process has sent and not seen done dies with it, as in a store of the same machine. */
  dropsTheDead: boolean;
  /** Names of processes that are far away: each way takes `farMs`. */
  readonly farFrom: Set<string>;
  farMs: readonly [number, number];
  /** Names of processes whose questions do not arrive, or whose answers do not. */
  readonly deafTo: Set<string>;
  readonly muteTo: Set<string>;
}

/** Ways that take longer anyway are not slowed down further. */
const SLOW_BELOW_MS = 100;
const BROKEN_FOR = 0.5;

export function calm(): Weather {
  return {
    delayMs: [0.2, 2],
    slow: 0.005,
    lostQuestion: 0,
    lostAnswer: 0,
    late: 0,
    lateMs: [500, 12_000],
    heldAnswer: 0,
    heldMs: [50, 1_900],
    broken: 0,
    brokenFor: new Set(),
    claimsMs: 0,
    commitsSlowFor: new Set(),
    commitsMs: [200, 3_000],
    isAway: false,
    dropsTheDead: false,
    farFrom: new Set(),
    farMs: [200, 700],
    deafTo: new Set(),
    muteTo: new Set(),
  };
}

export interface Question<T> {
  readonly label: string;
  readonly isClaim?: boolean;
  /** It changes something, and is no claim. */
  readonly isCommit?: boolean;
  /** At the server, in one step. */
  perform(): T;
  /** In a turn of the one who asked. */
  answered(answer: T): void;
  /** In a turn of the one who asked: nothing came in time. */
  gaveUp(): void;
}

export interface Service {
  readonly weather: Weather;
  /** What `process`, in the life it has now, asks. `timeoutMs` is by its own clock. */
  ask<T>(process: SimProcess, life: number, timeoutMs: number, question: Question<T>): void;
}

export function makeService(name: string, scheduler: Scheduler, random: Random): Service {
  const weather = calm();

  function way(process: SimProcess): number {
    const [from, to] = weather.farFrom.has(process.name) ? weather.farMs : weather.delayMs;
    const ms = random.between(from, to);
    return to < SLOW_BELOW_MS && random.chance(weather.slow) ? 30 * ms : ms;
  }

  return {
    weather,
    ask(process, life, timeoutMs, { label, isClaim, isCommit, perform, answered, gaveUp }) {
      let isOver = false;
      const timer = scheduler.after(
        timeoutMs / process.clock.rate,
        `${name} silent: ${label}`,
        () => {
          isOver = true;
          gaveUp();
        },
        process,
        life,
      );
      const isLost = random.chance(weather.lostQuestion);
      const isLate = random.chance(weather.late);
      const isAnswerLost = random.chance(weather.lostAnswer);
      const isHeldUp = isCommit && weather.commitsSlowFor.has(process.name);
      const longer = isClaim ? weather.claimsMs : isHeldUp ? random.between(...weather.commitsMs) : 0;
      const there = (isLate ? random.between(...weather.lateMs) : way(process)) + longer;
      const back = random.chance(weather.heldAnswer) ? random.between(...weather.heldMs) : way(process);
      const broken = weather.brokenFor.has(process.name) ? BROKEN_FOR : weather.broken;
      if (broken > 0 && random.chance(broken)) {
        scheduler.after(
          way(process),
          `${name} breaks: ${label}`,
          () => {
            if (isOver) return;
            isOver = true;
            timer.cancel();
            gaveUp();
          },
          process,
          life,
        );
      }
      if (isLost) return;
      scheduler.after(there, `${name} ${process.name} ${label}`, () => {
        if (weather.isAway || weather.deafTo.has(process.name)) return;
        if (weather.dropsTheDead && (process.life !== life || !process.isAlive)) return;
        const answer = perform();
        if (isAnswerLost) return;
        scheduler.after(
          back,
          `${name} answers ${label}`,
          () => {
            if (isOver) return;
            isOver = true;
            timer.cancel();
            answered(answer);
          },
          process,
          life,
          () => !weather.isAway && !weather.muteTo.has(process.name),
        );
      });
    },
  };
}
