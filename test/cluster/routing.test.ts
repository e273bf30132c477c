/** @module */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FAULT } from '../../src/cluster/faults.ts';
import { RUN, writeLetter } from '../../src/cluster/letters.ts';
import { Moved } from '../../src/cluster/moved.ts';
import { makePost } from '../../src/cluster/post.ts';
import { type Claims, OWN_CLAIMS } from '../../src/model/actor.ts';
import type { Caller } from '../../src/model/caller.ts';
import { CodedError } from '../../src/model/errors.ts';
import { HOT_READ_MS, REPLICA_READS_WORTH } from '../../src/model/limits.ts';
import type { Mount } from '../../src/model/mount.ts';
import { StorageFailed } from '../../src/model/storage.ts';
import {
  add,
  endingHour,
  get,
  idOf,
  makeRoutingWorld,
  mayWhat,
  type RoutingNode,
  refuse,
  settle,
  use,
  withRecord,
} from '../support/routing-world.ts';

const OWN = { claims: OWN_CLAIMS };
const ID = idOf('one');
const KEY = 'counter:root/m/one';
const TOKEN = { kind: 'token', namespace: 'root', mount: 'token', name: 'acc' };

/** Claims of a request, authorized by a token. */
function claimed(changes: Partial<Claims> & { sections?: number[] } = {}): Claims {
  return {
    good: () => true,
    mayCreate: true,
    mayUpdate: false,
    basis: () => ({ actors: [TOKEN], sections: changes.sections ?? [1, 1] }),
    ...changes,
  };
}

function two(faults?: ReadonlySet<string>) {
  const world = makeRoutingWorld(['a', 'b'], faults);
  return { world, a: world.node('a'), b: world.node('b') };
}

async function sendsCode(sent: Promise<unknown>, code: string): Promise<void> {
  await assert.rejects(sent, (error: CodedError) => {
    assert.equal(error.code, code);
    return true;
  });
}

/** Time passes at that node until what it waits for has come. */
async function passing<T>(node: RoutingNode, sent: Promise<T>, stepMs = 25, maxMs = 100_000): Promise<T> {
  let isDone = false;
  const done = () => {
    isDone = true;
  };
  sent.then(done, done);
  for (let ms = 0; ms < maxMs; ms += stepMs) {
    await settle();
    if (isDone) return sent;
    node.clock.advance(stepMs);
  }
  throw new Error(`nothing in ${maxMs} ms`);
}

test('a change runs at the owner, in one hop, whoever sends it', async () => {
  const { a, b } = two();
  assert.equal(await a.routing.send(add, ID, 2, OWN), 2);
  assert.equal(await b.routing.send(add, ID, 3, OWN), 5);
  assert.deepEqual([a.received, b.received], [2, 0]);
  assert.equal(await b.routing.send(get, ID, undefined, OWN), 5);
});

test('what the owner refuses, the sender is told with code, text and data', async () => {
  const { b } = two();
  await assert.rejects(b.routing.send(refuse, ID, 'no', OWN), (error: CodedError) => {
    assert.deepEqual([error.code, error.messages, error.data], ['conflict', ['no'], { text: 'no' }]);
    return true;
  });
});

test('an operation that is not registered is refused, also where it would run here', async () => {
  const { a } = two();
  await assert.rejects(a.routing.send({ ...add, id: 'counter/unheard-of' }, ID, 1, OWN), /not among/);
});

test('caller, mount and what the claims allow come with the letter', async () => {
  const { b } = two();
  const options = {
    claims: claimed(),
    caller: { accessor: 'acc' } as Caller,
    mount: { path: 'secret/' } as Mount,
  };
  assert.deepEqual(await b.routing.send(mayWhat, ID, undefined, options), [
    true,
    false,
    'acc',
    'secret/',
    'one',
  ]);
});

test('a node that owns the actor no more says so, and the sender goes to the new owner', async () => {
  const { world, a, b } = two();
  await b.routing.send(add, ID, 1, OWN);
  a.learn(world.give('b'));
  const sent = b.routing.send(add, ID, 1, OWN);
  await settle();
  assert.equal(a.received, 1, 'not a second time');
  b.learn(world.view);
  assert.equal(await sent, 2, 'the new view is all it waits for');
});

test('an owner that does not know the newest view yet reads it first', async () => {
  const { world, a, b } = two();
  world.give('a');
  world.give('b');
  a.learn(world.view);
  assert.equal(b.view.epoch, 1);
  assert.equal(await a.routing.send(add, ID, 1, OWN), 1);
  assert.deepEqual([b.view.epoch, b.received], [3, 1]);
});

test('a change whose answer is lost is sent again under its number, and takes effect once', async () => {
  const { world, b } = two();
  let lost = 0;
  world.office.carryBack = async () => lost++ > 0;
  const sent = b.routing.send(add, ID, 1, OWN);
  await settle();
  world.office.cut('peer-a', 'peer-b');
  world.office.mend('peer-a', 'peer-b');
  assert.equal(await passing(b, sent), 1);
  assert.equal(world.counts.get(KEY)?.count, 1);
  assert.equal(lost, 2);
});

test('a change to a member that was evicted goes to who took over, and takes effect once', async () => {
  const { world, a, b } = two();
  world.office.carryBack = async () => false;
  const sent = b.routing.send(add, ID, 1, OWN);
  await settle();
  assert.equal(a.received, 1);
  world.give('b', ['b']);
  b.learn(world.view);
  assert.equal(await passing(b, sent), 1);
  assert.equal(world.counts.get(KEY)?.count, 1);
});

test('changes of one actor wait in line at the entry node, those of others do not', async () => {
  const { a, b } = two();
  const held = Promise.withResolvers<void>();
  a.beforeReply = () => held.promise;
  const first = b.routing.send(add, ID, 1, OWN);
  const second = b.routing.send(add, ID, 1, OWN);
  const other = b.routing.send(add, idOf('two'), 1, OWN);
  await settle();
  assert.equal(a.received, 2);
  const waiting = [1, 1].map((by) => b.routing.send(add, ID, by, OWN));
  await sendsCode(b.routing.send(add, ID, 1, OWN), 'overloaded');
  held.resolve();
  assert.deepEqual(await Promise.all([first, second, ...waiting, other]), [1, 2, 3, 4, 1]);
  assert.equal(b.routing.counts().changes, 0);
});

test('after an eviction a change under way keeps its number, the next ones count anew', async () => {
  const { world, a, b } = two();
  world.office.carryBack = async () => false;
  const sent = b.routing.send(add, ID, 1, OWN);
  await settle();
  b.inc = 'inc-b-again';
  world.office.carryBack = undefined;
  world.office.cut('peer-a', 'peer-b');
  world.office.mend('peer-a', 'peer-b');
  assert.equal(await passing(b, sent), 1);
  assert.equal(await b.routing.send(add, ID, 1, OWN), 2);
  assert.equal(a.received, 3);
});

test('nobody answers: 503 once the time to try is over, not before, and once the request is', async () => {
  const { world, b } = two();
  world.office.cut('peer-a', 'peer-b');
  await sendsCode(passing(b, b.routing.send(add, ID, 1, OWN), 250), 'unavailable');
  assert(b.clock.monotonicMs() > 'b'.charCodeAt(0) * 10_000 + 85_000);
  const request = { isOver: false };
  const sent = b.routing.send(add, ID, 1, { ...OWN, request });
  await settle();
  request.isOver = true;
  await sendsCode(passing(b, sent), 'deadline');
});

test('a node out of time serves nothing: not here, not from replicas, not by a hop', async () => {
  const { a, b } = two();
  await a.routing.send(add, ID, 1, OWN);
  for (const node of [a, b]) node.isInTime = false;
  for (const node of [a, b]) {
    await sendsCode(node.routing.send(get, ID, undefined, OWN), 'unavailable');
    await sendsCode(node.routing.send(add, ID, 1, OWN), 'unavailable');
    await sendsCode(node.routing.list('counter', 'root', 'm', ''), 'unavailable');
    await sendsCode(node.routing.index('i', 'g', 1), 'unavailable');
    assert.equal(node.routing.peek(ID), undefined);
  }
});

test('an owner that falls out of time before the operation starts runs nothing, and the sender tries again', async () => {
  const { world, a, b } = two();
  await b.routing.send(add, ID, 1, OWN);
  a.beforeStart = () => {
    a.isInTime = false;
  };
  const sent = b.routing.send(add, ID, 1, OWN);
  await settle();
  assert.equal(world.counts.get(KEY)?.count, 1);
  a.beforeStart = undefined;
  a.isInTime = true;
  assert.equal(await passing(b, sent), 2);
});

test('what is peeked at is undefined from the turn on in which the node may not answer', async () => {
  const { world, a } = two();
  await a.routing.send(add, ID, 1, OWN);
  const peeked = a.routing.peek(ID)!;
  assert.deepEqual(peeked.state, { count: 1 });
  a.isInTime = false;
  assert.equal(peeked.state, undefined);
  a.isInTime = true;
  assert.deepEqual(peeked.state, { count: 1 });
  a.learn(world.give('b'));
  assert.equal(peeked.state, undefined);
});

test('a request that was authorized under an older catalog is stale at the owner', async () => {
  const { world, a, b } = two();
  a.sections = [1, 2];
  await sendsCode(b.routing.send(add, ID, 1, { claims: claimed() }), 'stale_claims');
  await sendsCode(b.routing.send(get, ID, undefined, { claims: claimed() }), 'stale_claims');
  assert.equal(world.counts.size, 0);
  assert.equal(await b.routing.send(add, ID, 1, { claims: claimed({ sections: [1, 2] }) }), 1);
  const faulty = two(new Set([FAULT.claimsUnchecked]));
  faulty.a.sections = [1, 2];
  assert.equal(await faulty.b.routing.send(add, ID, 1, { claims: claimed() }), 1);
});

test('a request starts no later than what the sender had read is good, by the owner’s own clock', async () => {
  for (const [fault, ends] of [
    [undefined, 'replicas'],
    [undefined, 'session'],
    [FAULT.byIgnored, 'replicas'],
  ] as const) {
    const { a, b } = two(fault && new Set([fault]));
    const endMs = b.clock.monotonicMs() + 110;
    if (ends === 'replicas') b.goodUntilMs = endMs;
    else b.deadlineMs = endMs;
    const late = (ms: number) => {
      a.beforeStart = () => a.clock.advance(ms);
      return b.routing.send(add, ID, 1, { claims: claimed() });
    };
    assert.equal(await late(99), 1);
    if (fault) assert.equal(await late(101), 2);
    else await sendsCode(late(101), 'stale_claims');
  }
});

test('what is not good here is sent nowhere', async () => {
  const { a, b } = two();
  await sendsCode(b.routing.send(add, ID, 1, { claims: claimed({ good: () => false }) }), 'stale_claims');
  b.goodUntilMs = Number.NEGATIVE_INFINITY;
  await sendsCode(b.routing.send(add, ID, 1, { claims: claimed() }), 'stale_claims');
  assert.equal(a.received, 0);
});

test('the token is pinned while the letter is under way, and no longer than it can start something', async () => {
  const { world, a, b } = two();
  const held = Promise.withResolvers<void>();
  a.beforeReply = () => held.promise;
  const sent = b.routing.send(add, ID, 1, { claims: claimed() });
  await settle();
  assert.deepEqual(b.pins, ['token:root/token/acc']);
  held.resolve();
  await sent;
  assert.deepEqual(b.pins, []);

  world.office.carryBack = async () => false;
  b.goodUntilMs = b.clock.monotonicMs() + 500;
  const lost = b.routing.send(add, ID, 1, { claims: claimed() });
  await settle();
  world.office.cut('peer-a', 'peer-b');
  await settle();
  assert.equal(b.pins.length, 1, 'the letter may still be on its way');
  b.clock.advance(499);
  await settle();
  assert.equal(b.pins.length, 1);
  b.clock.advance(1);
  assert.equal(b.pins.length, 0);
  await sendsCode(passing(b, lost), 'unavailable');
});

test('a letter that rests on an own token whose change is under way leaves after it', async () => {
  const { a, b } = two();
  const change = Promise.withResolvers<void>();
  b.changing = change.promise;
  b.goodUntilMs = Number.NEGATIVE_INFINITY;
  const sent = b.routing.send(add, ID, 1, { claims: claimed() });
  await settle();
  assert.equal(a.received, 0);
  b.changing = undefined;
  b.goodUntilMs = Number.POSITIVE_INFINITY;
  change.resolve();
  assert.equal(await sent, 1);
});

test('the actor that a letter goes to is not pinned by it', async () => {
  const { a, b } = two();
  const held = Promise.withResolvers<void>();
  a.beforeReply = () => held.promise;
  const claims = claimed({ basis: () => ({ actors: [ID, TOKEN], sections: [1, 1] }) });
  const sent = b.routing.send(add, ID, 1, { claims });
  await settle();
  assert.deepEqual(b.pins, ['token:root/token/acc']);
  held.resolve();
  await sent;
});

const replicaOf = (count: number) => ({ state: { count } as unknown, goodUntilMs: Infinity, version: 1 });

test('a good replica answers reads here; one is asked for at the fourth read within 10 s', async () => {
  const { a, b } = two();
  const read = () => b.routing.send(get, ID, undefined, OWN);
  b.grant = () => replicaOf(7);
  for (let n = 0; n < REPLICA_READS_WORTH - 1; n++) await read();
  b.clock.advance(HOT_READ_MS + 1);
  await read();
  for (const ms of [2_000, 1_000, 500]) {
    assert.deepEqual(b.spans, []);
    b.clock.advance(ms);
    await read();
  }
  // Within how long it was read so often is the reason given.
  assert.deepEqual(b.spans, [3_500]);
  assert.equal(await read(), 7);
  assert.deepEqual([b.spans.length, a.received], [1, 6]);
  assert.deepEqual(b.routing.peek(ID)?.state, { count: 7 });
});

test('a replica that is good no more sends the read to the owner', async () => {
  const { a, b } = two();
  const replica = { ...replicaOf(7) };
  b.replicas.set(KEY, replica);
  const peeked = b.routing.peek(ID)!;
  replica.state = undefined;
  assert.equal(peeked.state, undefined);
  assert.equal(await b.routing.send(get, ID, undefined, OWN), 0);
  assert.equal(a.received, 1);
});

test('what a replica answers is not over by the clock of its holder, only by the owner, who ends the replica', async () => {
  const { b } = two();
  // The time of nodes is 0 here.
  for (const [untilMs, told] of [
    [-7, -8],
    [0, -1],
    [1, 0],
    [7, 0],
  ] as const) {
    b.replicas.set(KEY, replicaOf(untilMs));
    assert.equal(await b.routing.send(endingHour, ID, undefined, OWN), told);
  }
});

test('on a replica, too, what is not authorized any more is stale', async () => {
  const { b } = two();
  b.replicas.set(KEY, replicaOf(7));
  await sendsCode(
    b.routing.send(get, ID, undefined, { claims: claimed({ good: () => false }) }),
    'stale_claims',
  );
});

test('records of a replica are read from the store, and count only if the replica is still the one', async () => {
  const { world, a, b } = two();
  const replica = replicaOf(7);
  b.replicas.set(KEY, replica);
  const path = 'data/root/m/counter/one!v/1';
  world.storage.records.set(path, { value: Buffer.from('payload'), version: 1 });
  assert.equal(await b.routing.send(withRecord, ID, undefined, OWN), 'payload');
  assert.equal(a.received, 0);
  world.storage.beforeGet = () => void b.replicas.set(KEY, replicaOf(8));
  assert.equal(await b.routing.send(withRecord, ID, undefined, OWN), 'at the owner');
  world.storage.beforeGet = undefined;
  world.storage.records.delete(path);
  assert.equal(await b.routing.send(withRecord, ID, undefined, OWN), 'at the owner');
  assert.equal(a.received, 2);
});

/** A change whose first try ran and was not answered; then nothing is known of it, and its authority is not good any more. */
async function unsettled(options: { request?: { isOver: boolean; clientId?: string | undefined } }) {
  const { world, a, b } = two();
  let isGood = true;
  const claims = claimed({ good: () => isGood });
  let lost = 0;
  world.office.carryBack = async () => lost++ > 0;
  const sent = b.routing.send(add, ID, 1, { claims, ...options });
  await settle();
  isGood = false;
  world.office.cut('peer-a', 'peer-b');
  world.office.mend('peer-a', 'peer-b');
  return { world, a, b, sent };
}

test('a change that was authorized anew goes on under its number, and nothing overtakes it', async () => {
  const request = { isOver: false };
  const { world, b, sent } = await unsettled({ request });
  await sendsCode(passing(b, sent), 'stale_claims');
  const next = b.routing.send(add, ID, 10, OWN);
  const again = b.routing.send(add, ID, 1, { claims: claimed(), request });
  assert.deepEqual(await passing(b, Promise.all([again, next])), [1, 11]);
  assert.equal(world.counts.get(KEY)?.count, 11);
});

test('an owner that lets go between commit and answer says only that it is the owner no more: nobody knows', async () => {
  const { world, a, b } = two();
  let isGood = true;
  a.beforeReply = () => {
    a.beforeReply = undefined;
    isGood = false;
    throw new Moved(a.view.epoch);
  };
  const request = { isOver: false };
  const sent = b.routing.send(add, ID, 1, { claims: claimed({ good: () => isGood }), request });
  await sendsCode(passing(b, sent), 'stale_claims');
  assert.equal(b.routing.isUnsettled!(request), true);
  assert.equal(await passing(b, b.routing.send(add, ID, 1, { claims: claimed(), request })), 1);
  assert.equal(world.counts.get(KEY)?.count, 1);
});

test('found stale again before anybody was asked, it is still the same change, of which nobody knows', async () => {
  for (const clientId of [undefined, '6f2f0d0c-60a4-4a0e-8f0b-2f6f8a3c1d12']) {
    const request = { isOver: false, clientId };
    const { world, b, sent } = await unsettled({ request });
    await sendsCode(passing(b, sent), 'stale_claims');
    const staleAgain = { claims: claimed({ good: () => false }), request };
    await sendsCode(passing(b, b.routing.send(add, ID, 1, staleAgain)), 'stale_claims');
    assert.equal(b.routing.isUnsettled!(request), true);
    assert.equal(await passing(b, b.routing.send(add, ID, 1, { claims: claimed(), request })), 1);
    assert.equal(world.counts.get(KEY)?.count, 1);
    assert.equal(b.routing.isUnsettled!(request), false);
  }
});

test('one that does not come back gives its place up: at once where its request is over, else after 5 s', async () => {
  for (const isOver of [true, false]) {
    const request = { isOver: false };
    const { b, sent } = await unsettled({ request });
    await sendsCode(passing(b, sent), 'stale_claims');
    request.isOver = isOver;
    const startMs = b.clock.monotonicMs();
    assert.equal(await passing(b, b.routing.send(add, ID, 10, OWN)), 11);
    const tookMs = b.clock.monotonicMs() - startMs;
    assert(isOver ? tookMs < 300 : tookMs >= 4_750 && tookMs < 5_100, `${tookMs} ms`);
  }
});

test('one that comes back after it gave its place up is not made a second time', async () => {
  const request = { isOver: false };
  const { world, b, sent } = await unsettled({ request });
  await sendsCode(passing(b, sent), 'stale_claims');
  assert.equal(await passing(b, b.routing.send(add, ID, 10, OWN)), 11);
  const again = b.routing.send(add, ID, 1, { claims: claimed(), request });
  await sendsCode(passing(b, again), 'unavailable');
  assert.equal(world.counts.get(KEY)?.count, 11);
  const another = b.routing.send(add, ID, 1, { claims: claimed(), request: { isOver: false } });
  assert.equal(await passing(b, another), 12);
});

test('one without a request that could come back is told that nobody knows', async () => {
  const { b, sent } = await unsettled({});
  await sendsCode(passing(b, sent), 'unavailable');
  assert.equal(await b.routing.send(add, ID, 10, OWN), 11);
});

test('a client that numbers its requests may send one twice, through any node, and it takes effect once', async () => {
  const { world, a, b } = two();
  const request = () => ({ isOver: false, clientId: '6f2f0d0c-60a4-4a0e-8f0b-2f6f8a3c1d11' });
  const caller = (accessor: string) => ({ accessor }) as Caller;
  const one = () => ({ claims: claimed(), caller: caller('acc'), request: request() });
  assert.equal(await a.routing.send(add, ID, 1, one()), 1);
  assert.equal(await b.routing.send(add, ID, 1, one()), 1);
  assert.equal(world.counts.get(KEY)?.count, 1);
  assert.equal(await b.routing.send(add, ID, 1, { ...one(), caller: caller('another') }), 2, 'of another');
  const same = one();
  assert.equal(await b.routing.send(add, ID, 1, same), 1);
  assert.equal(await b.routing.send(add, ID, 1, same), 3, 'a second change of one request is another one');
  a.sections = [2, 2];
  const fresh = { ...one(), request: { ...request(), clientId: '00000000-60a4-4a0e-8f0b-2f6f8a3c1d11' } };
  await sendsCode(b.routing.send(add, ID, 1, fresh), 'stale_claims');
  const anew = { ...fresh, claims: claimed({ sections: [2, 2] }) };
  assert.equal(await b.routing.send(add, ID, 1, anew), 4);
  assert.equal(await b.routing.send(add, ID, 1, { ...anew, request: { ...anew.request } }), 4);
});

test('what uses something up is used twice by a request that is sent twice, whatever its client calls it', async () => {
  const { a, b } = two();
  const sent = () => ({
    claims: claimed(),
    request: { isOver: false, clientId: '6f2f0d0c-60a4-4a0e-8f0b-2f6f8a3c1d11' },
  });
  assert.equal(await a.routing.send(use, ID, undefined, sent()), 1);
  assert.equal(await b.routing.send(use, ID, undefined, sent()), 2);
});

test('what the store does not do is tried again for 2 s, here and at the owner, and then nobody can answer', async () => {
  const { world, a, b } = two();
  for (const node of [a, b]) {
    for (const op of [
      () => node.routing.send(get, ID, undefined, OWN),
      () => node.routing.send(add, ID, 1, OWN),
    ]) {
      let fails = 3;
      a.beforeStart = () => {
        if (fails-- > 0) throw new StorageFailed('away', false);
      };
      await passing(node, op());
      fails = Number.POSITIVE_INFINITY;
      const startMs = node.clock.monotonicMs();
      await sendsCode(passing(node, op()), 'unavailable');
      const tookMs = node.clock.monotonicMs() - startMs;
      assert(tookMs > 1_500 && tookMs <= 2_000, `${tookMs} ms`);
    }
    const list = world.storage.list;
    let fails = 3;
    world.storage.list = async (...asked) => {
      if (fails-- > 0) throw new StorageFailed('away', true);
      return list(...asked);
    };
    assert.deepEqual(await passing(node, node.routing.list('counter', 'root', 'm', '')), []);
    fails = Number.POSITIVE_INFINITY;
    await sendsCode(passing(node, node.routing.index('i', 'g', 1)), 'unavailable');
    world.storage.list = list;
  }
  assert.equal(world.counts.get(KEY)?.count, 2);
});

test('an owner that must not serve yet runs nothing', async () => {
  const { a, b } = two();
  a.hasEntered = false;
  const sent = [a, b].map((node) => node.routing.send(add, ID, 1, OWN));
  await settle();
  assert.equal(a.received, 0);
  a.hasEntered = true;
  assert.deepEqual(await Promise.all([passing(a, sent[0]!), passing(b, sent[1]!)]), [1, 2]);
});

test('a letter to a former life of the owner is not taken by the next one', async () => {
  const { world, a, b } = two();
  const { inc, view } = a;
  world.office.carry = async () => {
    a.inc = 'another';
    a.view = { ...view, shards: view.shards.map(() => 'another') };
    return true;
  };
  const sent = b.routing.send(add, ID, 1, OWN);
  await settle();
  assert.equal(a.received, 0);
  world.office.carry = undefined;
  Object.assign(a, { inc, view });
  assert.equal(await passing(b, sent), 1);
});

test('a letter that nobody answers in time is sent again', async () => {
  const { world, b } = two();
  let isLate = true;
  world.office.carryBack = async () => {
    if (isLate) throw new CodedError('deadline');
    return true;
  };
  const sent = b.routing.send(add, ID, 1, OWN);
  await settle();
  isLate = false;
  assert.equal(await passing(b, sent), 1);
});

test('an operation on a state of another kind, or a change without a number, is not run', async () => {
  const { world, a } = two();
  const post = makePost({ transport: world.office.connect('peer-x') });
  const letter = { epoch: a.view.epoch, to: a.inc, op: add.id, id: ID, params: 1, entry: { inc: 'x', n: 1 } };
  const ask = (changes: object) =>
    post.request(
      'peer-a',
      RUN,
      writeLetter({ ...letter, caller: undefined, mount: undefined, auth: undefined, ...changes }),
    );
  for (const changes of [{ id: TOKEN }, { entry: undefined }, { op: 'unheard of' }])
    await assert.rejects(ask(changes), { code: 'unsupported' });
  assert.equal(a.received, 0);
  assert.equal(await ask({}), 1);
});
