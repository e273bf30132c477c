import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeFrame, frame, KINDS } from '../../../src/cluster/transport/frame.ts';
import { LARGE_PROTOCOL } from '../../../src/cluster/transport/large.ts';
import type { Clock } from '../../../src/model/clock.ts';
import { LINK_LOOK_MS, LINK_SILENT_MS, LINK_STALLED_MS } from '../../../src/model/limits.ts';
import { rawMember } from '../../support/raw-peer.ts';
import { linked, startNode } from '../../support/transports.ts';
import { until } from '../../support/until.ts';

/** All times of the node are so much shorter. */
const SPEED = 10;

const fast: Clock = {
  monotonicMs: () => performance.now() * SPEED,
  wallMs: () => Date.now(),
  after(run, ms) {
    const timer = setTimeout(run, ms / SPEED);
    return { clear: () => clearTimeout(timer) };
  },
};

test('a peer without a sign of life is given up, one that has nothing to say is not', async (t) => {
  const node = await startNode(t, { clock: fast });
  const quiet = await startNode(t);
  quiet.keep([node.at]);
  await linked(quiet, node);
  // It reads, and answers no ping.
  const silent = await rawMember(t, node);
  const began = performance.now();
  await until('it is given up', () => silent.connection.status !== 'open', 2_000);
  assert(performance.now() - began >= LINK_SILENT_MS / SPEED);
  assert(silent.got.filter(({ kind }) => kind === KINDS.ping).length >= 2, 'it was asked');
  assert.deepEqual(node.peers(), [quiet.peer]);
});

test('a long message that comes slowly is a sign of life', async (t) => {
  const node = await startNode(t, { clock: fast });
  const raw = await rawMember(t, node);
  const stream = await raw.connection.newStream([LARGE_PROTOCOL]);
  const whole = encodeFrame(frame(1, KINDS.message, 1, Buffer.alloc(1_000_000)));
  const end = performance.now() + (2 * LINK_SILENT_MS) / SPEED;
  for (let at = 0; performance.now() < end; at += 1_000) {
    assert.deepEqual(node.peers(), [raw.identity.peer]);
    stream.send(whole.subarray(at, at + 1_000));
    await new Promise((resolve) => setTimeout(resolve, LINK_LOOK_MS / SPEED / 4));
  }
  await until('and then no more', () => node.peers().length === 0, 4_000);
});

test('a peer that reads nothing of what waits is given up, though it goes on talking', async (t) => {
  const node = await startNode(t, { clock: fast });
  const raw = await rawMember(t, node);
  raw.incoming()!.pause();
  const talking = setInterval(() => {
    try {
      raw.write(frame(1, KINDS.pong, 0));
    } catch {
      clearInterval(talking);
    }
  }, LINK_LOOK_MS / SPEED);
  t.after(() => clearInterval(talking));
  const began = performance.now();
  for (let n = 0; n < 50; n++) node.send(raw.identity.peer, Buffer.alloc(200_000));
  await until('it is given up', () => node.peers().length === 0, 4_000);
  assert(performance.now() - began >= LINK_STALLED_MS / SPEED);
});

test('a node that stood still itself gives nobody up for it', async (t) => {
  let standstill = 0;
  const looks: Array<() => void> = [];
  const clock: Clock = {
    monotonicMs: () => performance.now() + standstill,
    wallMs: () => Date.now(),
    after(run, ms) {
      if (ms === LINK_LOOK_MS) {
        looks.push(run);
        return { clear() {} };
      }
      const timer = setTimeout(run, ms);
      return { clear: () => clearTimeout(timer) };
    },
  };
  const node = await startNode(t, { clock });
  const other = await startNode(t);
  other.keep([node.at]);
  await linked(other, node);
  standstill = 10 * LINK_SILENT_MS;
  looks.at(-1)!();
  assert.deepEqual(node.peers(), [other.peer]);
  // Seen on, in steps, without a word from the peer meanwhile.
  for (let passed = 0; passed < LINK_SILENT_MS; passed += LINK_LOOK_MS) {
    assert.deepEqual(node.peers(), [other.peer], `after ${passed} ms`);
    standstill += LINK_LOOK_MS;
    looks.at(-1)!();
  }
  assert.deepEqual(node.peers(), []);
});
