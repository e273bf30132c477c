import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { identityFromSeed } from '../../../src/cluster/transport/identity.ts';
import { CodedError } from '../../../src/model/errors.ts';
import { ADMISSION_MS, MESSAGE_BYTES_MAX, MIB, PEER_REQUESTS_MAX } from '../../../src/model/limits.ts';
import { freePort } from '../../support/free-port.ts';
import { linked, SECRET, startNode, startPair, type TestNode } from '../../support/transports.ts';
import { until } from '../../support/until.ts';

const code = (wanted: string) => (error: CodedError) => {
  assert.equal(error.code, wanted, String(error));
  return true;
};

test('requests are answered, messages arrive, both ways over one link', async (t) => {
  const [a, b] = await startPair(t);
  for (const node of [a, b]) {
    node.onRequest(({ bytes, peer, protocol }) => {
      assert.equal(protocol, 1);
      return Buffer.concat([Buffer.from(peer), bytes]);
    });
  }
  const [atA, atB] = await Promise.all([b.request(a.peer, Buffer.of(1)), a.request(b.peer, Buffer.of(2))]);
  assert.deepEqual(Buffer.from(atA), Buffer.concat([Buffer.from(b.peer), Buffer.of(1)]));
  assert.deepEqual(Buffer.from(atB), Buffer.concat([Buffer.from(a.peer), Buffer.of(2)]));

  const got: string[] = [];
  b.onMessage(({ bytes, peer }) => void got.push(`${peer} ${Buffer.from(bytes)}`));
  for (let n = 0; n < 1_000; n++) a.send(b.peer, Buffer.from(String(n)));
  await until('all messages have come', () => got.length === 1_000);
  assert.equal(new Set(got).size, 1_000);
  assert(got.includes(`${a.peer} 999`));
  assert.deepEqual(a.peers(), [b.peer]);
  assert.equal(a.counts().links, 1);
  assert.equal(a.counts().strangers + b.counts().strangers, 0);
});

test('many requests at once each get their own reply', async (t) => {
  const [a, b] = await startPair(t);
  b.onRequest(async ({ bytes }) => {
    const copy = Buffer.from(bytes);
    if (copy[0]! % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
    return copy;
  });
  const sent = Array.from({ length: 3_000 }, (_, n) =>
    Buffer.concat([Buffer.of(n & 0xff), randomBytes(n % 2_000)]),
  );
  const replies = await Promise.all(sent.map((bytes) => a.request(b.peer, Buffer.from(bytes))));
  for (const [n, reply] of replies.entries()) assert(sent[n]!.equals(Buffer.from(reply)), `reply ${n}`);
});

test('what a handler throws crosses as code and texts; what is no CodedError says nothing', async (t) => {
  const [a, b] = await startPair(t);
  await assert.rejects(a.request(b.peer, Buffer.of(0)), code('unsupported'), 'nobody takes requests');
  b.onRequest(({ bytes }) => {
    if (bytes[0] === 1) throw new CodedError('conflict', 'the version is another');
    if (bytes[0] === 2) throw new Error('s3cret');
    return Promise.reject(bytes[0] === 3 ? new CodedError('sealed') : new TypeError('s3cret'));
  });
  await assert.rejects(a.request(b.peer, Buffer.of(1)), {
    code: 'conflict',
    message: 'the version is another',
  });
  await assert.rejects(a.request(b.peer, Buffer.of(2)), { code: 'internal', message: 'internal error' });
  await assert.rejects(a.request(b.peer, Buffer.of(3)), code('sealed'));
  await assert.rejects(a.request(b.peer, Buffer.of(4)), { code: 'internal', message: 'internal error' });
});

test('a request ends at its deadline or its signal, here and there', async (t) => {
  const [a, b] = await startPair(t);
  const seen: string[] = [];
  b.onRequest(
    ({ signal, timeoutMs, bytes }) =>
      new Promise((_resolve, reject) => {
        const name = Buffer.from(bytes).toString();
        if (name === 'deadline') assert(timeoutMs > 0 && timeoutMs <= 30, String(timeoutMs));
        signal.addEventListener('abort', () => {
          seen.push(name);
          reject(signal.reason);
        });
        seen.push(`${name} began`);
      }),
  );
  await assert.rejects(a.request(b.peer, Buffer.from('deadline'), { timeoutMs: 30 }), code('deadline'));
  await until('the handler was told', () => seen.includes('deadline'));

  const stop = new AbortController();
  const cancelled = a.request(b.peer, Buffer.from('cancelled'), { signal: stop.signal });
  await until('it is handled', () => seen.includes('cancelled began'));
  stop.abort(new Error('enough'));
  await assert.rejects(cancelled, /enough/);
  await until('the handler was told', () => seen.includes('cancelled'));

  await assert.rejects(a.request(b.peer, Buffer.of(0), { signal: AbortSignal.abort(new Error('no')) }), /no/);
  await until('nothing is left', () => a.counts().asked === 0 && b.counts().handled === 0);
});

test('long messages travel beside the short ones, which pass them', async (t) => {
  const [a, b] = await startPair(t);
  const large = randomBytes(5 * MIB);
  const order: string[] = [];
  b.onRequest(({ bytes }) => bytes.slice());
  b.onMessage(({ bytes }) => void order.push(`message ${bytes.length}`));
  const replies = Array.from({ length: 6 }, () =>
    a.request(b.peer, Buffer.from(large)).then((reply) => {
      order.push('large');
      assert(large.equals(Buffer.from(reply)));
    }),
  );
  await a.request(b.peer, Buffer.of(1)).then(() => order.push('small'));
  await Promise.all(replies);
  assert.equal(order[0], 'small');
  a.send(b.peer, Buffer.alloc(MIB));
  await until('a long message arrives, too', () => order.includes(`message ${MIB}`));
  await until('nothing waits', () => a.counts().waitingBytes === 0);
});

test('more than the longest message is refused, as request and as reply', async (t) => {
  const [a, b] = await startPair(t);
  b.onRequest(() => Buffer.alloc(MESSAGE_BYTES_MAX + 1));
  assert.throws(() => a.send(b.peer, Buffer.alloc(MESSAGE_BYTES_MAX + 1)), code('too_large'));
  await assert.rejects(a.request(b.peer, Buffer.alloc(MESSAGE_BYTES_MAX + 1)), code('too_large'));
  await assert.rejects(a.request(b.peer, Buffer.of(1)), code('too_large'));
});

test('more requests than a peer may have at once are overloaded, and the others are served', async (t) => {
  const [a, b] = await startPair(t);
  const open = Promise.withResolvers<void>();
  b.onRequest(async ({ bytes }) => {
    await open.promise;
    return bytes;
  });
  const all = Array.from({ length: PEER_REQUESTS_MAX + 10 }, () => a.request(b.peer, Buffer.of(1)));
  const outcomes = Promise.allSettled(all);
  await until('it is full', () => b.counts().handled === PEER_REQUESTS_MAX);
  await assert.rejects(all.at(-1)!, code('overloaded'));
  open.resolve();
  const failed = (await outcomes).filter(({ status }) => status === 'rejected');
  assert.equal(failed.length, 10);
});

test('a lost connection rejects at once what is under way, and nothing is taken after', async (t) => {
  const [a, b] = await startPair(t);
  b.onRequest(() => new Promise(() => {}));
  const pending = [1, 2, 3].map((n) => a.request(b.peer, Buffer.of(n)));
  const large = a.request(b.peer, Buffer.alloc(3 * MIB));
  await until('they are handled', () => b.counts().handled >= 3);
  const told: string[] = [];
  a.onPeer((peer, change) => told.push(`${peer} ${change} ${a.peers().length}`));
  a.keep([]);
  const outcomes = Promise.allSettled([...pending, large]);
  await b.stop();
  for (const outcome of await outcomes) {
    assert.equal(outcome.status, 'rejected');
    code('connection_lost')((outcome as PromiseRejectedResult).reason);
  }
  assert.deepEqual(told, [`${b.peer} down 0`]);
  assert.throws(() => a.send(b.peer, Buffer.of(1)), code('connection_lost'));
  await assert.rejects(a.request(b.peer, Buffer.of(1)), code('connection_lost'));
});

test('handlers are told that nobody waits when their link is lost', async (t) => {
  const [a, b] = await startPair(t);
  const told = Promise.withResolvers<void>();
  b.onRequest(
    ({ signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          told.resolve();
          reject(signal.reason);
        });
      }),
  );
  const request = a.request(b.peer, Buffer.of(1));
  request.catch(() => {});
  await until('it is handled', () => b.counts().handled === 1);
  a.drop(b.peer);
  await told.promise;
  await assert.rejects(request, code('connection_lost'));
});

test('a peer that was away is linked again by itself, as down and up', async (t) => {
  const identity = await identityFromSeed(randomBytes(32));
  const listen = `127.0.0.1:${await freePort()}`;
  const a = await startNode(t);
  const told: string[] = [];
  a.onPeer((peer, change) => {
    assert.equal(peer, identity.peer);
    told.push(change);
  });
  a.keep([{ peer: identity.peer, addresses: [listen] }]);
  const first = await startNode(t, { identity, listen });
  await linked(a, first);
  await first.stop();
  await until('it is gone', () => a.peers().length === 0);
  const second = await startNode(t, { identity, listen });
  second.onRequest(({ bytes }) => bytes);
  await linked(a, second);
  assert.equal((await a.request(identity.peer, Buffer.of(1, 2))).length, 2);
  assert.deepEqual(told, ['up', 'down', 'up']);

  a.drop(identity.peer);
  assert.deepEqual(a.peers(), []);
  await linked(a, second);
  a.keep([]);
  assert.deepEqual(a.peers(), [identity.peer], 'the link stays, it is only not dialed again');
});

test('of several addresses the one that answers is used; another identity there is refused', async (t) => {
  const [a, b, c] = [await startNode(t), await startNode(t), await startNode(t)];
  const nobody = `127.0.0.1:${await freePort()}`;
  a.keep([{ peer: b.peer, addresses: ['nonsense', nobody, c.at.addresses[0]!, b.at.addresses[0]!] }]);
  await linked(a, b);
  assert.deepEqual(a.peers(), [b.peer]);
  assert.deepEqual(c.peers(), []);
});

test('two that dial each other at once end with one link, and lose no request', async (t) => {
  const pairs = await Promise.all(
    Array.from({ length: 3 }, async () => {
      const [a, b] = await Promise.all([startNode(t), startNode(t)]);
      for (const node of [a, b]) node.onRequest(({ bytes }) => bytes);
      return [a, b] as const;
    }),
  );
  for (const [a, b] of pairs) {
    a.keep([b.at]);
    b.keep([a.at]);
  }
  await Promise.all(
    pairs.flatMap(([a, b]) =>
      [
        [a, b],
        [b, a],
      ].map(async ([from, to]) => {
        await until('it is linked', () => from!.peers().includes(to!.peer));
        // While the second link is given up.
        for (let n = 0; n < 5_000; n++) {
          await from!.request(to!.peer, Buffer.of(n & 0xff));
          if (n > 100 && from!.counts().retiring === 0) break;
        }
      }),
    ),
  );
  for (const [a, b] of pairs) {
    await until('one link is left', () => a.counts().retiring + b.counts().retiring === 0);
    assert.equal(a.counts().links + b.counts().links, 2);
    assert.equal(a.counts().strangers + b.counts().strangers, 0);
  }
});

test('five nodes that know each other are all linked', async (t) => {
  const nodes = await Promise.all(Array.from({ length: 5 }, () => startNode(t)));
  for (const node of nodes) {
    node.onRequest(({ peer }) => Buffer.from(peer));
    node.keep(nodes.map(({ at }) => at));
  }
  await until('all are linked', () => nodes.every((node) => node.peers().length === 4));
  for (const from of nodes) {
    for (const to of nodes) {
      if (from === to) continue;
      assert.equal(Buffer.from(await from.request(to.peer, Buffer.of(1))).toString(), from.peer);
    }
  }
});

test('while the secret is replaced the cluster stays whole, and then the old one is worth nothing', async (t) => {
  const NEW = Buffer.alloc(32, 8);
  let ofA = [SECRET];
  let ofB = [SECRET];
  const [a, b] = await startPair(t, { secrets: () => ofA }, { secrets: () => ofB });
  const told: string[] = [];
  a.onPeer((_peer, change) => told.push(change));
  ofA = [NEW, SECRET];
  a.reconsider();
  ofB = [NEW, SECRET];
  b.reconsider();
  assert.equal(told.length, 0, 'the old one still counts');
  const joined = await startNode(t, { secrets: () => [NEW] });
  joined.keep([a.at, b.at]);
  await linked(joined, a);
  await linked(joined, b);

  ofA = [NEW];
  ofB = [NEW];
  a.reconsider();
  b.reconsider();
  assert.equal(told[0], 'up');
  assert(told.includes('down'), 'links that the old one made are made anew');
  await linked(a, b);
  await linked(joined, a);
  const late = await startNode(t, { secrets: () => [SECRET] });
  late.keep([a.at]);
  await until('it was refused', () => late.counts().refused > 0);
  assert.deepEqual(late.peers(), []);
});

test('with `approve` a new identity waits for an operator, and then comes in by itself', async (t) => {
  const approved = new Set<string>();
  const applicants: string[] = [];
  const a = await startNode(t, {
    isAdmitted: (peer) => approved.has(peer),
    onApplicant: (peer, host) => applicants.push(`${peer} ${host}`),
  });
  let handled = 0;
  a.onRequest(({ bytes }) => {
    handled++;
    return bytes;
  });
  const b = await startNode(t);
  b.keep([a.at]);
  await until('it asks', () => applicants.length > 0);
  assert.equal(applicants[0], `${b.peer} 127.0.0.1`);
  await until('it was told', () => b.counts().refused > 0);
  assert.deepEqual([...a.peers(), ...b.peers()], []);
  await assert.rejects(b.request(a.peer, Buffer.of(1)), code('connection_lost'));

  // Without the secret nobody even becomes an applicant.
  const stranger = await startNode(t, { secrets: () => [Buffer.alloc(32, 1)] });
  stranger.keep([a.at]);
  await until('it was refused', () => stranger.counts().refused > 0);
  assert(!applicants.some((line) => line.startsWith(stranger.peer)));
  assert.equal(handled, 0);

  approved.add(b.peer);
  b.reconsider();
  await linked(a, b);
  await b.request(a.peer, Buffer.of(1));
  assert.equal(handled, 1);
});

test('a removed identity is out at once and never comes back, though it holds the secret', async (t) => {
  const barred = new Set<string>();
  const [a, b] = await startPair(t, {}, { isBarred: (peer) => barred.has(peer) });
  barred.add(a.peer);
  b.reconsider();
  assert.deepEqual(b.peers(), []);
  await until('it tries again', () => a.counts().refused >= 2);
  assert.deepEqual([...a.peers(), ...b.peers()], []);
  // Nor is it dialed.
  b.keep([a.at]);
  await until('it is not dialed', () => b.counts().refused > 0 || a.counts().refused >= 3);
  assert.deepEqual([...a.peers(), ...b.peers()], []);
});

test('stopped while connections are being made, nothing is left of them', async (t) => {
  const sockets = () => process.getActiveResourcesInfo().filter((what) => what === 'TCPSocketWrap').length;
  const before = sockets();
  // Each question about an identity is a step on the way of a connection; at each, one of the two is stopped.
  for (let step = 1; step <= 5; step++) {
    for (const stopped of ['dialer', 'listener']) {
      let asked = 0;
      const gone = Promise.withResolvers<void>();
      const stopAtStep = (node: () => TestNode, which: string) => () => {
        if (which === stopped && ++asked === step) node().stop().then(gone.resolve, gone.reject);
        return false;
      };
      const a: TestNode = await startNode(t, { isBarred: stopAtStep(() => a, 'dialer') });
      const b: TestNode = await startNode(t, { isBarred: stopAtStep(() => b, 'listener') });
      a.keep([b.at]);
      // Where it was linked before so many questions were asked.
      await until('that step has come', () => asked >= step || b.peers().length > 0);
      if (asked < step) await (stopped === 'dialer' ? a : b).stop();
      else await gone.promise;
      // By the one that stopped: the other dials it again where it may.
      a.keep([]);
      await until(`all are closed: ${stopped} at ${step}`, () => sockets() <= before, ADMISSION_MS / 2);
      assert.deepEqual([...a.peers(), ...b.peers()], [], `${stopped} at ${step}`);
      await (stopped === 'dialer' ? b : a).stop();
    }
  }
});

test('an address that is taken is named in one sentence', async (t) => {
  const first = await startNode(t);
  const listen = first.at.addresses[0]!;
  await assert.rejects(startNode(t, { listen }), {
    message: `cannot listen on ${listen} for other nodes: the address is already in use`,
  });
});
