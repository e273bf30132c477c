/** @module */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MemberRecord } from '../../src/cluster/member-record.ts';
import { makePeersToLink } from '../../src/cluster/peers-to-link.ts';
import type { View } from '../../src/cluster/view.ts';
import { makeManualClock } from '../support/manual-clock.ts';

const W = 1_750;

/** Records by `inc`: identity and address; members of the view; who beats. The node itself is `me`, with the identity `I`. */
function start() {
  const clock = makeManualClock();
  const told: string[] = [];
  const world = {
    clock,
    told,
    records: new Map<string, [peer: string, address: string]>(),
    members: [] as string[],
    silent: new Set<string>(),
    look: () => peers().map(({ peer, addresses }) => `${peer} ${addresses.join()}`),
  };
  const peers = makePeersToLink({
    own: 'I',
    clock,
    times: { silenceMs: W },
    membership: () => ({
      inc: () => 'me',
      view: () =>
        ({ members: world.members.map((inc) => ({ inc, nodeId: inc, weight: 1 })) }) as unknown as View,
      members: () =>
        new Map(
          [...world.records].map(([inc, [peerId, address]]) => [
            inc,
            {
              peerId,
              addresses: address === '' ? [] : [address],
              nodeId: `node-${inc}`,
            } as unknown as MemberRecord,
          ]),
        ),
      isBeating: (inc) => !world.silent.has(inc),
    }),
    copied: (nodeId) => void told.push(nodeId),
  });
  return world;
}

test('all that have a record and an address, sealed or not, but this node itself', () => {
  const world = start();
  world.records = new Map([
    ['me', ['I', '1']],
    ['a', ['A', '2']],
    ['b', ['B', '3']],
    ['c', ['C', '']],
  ]);
  world.members = ['me', 'a'];
  assert.deepEqual(world.look(), ['A 2', 'B 3']);
});

test('of two processes with one identity the member is dialed, in whatever order they stand; of a dead life and the next one the living', () => {
  for (const order of [
    ['a', 'copy'],
    ['copy', 'a'],
  ]) {
    const world = start();
    world.records = new Map(order.map((inc) => [inc, ['A', inc]]));
    world.members = ['me', 'a'];
    assert.deepEqual(world.look(), ['A a']);
    world.silent.add('a');
    assert.deepEqual(world.look(), ['A copy']);
  }
});

test('a node on a copied folder links with nobody, once it is sure, until the other one is gone', () => {
  const world = start();
  world.records = new Map([
    ['me', ['I', '1']],
    ['original', ['I', '2']],
    ['a', ['A', '3']],
  ]);
  world.members = ['original', 'a'];
  assert.deepEqual(world.look(), ['A 3']);
  world.clock.advance(W - 1);
  assert.deepEqual([world.look(), world.told], [['A 3'], []]);
  world.clock.advance(1);
  assert.deepEqual([world.look(), world.look(), world.told], [[], [], ['node-original']]);
  world.silent.add('original');
  assert.deepEqual(world.look(), ['A 3']);
});

test('its own last life, and a copy of it that is no member, keep it from nothing', () => {
  const world = start();
  world.records = new Map([
    ['last', ['I', '1']],
    ['me', ['I', '1']],
    ['a', ['A', '3']],
  ]);
  world.members = ['last', 'a'];
  assert.deepEqual(world.look(), ['A 3']);
  world.silent.add('last');
  world.clock.advance(2 * W);
  assert.deepEqual(world.look(), ['A 3']);
  world.silent.clear();
  world.members = ['me', 'a'];
  world.look();
  world.clock.advance(2 * W);
  assert.deepEqual([world.look(), world.told], [['A 3'], []]);
});
