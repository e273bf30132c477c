import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeStrangers } from '../../../src/cluster/transport/strangers.ts';
import {
  ADMISSION_FAILURES_KEPT,
  ADMISSION_FAILURES_MAX,
  ADMISSION_PAUSE_MS,
  STRANGERS_MAX,
  STRANGERS_PER_HOST_MAX,
} from '../../../src/model/limits.ts';
import { makeManualClock } from '../../support/manual-clock.ts';

test('so many at once, so many of one host; who leaves makes room', () => {
  const strangers = makeStrangers(makeManualClock());
  const ofOne = Array.from({ length: STRANGERS_PER_HOST_MAX }, () => ({}));
  for (const connection of ofOne) assert(strangers.enter(connection, '10.0.0.1'));
  assert(!strangers.enter({}, '10.0.0.1'));
  let others = 0;
  while (strangers.enter({}, `10.0.1.${others}`)) others++;
  assert.equal(others, STRANGERS_MAX - STRANGERS_PER_HOST_MAX);
  assert.equal(strangers.count(), STRANGERS_MAX);
  strangers.leave(ofOne[0]!);
  strangers.leave(ofOne[0]!);
  assert.equal(strangers.count(), STRANGERS_MAX - 1);
  assert(strangers.enter({}, '10.0.0.1'));
  assert(!strangers.enter({}, '10.0.0.1'));
});

test('an identity that fails again and again has one try in each pause, until it succeeds', () => {
  const clock = makeManualClock();
  const strangers = makeStrangers(clock);
  for (let n = 1; n < ADMISSION_FAILURES_MAX; n++) {
    strangers.failed('P');
    assert(!strangers.isPaused('P'));
  }
  strangers.failed('P');
  assert(strangers.isPaused('P'));
  assert(!strangers.isPaused('Q'));
  clock.advance(ADMISSION_PAUSE_MS - 1);
  assert(strangers.isPaused('P'));
  clock.advance(1);
  assert(!strangers.isPaused('P'));
  strangers.failed('P');
  assert(strangers.isPaused('P'), 'one try');
  strangers.proved('P');
  assert(!strangers.isPaused('P'));
});

test('only so many failing identities are remembered: the latest', () => {
  const strangers = makeStrangers(makeManualClock());
  const fail = (peer: string) => {
    for (let n = 0; n < ADMISSION_FAILURES_MAX; n++) strangers.failed(peer);
  };
  fail('first');
  for (let n = 0; n < ADMISSION_FAILURES_KEPT; n++) fail(`peer ${n}`);
  assert(!strangers.isPaused('first'));
  assert(strangers.isPaused('peer 0'));
});
