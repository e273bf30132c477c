import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeRecent } from '../../../src/cluster/grants/recent.ts';
import { makeWorth } from '../../../src/cluster/grants/worth.ts';
import { GRANT_COLD_MAX_MS, GRANT_COLD_MS, REPLICA_READS_WORTH } from '../../../src/model/limits.ts';
import { makeManualClock } from '../../support/manual-clock.ts';

test('a replica that was hardly read is granted later, and later still the next time; one that was read, at once', () => {
  const clock = makeManualClock();
  const worth = makeWorth(clock);
  assert.equal(worth.coldMs('h', 'k', 0), 0);
  worth.ended('h', 'k', REPLICA_READS_WORTH - 1);
  assert.equal(worth.coldMs('h', 'k', 0), GRANT_COLD_MS);
  assert.equal(worth.coldMs('another', 'k', 0), 0);
  clock.advance(GRANT_COLD_MS);
  assert.equal(worth.coldMs('h', 'k', 0), 0);
  worth.ended('h', 'k', undefined);
  assert.equal(worth.coldMs('h', 'k', 0), 2 * GRANT_COLD_MS);
  for (let n = 0; n < 20; n++) worth.ended('h', 'k', 0);
  assert.equal(worth.coldMs('h', 'k', 0), GRANT_COLD_MAX_MS);
  worth.ended('h', 'k', REPLICA_READS_WORTH);
  assert.equal(worth.coldMs('h', 'k', 0), 0);
});

test('what was cold long ago begins anew', () => {
  const clock = makeManualClock();
  const worth = makeWorth(clock);
  worth.ended('h', 'k', 0);
  clock.advance(2 * GRANT_COLD_MS);
  worth.ended('h', 'k', 0);
  assert.equal(worth.coldMs('h', 'k', 0), GRANT_COLD_MS);
});

test('one that is read more slowly than it is changed is not granted; from when on it may be is said', () => {
  const clock = makeManualClock();
  const worth = makeWorth(clock);
  assert.equal(worth.coldMs('h', 'k', 4_000), 0);
  worth.changed('k');
  clock.advance(1_000);
  assert.equal(worth.coldMs('h', 'k', 4_000), 3_000);
  assert.equal(worth.coldMs('h', 'another', 4_000), 0);
  // So many reads within a second all saw the change.
  assert.equal(worth.coldMs('h', 'k', 1_000), 0);
  clock.advance(3_000);
  assert.equal(worth.coldMs('h', 'k', 4_000), 0);
});

test('of a pause and a change the later one counts', () => {
  const clock = makeManualClock();
  const worth = makeWorth(clock);
  worth.ended('h', 'k', 0);
  worth.changed('k');
  assert.equal(worth.coldMs('h', 'k', 1_000), GRANT_COLD_MS);
  assert.equal(worth.coldMs('h', 'k', 2 * GRANT_COLD_MS), 2 * GRANT_COLD_MS);
});

test('where everything is worth it nothing is cold', () => {
  const worth = makeWorth(makeManualClock(), 0);
  worth.changed('k');
  worth.ended('h', 'k', 0);
  assert.equal(worth.coldMs('h', 'k', 1_000), 0);
});

test('notes of late: the oldest goes first, and what is noted again is new', () => {
  const recent = makeRecent<number>(2);
  recent.set('a', 1);
  recent.set('b', 2);
  recent.set('a', 3);
  recent.set('c', 4);
  assert.deepEqual(['a', 'b', 'c'].map(recent.get), [3, undefined, 4]);
  recent.clear();
  assert.equal(recent.get('a'), undefined);
});
