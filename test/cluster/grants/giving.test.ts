/** @module */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SHARDS } from '../../../src/actors/places.ts';
import { makeGiving } from '../../../src/cluster/grants/giving.ts';
import { KIND } from '../../../src/cluster/grants/messages.ts';
import { makePins } from '../../../src/cluster/grants/pins.ts';
import type { Wire } from '../../../src/cluster/grants/wire.ts';
import type { View } from '../../../src/cluster/view.ts';
import { type ActorKind, actorKey } from '../../../src/model/actor.ts';
import { COUNTER, counterId } from '../../support/grants-world.ts';
import { makeManualClock } from '../../support/manual-clock.ts';

const PEER = 'peer-h';
const ID = counterId('a');
const KEY = actorKey(ID);

/** An owner of everything, and one other member that asks it. */
function owner(replicas: 'always' | 'hot') {
  const clock = makeManualClock();
  const asked = new Map<string, (value: unknown, from: string) => unknown>();
  const wire: Wire = {
    peerOf: () => PEER,
    send: () => {},
    request: () => Promise.reject(new Error('nothing is asked here')),
    onMessage: () => {},
    onRequest: (kind, handler) => void asked.set(kind, handler),
    onPeer: () => () => {},
  };
  const members = ['o', 'h'].map((inc) => ({ inc, nodeId: inc, weight: 1 }));
  const shards = Array<string>(SHARDS).fill('o');
  const view: View = { epoch: 1, last: 1, members, shards, next: undefined, protocol: 1, sealed: false };
  const kind: ActorKind<number> = { ...COUNTER, replicas };
  const giving = makeGiving({
    clock,
    wire,
    pins: makePins(),
    sigma: 1.1,
    kinds: [kind as unknown as ActorKind<never>],
    membership: () => ({
      inc: () => 'o',
      view: () => view,
      isInTime: () => true,
      deadlineMs: () => Number.POSITIVE_INFINITY,
      mayServe: () => true,
    }),
    snapshotOf: () => ({ head: Buffer.from('1'), version: 1 }),
  });
  const ask = async (spanMs: number) => {
    const answer = await asked.get(KIND.ask)!({ from: 'h', to: 'o', id: ID, spanMs }, PEER);
    return answer as { readonly againMs?: number; readonly number?: number };
  };
  return { clock, giving, ask };
}

test('a hot actor is granted to who read it often enough since its last change, and says when else', async () => {
  const { clock, giving, ask } = owner('hot');
  // Nobody holds it: there is nothing to wait for.
  assert.equal(giving.end(KEY), undefined);
  clock.advance(1_000);
  assert.equal((await ask(4_000)).againMs, 3_000);
  assert.equal(giving.count(), 0);
  clock.advance(3_000);
  assert.equal((await ask(4_000)).number, 1);
  assert.equal(giving.count(), 1);
});

test('one that is always granted needs no reason', async () => {
  const { giving, ask } = owner('always');
  void giving.end(KEY);
  assert.equal((await ask(0)).number, 1);
});
