import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SHARDS } from '../../../src/actors/places.ts';
import { makeHolding } from '../../../src/cluster/grants/holding.ts';
import { type Ends, type Granted, KIND } from '../../../src/cluster/grants/messages.ts';
import { makePins } from '../../../src/cluster/grants/pins.ts';
import type { View } from '../../../src/cluster/view.ts';
import { type ActorKind, actorKey } from '../../../src/model/actor.ts';
import { REPLICA_IDLE_MS } from '../../../src/model/limits.ts';
import { COUNTER, counterId } from '../../support/grants-world.ts';
import { makeManualClock } from '../../support/manual-clock.ts';

/** One holder, and an owner that says what the test wants. */
function makeScene(kind: ActorKind<number> = COUNTER) {
  const clock = makeManualClock();
  const pins = makePins();
  const sent: { kind: string; value: unknown }[] = [];
  const handlers = new Map<string, (value: unknown, peer: string) => void>();
  const failures: unknown[] = [];
  let answers: ((granted: unknown) => void)[] = [];
  const view = {
    epoch: 1,
    members: ['owner', 'holder'].map((inc) => ({ inc, nodeId: inc, weight: 1 })),
    shards: Array.from({ length: SHARDS }, () => 'owner'),
  } as unknown as View;
  const holding = makeHolding({
    clock,
    pins,
    wire: {
      peerOf: (inc) => `peer of ${inc}`,
      send: (_peer, name, value) => void sent.push({ kind: name, value }),
      request: () => new Promise((resolve) => void answers.push(resolve)),
      onMessage: (name, handler) => void handlers.set(name, handler),
      onRequest: () => assert.fail('holders are not asked'),
      onPeer: () => () => {},
    },
    membership: () => ({
      inc: () => 'holder',
      view: () => view,
      isInTime: () => true,
      deadlineMs: () => clock.monotonicMs() + 1_000,
      mayServe: () => false,
    }),
    kinds: [kind as unknown as ActorKind<never>],
    sigma: 1,
    isChanging: () => false,
    fault: (_what, error) => void failures.push(error),
  });
  const renew = (generation: number, termMs = 1_000) =>
    holding.renewed({
      from: 'owner',
      to: 'holder',
      askedMs: clock.monotonicMs(),
      generation,
      termMs,
      clockMs: 0,
    });
  return {
    clock,
    pins,
    holding,
    view,
    failures,
    renew,
    sent,
    open: () => answers.length,
    answer(granted: Partial<Granted> | undefined) {
      const all = answers;
      answers = [];
      const head = Buffer.from('1');
      for (const resolve of all)
        resolve(granted && { generation: 1, number: 1, version: 1, head, ...granted });
      return new Promise((resolve) => setImmediate(resolve));
    },
    end: (key: string, number = 1) =>
      handlers.get(KIND.end)!(
        { from: 'owner', to: 'holder', grants: [{ key, number, reads: 0 }] },
        'peer of owner',
      ),
  };
}

const id = counterId('a');
const key = actorKey(id);

test('an end that passes the snapshot on its way: it is not kept', async () => {
  const { holding, renew, answer, end, sent } = makeScene();
  renew(1);
  const asked = holding.ask(id);
  end(key);
  assert.equal(sent.length, 1, 'it is answered at once');
  const again = holding.ask(id);
  assert.notEqual(again, asked, 'who asks after it asks anew');
  await answer({});
  assert.equal(await asked, undefined);
  assert.equal((await again)?.state, 1);
});

test('another generation: what came before is dropped, what comes late of the one before is not taken', async () => {
  const { clock, holding, renew, answer } = makeScene();
  renew(1);
  void holding.ask(id);
  await answer({ generation: 1 });
  assert.equal(holding.peek(key)?.state, 1);
  renew(2);
  assert.equal(holding.peek(key), undefined);
  void holding.ask(id);
  await answer({ generation: 1 });
  renew(1, 60_000);
  assert.equal(holding.count(), 0);
  void holding.ask(id);
  await answer({ generation: 2 });
  clock.advance(1_000);
  assert.equal(holding.peek(key), undefined, 'an answer of the generation before says nothing of this one');
  renew(2);
  void holding.ask(id);
  await answer({ generation: 3 });
  assert.equal(holding.count(), 1);
  assert.equal(holding.peek(key), undefined, 'nothing is known of the link as it is now');
  renew(3);
  assert.equal(holding.peek(key)?.state, 1);
});

test('a view in which the owner is another: nothing of the one before is kept, nor what it is asked for', async () => {
  const { holding, view, renew, answer } = makeScene();
  renew(1);
  void holding.ask(id);
  await answer({});
  const other = counterId('b');
  const asked = holding.ask(other);
  holding.onView({ ...view, shards: view.shards.map(() => 'holder') });
  assert.equal(holding.count(), 0);
  await answer({});
  assert.equal(await asked, undefined);
  assert.equal(holding.count(), 0);
});

test('what nobody reads is let go of, and its owner told; what is pinned is not', async () => {
  const { clock, pins, holding, renew, answer, sent } = makeScene();
  for (const name of ['read', 'idle', 'pinned']) {
    renew(1, 10 * REPLICA_IDLE_MS);
    void holding.ask(counterId(name));
    await answer({});
  }
  const look = () => {
    clock.advance(REPLICA_IDLE_MS);
    assert.equal(holding.peek(actorKey(counterId('read')))?.state, 1);
    holding.round();
  };
  look();
  assert.equal(holding.count(), 3, 'each is given a round');
  pins.pin([actorKey(counterId('pinned'))]);
  look();
  assert.equal(holding.count(), 2);
  const [ended] = sent.filter(({ kind }) => kind === KIND.ended);
  assert.deepEqual(
    (ended!.value as Ends).grants.map((grant) => grant.key),
    [actorKey(counterId('idle'))],
  );
});

test('a snapshot that its kind cannot read is our fault, and not kept; its bytes are copied', async () => {
  const bad = makeScene({ ...COUNTER, decode: () => assert.fail('not today') });
  bad.renew(1);
  const asked = bad.holding.ask(id);
  await bad.answer({});
  assert.equal(await asked, undefined);
  assert.equal(bad.failures.length, 1);

  let seen: Uint8Array | undefined;
  const good = makeScene({
    ...COUNTER,
    decode(head) {
      seen = head;
      return 7;
    },
  });
  good.renew(1);
  void good.holding.ask(id);
  const head = Buffer.from('1');
  await good.answer({ head });
  head[0] = 0;
  assert.equal(seen![0], 0x31);
});

test('that nothing is stored may be granted too', async () => {
  const { holding, renew, answer } = makeScene();
  renew(1);
  void holding.ask(id);
  await answer({ head: undefined, version: 0 });
  assert.equal(holding.peek(key)?.state, 0, 'what its kind makes of nothing');
});

test('what is dropped is wiped', async () => {
  const wiped: number[] = [];
  const { holding, renew, answer, end } = makeScene({ ...COUNTER, wipe: (state) => void wiped.push(state) });
  renew(1);
  void holding.ask(id);
  await answer({ head: Buffer.from('5') });
  assert.deepEqual(wiped, []);
  end(key);
  assert.deepEqual(wiped, [5]);
});

test('where nothing could be answered from it, it is not asked for', () => {
  const { holding, renew, open, clock } = makeScene();
  void holding.ask(id);
  assert.equal(open(), 0, 'no link yet');
  renew(1);
  clock.advance(1_000);
  void holding.ask(id);
  assert.equal(open(), 0, 'the link has run out');
  void holding.ask({ ...id, kind: 'unknown' });
  assert.equal(open(), 0);
  renew(1);
  void holding.ask(id);
  assert.equal(open(), 1);
});
