import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeRecent } from '../../../src/cluster/grants/recent.ts';
import { makeWorth } from '../../../src/cluster/grants/worth.ts';
import { GRANT_COLD_MAX_MS, GRANT_COLD_MS, REPLICA_READS_WORTH } from '../../../src/model/limits.ts';
import { makeManualClock } from '../../support/manual-clock.ts';

test('a replica that was hardly read is granted later, and later still the next time; one that was read, at once', () => {
  const clock = makeManualClock();
  const worth = makeWorth(clock);
  assert.equal(worth.coldMs('h', 'k'), 0);
  worth.ended('h', 'k', REPLICA_READS_WORTH - 1);
  assert.equal(worth.coldMs('h', 'k'), GRANT_COLD_MS);
  assert.equal(worth.coldMs('another', 'k'), 0);
  clock.advance(GRANT_COLD_MS);
  assert.equal(worth.coldMs('h', 'k'), 0);
  worth.ended('h', 'k', undefined);
  assert.equal(worth.coldMs('h', 'k'), 2 * GRANT_COLD_MS);
  for (let n = 0; n < 20; n++) worth.ended('h', 'k', 0);
  assert.equal(worth.coldMs('h', 'k'), GRANT_COLD_MAX_MS);
  worth.ended('h', 'k', REPLICA_READS_WORTH);
  assert.equal(worth.coldMs('h', 'k'), 0);
});

test('what was cold long ago begins anew', () => {
  const clock = makeManualClock();
  const worth = makeWorth(clock);
  worth.ended('h', 'k', 0);
  clock.advance(2 * GRANT_COLD_MS);
  worth.ended('h', 'k', 0);
  assert.equal(worth.coldMs('h', 'k'), GRANT_COLD_MS);
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
