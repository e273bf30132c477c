/**
 * Node's globals for the time of a run. nact looks them up when it calls them: inside a simulated process they are the scheduler's. What has
 * no place in a simulated process, since it would differ from run to run, throws.
 *
 * @module
 */
import type { Scheduled, Scheduler } from './scheduler.ts';

type Callback = (...args: unknown[]) => void;

const NAMES = [
  'setImmediate',
  'clearImmediate',
  'setTimeout',
  'clearTimeout',
  'setInterval',
  'clearInterval',
] as const;

/** Runs `run` with the globals replaced, and puts the real ones back. One run at a time in one program. */
export async function withSimulatedGlobals<T>(scheduler: Scheduler, run: () => Promise<T>): Promise<T> {
  const globals = globalThis as unknown as Record<string, unknown>;
  const before = NAMES.map((name) => [name, globals[name]] as const);
  const [random, dateNow] = [Math.random, Date.now];
  const { setTimeout: realSetTimeout } = globalThis;

  /** The process whose turn it is. What is outside of any (the test runner's own timers) is not ours. */
  const here = () => scheduler.current;

  const clear = (timer: unknown) => {
    if (timer && typeof (timer as Scheduled).cancel === 'function') (timer as Scheduled).cancel();
    else clearTimeoutReal(timer);
  };
  const clearTimeoutReal = globalThis.clearTimeout as (timer: unknown) => void;

  function immediate(callback: Callback, ...args: unknown[]): unknown {
    const process = here();
    if (!process) throw new Error('setImmediate outside of any simulated process');
    return process.immediate(() => callback(...args));
  }

  function timeout(callback: Callback, ms?: number, ...args: unknown[]): unknown {
    const process = here();
    if (!process) return realSetTimeout(callback, ms, ...args);
    const timer = process.clock.after(() => callback(...args), Math.max(1, ms ?? 1));
    return { cancel: () => timer.clear(), unref: () => {}, ref: () => {} };
  }

  Object.assign(globals, {
    setImmediate: immediate,
    clearImmediate: clear,
    setTimeout: timeout,
    clearTimeout: clear,
    setInterval() {
      throw new Error('setInterval inside a simulated process: time comes in from outside');
    },
    clearInterval: clear,
  });
  Math.random = () => here()?.random.float() ?? random();
  Date.now = () => {
    if (here()) throw new Error('Date.now inside a simulated process: time comes in from outside');
    return dateNow();
  };
  // Only durations for metrics are taken with it.
  Object.defineProperty(performance, 'now', {
    configurable: true,
    writable: true,
    value: () => here()?.clock.monotonicMs() ?? scheduler.nowMs,
  });
  try {
    return await run();
  } finally {
    for (const [name, value] of before) globals[name] = value;
    Math.random = random;
    Date.now = dateNow;
    delete (performance as { now?: unknown }).now;
  }
}
