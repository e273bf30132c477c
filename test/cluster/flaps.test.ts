/** @module */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Flaps, makeFlaps } from '../../src/cluster/flaps.ts';
import { makeSightings } from '../../src/cluster/sightings.ts';
import type { View } from '../../src/cluster/view.ts';
import { FLAP_LIFE_MS, FLAP_PAUSE_MS, FLAP_WINDOW_MS, FLAPS_MAX } from '../../src/model/limits.ts';
import { SILENT_LOG } from '../../src/model/log.ts';

const SIGHTINGS = makeSightings();
const DOWN_MS = 3_000;

function viewOf(epoch: number, ...members: string[]): View {
  return {
    epoch,
    last: epoch,
    members: members.map((inc) => ({ inc, nodeId: inc.split('.')[0]!, weight: 1 })),
    shards: [],
    next: undefined,
    protocol: 1,
    sealed: false,
  };
}

/** n1 joins, lives for each of `lives` ms, and is evicted. @returns when the last eviction was seen. */
function live(flaps: Flaps, lives: readonly number[]): number {
  let nowMs = 0;
  let view = viewOf(1, 'n2.1');
  flaps.see(undefined, view, SIGHTINGS, nowMs);
  for (const [n, ms] of lives.entries()) {
    const joined = viewOf(view.epoch + 1, 'n2.1', `n1.${n}`);
    flaps.see(view, joined, SIGHTINGS, nowMs);
    nowMs += ms;
    view = viewOf(joined.epoch + 1, 'n2.1');
    flaps.see(joined, view, SIGHTINGS, nowMs);
    if (n < lives.length - 1) nowMs += DOWN_MS;
  }
  return nowMs;
}

test('a node that is evicted soon after it came, again and again, waits; the others do not', () => {
  const flaps = makeFlaps(SILENT_LOG);
  const few = live(flaps, Array(FLAPS_MAX - 1).fill(5_000));
  assert(flaps.mayJoin('n1', few));

  const told: unknown[] = [];
  const many = makeFlaps({ warn: (_text, fields) => void told.push(fields) });
  const nowMs = live(many, Array(FLAPS_MAX).fill(FLAP_LIFE_MS - 1));
  assert(!many.mayJoin('n1', nowMs));
  assert(many.mayJoin('n2', nowMs));
  assert(!many.mayJoin('n1', nowMs + FLAP_PAUSE_MS - 1));
  assert(many.mayJoin('n1', nowMs + FLAP_PAUSE_MS));
  assert.deepEqual(told, [{ node: 'n1', pauseMs: FLAP_PAUSE_MS }], 'the log says who waits, and how long');
});

test('the pause doubles, and the window forgets', () => {
  const flaps = makeFlaps(SILENT_LOG);
  const nowMs = live(flaps, Array(FLAPS_MAX + 2).fill(5_000));
  assert(!flaps.mayJoin('n1', nowMs + 4 * FLAP_PAUSE_MS - 1));
  assert(flaps.mayJoin('n1', nowMs + 4 * FLAP_PAUSE_MS));
  assert(flaps.mayJoin('n1', nowMs + FLAP_WINDOW_MS));
});

test('a node that had been a member for a while is let in at once, however often it was killed', () => {
  const flaps = makeFlaps(SILENT_LOG);
  const nowMs = live(flaps, Array(7).fill(FLAP_LIFE_MS));
  assert(flaps.mayJoin('n1', nowMs));
});

test('a member of the first view that was seen counts from then on', () => {
  const flaps = makeFlaps(SILENT_LOG);
  const first = viewOf(7, 'n1.1', 'n2.1');
  flaps.see(undefined, first, SIGHTINGS, 0);
  flaps.see(first, viewOf(8, 'n2.1'), SIGHTINGS, FLAP_LIFE_MS);
  const again = live(flaps, Array(FLAPS_MAX - 1).fill(5_000));
  assert(flaps.mayJoin('n1', again));
});
