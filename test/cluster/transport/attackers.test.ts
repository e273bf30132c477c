import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import tls from 'node:tls';
import { parseHostPort } from '../../../src/cluster/transport/address.ts';
import type { AdmissionRefused, Exchange } from '../../../src/cluster/transport/admission.ts';
import { channelOf, KEY_AGREEMENT } from '../../../src/cluster/transport/channel.ts';
import { encodeFrame, type Frame, frame, KINDS } from '../../../src/cluster/transport/frame.ts';
import { LARGE_PROTOCOL } from '../../../src/cluster/transport/large.ts';
import { decodeRefusal } from '../../../src/cluster/transport/refusal.ts';
import { ADMISSION_PROTOCOL, MESSAGES_PROTOCOL } from '../../../src/cluster/transport/transport.ts';
import {
  ADMISSION_BYTES_MAX,
  ADMISSION_MS,
  CONNECTION_UPGRADE_MS,
  MESSAGE_INLINE_BYTES_MAX,
  MIB,
  STRANGERS_MAX,
  STRANGERS_PER_HOST_MAX,
} from '../../../src/model/limits.ts';
import { systemClock } from '../../../src/system-clock.ts';
import { admitRaw, connectRaw, rawMember } from '../../support/raw-peer.ts';
import { linked, SECRET, startNode, type TestNode } from '../../support/transports.ts';
import { until } from '../../support/until.ts';

/** A node that counts whatever reaches its handlers. */
async function startGuarded(
  t: TestContext,
  changes: Parameters<typeof startNode>[1] = {},
): Promise<TestNode & { reached: string[] }> {
  const node = await startNode(t, changes);
  const reached: string[] = [];
  node.onRequest(({ bytes }) => {
    reached.push(`request ${bytes.length}`);
    return bytes;
  });
  node.onMessage(({ bytes }) => void reached.push(`message ${bytes.length}`));
  node.onPeer((_peer, change) => void reached.push(change));
  return { ...node, reached };
}

function portOf(node: TestNode): number {
  return parseHostPort(node.at.addresses[0]!).port;
}

/** Well before its time as a stranger is over, which ends a connection in any case. */
const AT_ONCE_MS = ADMISSION_MS * 0.6;

/** A plain TCP connection; errors are what the test waits for. */
function knock(node: TestNode, localAddress = '127.0.0.1'): Socket {
  return connect({ port: portOf(node), host: '127.0.0.1', localAddress }).on('error', () => {});
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.resume().once('close', () => resolve()));
}

test('both ends see one binding for a connection, another for the next, and the keys are post-quantum', async (t) => {
  const node = await startNode(t);
  const seen: string[] = [];
  for (let n = 0; n < 2; n++) {
    const raw = await connectRaw(t, node);
    const channel = channelOf(raw.connection);
    assert.equal(channel?.keyAgreement, KEY_AGREEMENT);
    assert.equal(KEY_AGREEMENT, 'X25519MLKEM768');
    assert.equal(channel.binding.length, 32);
    seen.push(Buffer.from(channel.binding).toString('hex'));
    // The listener's is the same, or the admission would fail.
    await admitRaw(raw, node);
  }
  assert.notEqual(seen[0], seen[1]);
});

test('a listener that agrees on keys without ML-KEM is not talked to', async (t) => {
  const [a, b] = [await startNode(t), await startNode(t)];
  const groups = tls.DEFAULT_ECDH_CURVE;
  t.after(() => {
    tls.DEFAULT_ECDH_CURVE = groups;
  });
  tls.DEFAULT_ECDH_CURVE = 'X25519';
  a.keep([b.at]);
  await until('it gives up', () => a.counts().refused > 1);
  assert.deepEqual([...a.peers(), ...b.peers()], []);
  tls.DEFAULT_ECDH_CURVE = groups;
  await linked(a, b);
});

test('without the secret, or with another one, nobody comes in', async (t) => {
  const node = await startGuarded(t);
  for (const secrets of [[], [Buffer.alloc(32, 1)]]) {
    const stranger = await startGuarded(t, { secrets: () => secrets });
    stranger.keep([node.at]);
    await until('it was refused twice', () => stranger.counts().refused >= 2);
    assert.deepEqual([...stranger.peers(), ...stranger.reached], []);
    await stranger.stop();
  }
  assert.deepEqual([...node.peers(), ...node.reached], []);
  await until('nothing is left of them', () => node.counts().strangers === 0);
});

test('a member that dials an impostor does not talk to it either', async (t) => {
  const impostor = await startGuarded(t, { secrets: () => [Buffer.alloc(32, 1)] });
  const member = await startGuarded(t);
  member.keep([impostor.at]);
  await until('it found out', () => member.counts().refused >= 2);
  assert.deepEqual([...member.peers(), ...member.reached, ...impostor.reached], []);
});

test('a barred identity is cut off after TLS, with the right secret', async (t) => {
  const barred = new Set<string>();
  const node = await startGuarded(t, { isBarred: (peer) => barred.has(peer) });
  const raw = await connectRaw(t, node);
  const removedMeanwhile = (exchange: Exchange): Exchange => ({
    next: exchange.next,
    send(sent) {
      barred.add(raw.identity.peer);
      exchange.send(sent);
    },
  });
  await assert.rejects(
    admitRaw(raw, node, [SECRET], removedMeanwhile),
    (error: AdmissionRefused) => error.verdict === 'barred' && error.byPeer,
  );
  await raw.host.stop();
  const again = await connectRaw(t, node, raw.identity);
  await until('it is closed', () => again.connection.status !== 'open', AT_ONCE_MS);
  assert.deepEqual(node.reached, []);
});

test('a recorded admission played again is refused', async (t) => {
  const node = await startGuarded(t);
  const recorded: Frame[] = [];
  const record = (exchange: Exchange): Exchange => ({
    next: exchange.next,
    send(sent) {
      recorded.push(sent);
      exchange.send(sent);
    },
  });
  const honest = await connectRaw(t, node);
  await admitRaw(honest, node, [SECRET], record);
  assert.equal(recorded.length, 2);
  await honest.host.stop();
  await until('it is gone', () => node.peers().length === 0);

  const replay = (exchange: Exchange): Exchange => ({
    next: exchange.next,
    send: () => exchange.send(recorded.shift()!),
  });
  const thief = await connectRaw(t, node, honest.identity);
  await assert.rejects(
    admitRaw(thief, node, [], replay),
    (error: AdmissionRefused) => error.verdict === 'wrong_secret' && error.byPeer,
  );
  assert.deepEqual(node.reached, ['up', 'down']);
});

test('a stranger that opens any other stream loses its connection', async (t) => {
  const node = await startGuarded(t);
  for (const protocol of [MESSAGES_PROTOCOL, LARGE_PROTOCOL]) {
    const raw = await connectRaw(t, node);
    // It may be closed before we come to send anything.
    await raw.connection
      .newStream([protocol])
      .then((stream) => stream.send(encodeFrame(frame(1, KINDS.request, 1, Buffer.of(1)))))
      .catch(() => {});
    await until(`${protocol} is refused`, () => raw.connection.status !== 'open', AT_ONCE_MS);
  }
  // And in the middle of an admission.
  const raw = await connectRaw(t, node);
  const began = await raw.connection.newStream([ADMISSION_PROTOCOL]);
  began.send(encodeFrame(frame(1, KINDS.hello, 0, Buffer.alloc(53))));
  await raw.connection.newStream([MESSAGES_PROTOCOL]).catch(() => {});
  await until('it is closed', () => raw.connection.status !== 'open', AT_ONCE_MS);
  assert.deepEqual(node.reached, []);
  assert.equal(node.counts().links, 0);
});

test('garbage and oversized messages in the admission end it', async (t) => {
  const node = await startGuarded(t);
  const hello = encodeFrame(frame(1, KINDS.hello, 0, Buffer.alloc(53)));
  const bad = [
    randomBytes(100),
    Buffer.alloc(64 * 1024, 0xff),
    encodeFrame(frame(1, KINDS.hello, 0, Buffer.alloc(ADMISSION_BYTES_MAX + 1))),
    encodeFrame(frame(1, KINDS.hello, 0, Buffer.alloc(3))),
    encodeFrame(frame(1, KINDS.verdict, 0, Buffer.of(0))),
    Buffer.concat([hello, hello]),
    Buffer.concat(Array.from({ length: 20 }, () => hello)),
  ];
  for (const [n, bytes] of bad.entries()) {
    const raw = await connectRaw(t, node);
    const stream = await raw.connection.newStream([ADMISSION_PROTOCOL]);
    stream.send(bytes);
    await until(`case ${n} ends`, () => raw.connection.status !== 'open', AT_ONCE_MS);
  }
  assert.deepEqual(node.reached, []);
  await until('nothing is left of them', () => node.counts().strangers === 0);
});

test('a second admission on one connection ends it', async (t) => {
  const node = await startGuarded(t);
  const raw = await connectRaw(t, node);
  await admitRaw(raw, node);
  await until('it is linked', () => node.peers().length === 1);
  await raw.connection.newStream([ADMISSION_PROTOCOL]).catch(() => {});
  await until('it is closed', () => node.peers().length === 0 && raw.connection.status !== 'open');
});

test('garbage instead of TLS, TLS without a certificate, and garbage inside TLS leave nothing behind', async (t) => {
  const node = await startGuarded(t);
  for (const bytes of [
    randomBytes(1_000),
    Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    Buffer.from('16030100', 'hex'),
  ]) {
    const socket = knock(node);
    await once(socket, 'connect');
    socket.end(bytes);
    await closed(socket);
  }
  const multistream = Buffer.from('\x13/multistream/1.0.0\n\x0b/tls/1.0.0\n');
  const plain = knock(node);
  await once(plain, 'connect');
  plain.write(multistream);
  await once(plain, 'data');
  const secured = tls.connect({ socket: plain, rejectUnauthorized: false, ALPNProtocols: ['libp2p'] });
  secured.on('error', () => {});
  await closed(secured);

  const raw = await connectRaw(t, node);
  (raw.connection as unknown as { muxer: { maConn: { send(bytes: Uint8Array): void } } }).muxer.maConn.send(
    randomBytes(4_000),
  );
  await until('it is closed', () => raw.connection.status !== 'open');
  await until('nothing is left of them', () => node.counts().strangers === 0);
  assert.deepEqual(node.reached, []);
});

test('who is silent after TLS is cut off, who was admitted stays', async (t) => {
  // The node's time runs fifty times as fast.
  const clock = { ...systemClock, after: (run: () => void, ms: number) => systemClock.after(run, ms / 50) };
  const node = await startGuarded(t, { clock });
  const member = await startNode(t);
  member.keep([node.at]);
  await linked(member, node);
  const raw = await connectRaw(t, node);
  const began = performance.now();
  await until('it is cut off', () => raw.connection.status !== 'open');
  assert(performance.now() - began < ADMISSION_MS / 2);
  await until('it is no stranger any more', () => node.counts().strangers === 0);
  assert.deepEqual(node.reached, ['up']);
});

test('half-open connections of one host are few, end by themselves, and do not keep members out', {
  skip: process.platform === 'linux' ? false : 'platform: only Linux has all of 127/8',
}, async (t) => {
  const node = await startGuarded(t);
  const silent = Array.from({ length: STRANGERS_PER_HOST_MAX + 20 }, () => knock(node, '127.0.0.2'));
  t.after(() => {
    for (const socket of silent) socket.destroy();
  });
  const isOpen = (socket: Socket) => socket.resume().readyState !== 'closed' && !socket.destroyed;
  await until(
    'those beyond the bound are closed',
    () => silent.filter(isOpen).length === STRANGERS_PER_HOST_MAX,
  );
  assert.equal(node.counts().strangers, STRANGERS_PER_HOST_MAX);
  assert(STRANGERS_PER_HOST_MAX < STRANGERS_MAX);
  const member = await startNode(t);
  member.keep([node.at]);
  await linked(member, node);
  const began = performance.now();
  await until('all are closed', () => silent.filter(isOpen).length === 0, 2 * CONNECTION_UPGRADE_MS);
  assert(performance.now() - began < CONNECTION_UPGRADE_MS + 1_000);
  await until('all are forgotten', () => node.counts().strangers === 0);
});

test('a member that breaks the framing loses its link, and nothing else happens', async (t) => {
  const node = await startGuarded(t);
  const over = Buffer.alloc(18);
  over.writeUInt32BE(14 + MESSAGE_INLINE_BYTES_MAX + 1);
  const bad = [over, randomBytes(64), Buffer.alloc(64, 0xff), Buffer.alloc(64)];
  bad[1]![0] = 0xff;
  for (const [n, bytes] of bad.entries()) {
    const raw = await rawMember(t, node);
    raw.outgoing.send(bytes);
    await until(`case ${n} ends`, () => node.peers().length === 0);
    await until('the connection, too', () => raw.connection.status !== 'open');
  }
  const twice = await rawMember(t, node);
  await twice.connection.newStream([MESSAGES_PROTOCOL]).catch(() => {});
  await until(
    'a second stream is refused',
    () => twice.connection.status !== 'open' || node.peers().length === 1,
  );
  const large = await rawMember(t, node);
  const stream = await large.connection.newStream([LARGE_PROTOCOL]);
  const whole = encodeFrame(frame(1, KINDS.message, 1, Buffer.of(1)));
  stream.send(Buffer.concat([whole, whole]));
  await until('two messages on a stream for one', () => large.connection.status !== 'open');
  assert.deepEqual(
    node.reached.filter((what) => what !== 'up' && what !== 'down'),
    ['message 1'],
  );
});

test('what is not understood is answered `unsupported`, never passed over', async (t) => {
  const node = await startGuarded(t);
  const raw = await rawMember(t, node);
  raw.write(
    frame(1, 77, 1),
    frame(9, 200, 2, Buffer.of(1)),
    frame(3, KINDS.request, 3, Buffer.of(1)),
    frame(0, KINDS.message, 4, Buffer.of(1)),
    { ...frame(1, KINDS.request, 5), flags: 1 },
    frame(2, KINDS.request, 6, Buffer.of(1)),
    frame(1, KINDS.ping, 7),
  );
  await until('each is answered', () => raw.got.length >= 7);
  const answers = new Map(raw.got.map((got) => [got.id, got]));
  for (const id of [1, 2, 3, 4, 5]) {
    assert.equal(answers.get(id)?.kind, KINDS.refusal, `id ${id}`);
    assert.equal(decodeRefusal(answers.get(id)!.payload).code, 'unsupported', `id ${id}`);
  }
  assert.equal(answers.get(6)?.kind, KINDS.reply);
  assert.equal(answers.get(7)?.kind, KINDS.pong);
  assert.deepEqual(node.reached, ['up', 'request 1']);
  assert.deepEqual(node.peers(), [raw.identity.peer], 'the link stays');

  const lost = node.request(raw.identity.peer, Buffer.of(1));
  await until('we are asked', () => raw.got.some(({ kind }) => kind === KINDS.request));
  const { id } = raw.got.find(({ kind }) => kind === KINDS.request)!;
  raw.write(frame(1, KINDS.reply, 4_711), frame(1, KINDS.refusal, 4_712), frame(1, KINDS.cancel, 4_713));
  raw.write(frame(9, KINDS.reply, id));
  await assert.rejects(lost, { code: 'unsupported' });
});

test('a peer that does not read is `overloaded`; memory stays bounded', async (t) => {
  const node = await startGuarded(t);
  const raw = await rawMember(t, node);
  raw.incoming()!.pause();
  const before = process.memoryUsage();
  let refused: unknown;
  let taken = 0;
  for (; taken < 3_000 && refused === undefined; taken++) {
    try {
      node.send(raw.identity.peer, Buffer.alloc(32 * 1024));
    } catch (error) {
      refused = error;
    }
    if (taken % 16 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal((refused as { code?: string })?.code, 'overloaded', `${taken} were taken`);
  const { arrayBuffers } = process.memoryUsage();
  assert(arrayBuffers - before.arrayBuffers < 40 * MIB, `${(arrayBuffers - before.arrayBuffers) / MIB} MiB`);
  await assert.rejects(node.request(raw.identity.peer, Buffer.of(1)), { code: 'overloaded' });
  raw.incoming()!.resume();
  await until('all that was taken arrives', () => raw.got.length >= taken - 1);
});

test('a peer that asks and does not read is refused, and at last cut off', async (t) => {
  const node = await startNode(t);
  let handled = 0;
  node.onRequest(() => {
    handled++;
    return Buffer.alloc(200 * 1024);
  });
  const raw = await rawMember(t, node);
  raw.incoming()!.pause();
  let asked = 0;
  const peak: number[] = [];
  while (node.peers().length > 0 && asked < 1_000_000) {
    const burst = Array.from({ length: 500 }, () => frame(1, KINDS.request, ++asked, Buffer.of(1)));
    try {
      raw.write(...burst);
    } catch {
      break;
    }
    peak.push(node.counts().waitingBytes);
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.deepEqual(node.peers(), [], 'it was cut off');
  assert(handled < 120, `${handled} were handled`);
  assert(Math.max(...peak) < 40 * MIB);
});

test('any number of identities leave nothing behind', async (t) => {
  const node = await startGuarded(t, { secrets: () => [Buffer.alloc(32, 1)] });
  for (let n = 0; n < 12; n++) {
    const raw = await connectRaw(t, node);
    await assert.rejects(admitRaw(raw, node));
    await raw.host.stop();
  }
  await until('no connection is left', () => node.counts().strangers === 0);
  let known = -1;
  await until('and no identity', () => {
    void node.known().then((count) => {
      known = count;
    });
    return known === 0;
  });
});
