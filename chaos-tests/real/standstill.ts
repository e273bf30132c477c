/**
 * Notices when this process stood still, and with it most likely the whole machine: what was under way then may have run into its time.
 *
 * @module
 */
import type { Disturbance } from './report.ts';

const EVERY_MS = 200;
/** A loop that is late by less is only busy. */
const STOOD_STILL_MS = 3_000;
/** Until connections, links and sessions are what they were. */
const AFTER_MS = 5_000;

/** @returns what ends the watch. */
export function watchStandstill(disturbances: Disturbance[], say: (line: string) => void): () => void {
  let lastMs = performance.now();
  const timer = setInterval(() => {
    const nowMs = performance.now();
    const gapMs = nowMs - lastMs;
    if (gapMs > STOOD_STILL_MS) {
      say(`this process stood still for ${gapMs.toFixed(0)} ms`);
      disturbances.push({ kind: 'down', atMs: lastMs, untilMs: nowMs + AFTER_MS });
    }
    lastMs = nowMs;
  }, EVERY_MS);
  return () => clearInterval(timer);
}
