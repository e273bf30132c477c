import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SHARDS } from '../../src/actors/places.ts';
import { isBalanced, mostShards, place, placeOrphans } from '../../src/cluster/placement.ts';
import type { ViewMember } from '../../src/cluster/view.ts';

const inc = (n: number, life = 0): string => (n * 1_000 + life).toString(16).padStart(32, '0');
const member = (n: number, weight = 1, life = 0): ViewMember => ({
  inc: inc(n, life),
  nodeId: `node-${n}`,
  weight,
});
const weights = fc.array(fc.constantFrom(0.5, 1, 1, 1, 2, 4), { minLength: 1, maxLength: 24 });
const membersOf = (list: readonly number[]): ViewMember[] => list.map((weight, n) => member(n, weight));
const moves = (a: readonly string[], b: readonly string[]): number =>
  a.filter((owner, shard) => owner !== b[shard]).length;
const total = (members: readonly ViewMember[]): number =>
  members.reduce((sum, { weight }) => sum + weight, 0);

function assertBound(members: readonly ViewMember[], shards: readonly string[]): void {
  assert.equal(shards.length, SHARDS);
  for (const { inc, weight } of members) {
    const load = shards.filter((owner) => owner === inc).length;
    assert(load <= mostShards(weight, total(members)), `${load} of weight ${weight}`);
  }
  assert(isBalanced({ members, shards }));
}

test('any members, any weights: the fullest has at most 1.15 of its mean, or one rounded up', () => {
  fc.assert(
    fc.property(weights, (list) => {
      const members = membersOf(list);
      assertBound(members, place(members, []));
    }),
    { numRuns: 60 },
  );
});

test('the same members are placed alike, in whatever order they stand', () => {
  fc.assert(
    fc.property(weights, fc.integer(), (list, turn) => {
      const members = membersOf(list);
      const at = Math.abs(turn) % members.length;
      const turned = [...members.slice(at), ...members.slice(0, at)];
      assert.deepEqual(place(turned, []), place(members, []));
    }),
    { numRuns: 30 },
  );
});

test('a join moves about one share, all of it to the joiner but for what the bound asks', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 0, max: 1e6 }), (n, seed) => {
      const members = Array.from({ length: n }, (_, i) => member(seed + i));
      const before = place(members, []);
      const joiner = member(seed + n);
      const all = [...members, joiner];
      const after = place(all, before);
      assertBound(all, after);
      const share = SHARDS / (n + 1);
      const moved = moves(before, after);
      assert(moved <= 1.6 * share + 8, `${moved} moved, a share is ${share}`);
      const elsewhere = after.filter(
        (owner, shard) => owner !== before[shard] && owner !== joiner.inc,
      ).length;
      assert(elsewhere <= 0.6 * share + 8, `${elsewhere} moved between those who were there`);
    }),
    { numRuns: 60 },
  );
});

test('a leave moves what was the leaver’s, and no more than the bound asks', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 20 }), fc.integer({ min: 0, max: 1e6 }), (n, seed) => {
      const members = Array.from({ length: n }, (_, i) => member(seed + i));
      const before = place(members, []);
      const left = members.slice(1);
      const after = place(left, before);
      assertBound(left, after);
      const had = before.filter((owner) => owner === members[0]!.inc).length;
      assert(moves(before, after) <= 1.6 * had + 8);
    }),
    { numRuns: 60 },
  );
});

test('who comes back under a new life gets most of what it had', () => {
  const members = [0, 1, 2, 3].map((n) => member(n));
  const before = place(members, []);
  const without = place(members.slice(1), before);
  const back = [...members.slice(1), member(0, 1, 7)];
  const again = place(back, without);
  const had = before.flatMap((owner, shard) => (owner === inc(0) ? [shard] : []));
  const regained = had.filter((shard) => again[shard] === inc(0, 7)).length;
  assert(regained >= 0.8 * had.length, `${regained} of ${had.length}`);
});

test('an eviction moves only the shards of the evicted, within the bound where they alone can keep it', () => {
  fc.assert(
    fc.property(weights, fc.nat(), (list, pick) => {
      const members = membersOf([...list, 1]);
      const before = place(members, []);
      const gone = members[pick % members.length]!;
      const left = members.filter((one) => one !== gone);
      const after = placeOrphans(left, before);
      assert.equal(after.length, SHARDS);
      for (const [shard, owner] of after.entries()) {
        assert.notEqual(owner, gone.inc);
        if (before[shard] !== gone.inc) assert.equal(owner, before[shard]);
      }
      assert(isBalanced({ members: left, shards: after }));
    }),
    { numRuns: 60 },
  );
});

test('nobody left: nobody owns anything', () => {
  assert.deepEqual(placeOrphans([], place([member(1)], [])), []);
});

test('a member that weighs less gives away only what is too much', () => {
  const members = [member(0), member(1), member(2)];
  const before = place(members, []);
  const light = [member(0, 0.5), member(1), member(2)];
  const after = place(light, before);
  assertBound(light, after);
  const had = before.filter((owner) => owner === inc(0)).length;
  assert.equal(moves(before, after), had - mostShards(0.5, 2.5));
});
