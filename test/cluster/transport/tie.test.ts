import assert from 'node:assert/strict';
import { test } from 'node:test';
import { choose } from '../../../src/cluster/transport/tie.ts';

const byUs = { dialedByUs: true, instance: 'i', again: false };
const byThem = { dialedByUs: false, instance: 'i', again: false };

test('the first link is taken', () => {
  assert.equal(choose('a', 'b', undefined, byUs), 'take');
  assert.equal(choose('b', 'a', undefined, byThem), 'take');
});

test('of two dialed at once both ends keep the one that the lower id dialed', () => {
  for (const [first, second] of [
    [byUs, byThem],
    [byThem, byUs],
  ] as const) {
    // At `a`, the lower, and at `b`, where the same connections are seen from the other side and may come in either order.
    const atA = choose('a', 'b', first, second);
    assert.equal(atA, second.dialedByUs ? 'prefer' : 'decline');
    const atB = choose('b', 'a', first, second);
    assert.equal(atB, second.dialedByUs ? 'decline' : 'prefer');
  }
});

test('a peer that was started anew, or dials again, replaces what it had', () => {
  assert.equal(choose('a', 'b', byUs, { ...byThem, instance: 'other' }), 'replace');
  assert.equal(choose('a', 'b', byThem, byThem), 'replace');
  assert.equal(choose('b', 'a', byUs, byUs), 'replace');
});

test('who says that the link is dead is believed', () => {
  assert.equal(choose('a', 'b', byUs, byThem), 'decline');
  assert.equal(choose('a', 'b', byUs, { ...byThem, again: true }), 'replace');
});
