import assert from 'node:assert/strict';
import { test } from 'node:test';
import { writesBy } from '../../src/cluster/spoken.ts';

test('messages are written by the version of the view, and by the lowest where none is known', () => {
  let view: { protocol: number } | undefined;
  const protocol = writesBy([1, 3], () => view);
  assert.equal(protocol(), 1);
  view = { protocol: 2 };
  assert.equal(protocol(), 2);
  view = { protocol: 3 };
  assert.equal(protocol(), 3);
});
