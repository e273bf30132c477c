/**
 * Requests sent before earlier replies were read, and replies that nobody reads: what one connection may hold, and all together.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import type { BodyBudget } from '../../src/http/body.ts';
import { MIB, PIPELINED_MAX } from '../../src/model/limits.ts';
import type { Reply } from '../../src/model/request.ts';
import { call } from '../support/http.ts';
import { listen, request, wire } from './listener.ts';

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));
const large = (bytes: number): Reply => ({
  kind: 'raw',
  status: 200,
  contentType: 'text/plain',
  body: 'x'.repeat(bytes),
});

test('requests of one connection begin one after another, each when the one before was answered', async (t) => {
  let running = 0;
  const most: number[] = [];
  const { port, seen } = await listen(t, {
    async handle({ path }) {
      most.push(++running);
      await nextTurn();
      await nextTurn();
      running--;
      return { kind: 'bare', status: 200, value: { path: path.text } };
    },
  });
  const connection = await wire(port);
  const count = 10 * PIPELINED_MAX;
  // More than wait at a time, with bodies and LIST among them: the connection is paused and goes on.
  const sent = Array.from({ length: count }, (_, at) => {
    if (at % 5 === 1) return request(`LIST /v1/${at}`);
    return at % 5 === 2
      ? request(`PUT /v1/${at}`, {}, `{"a":"${'b'.repeat(at * 300)}"}`)
      : request(`GET /v1/${at}`);
  });
  connection.write(sent.join(''));
  for (let at = 0; at < count; at++) {
    const { status, body } = await connection.reply();
    assert.deepEqual([status, JSON.parse(body).path], [200, at % 5 === 1 ? `${at}/` : String(at)]);
  }
  assert.equal(seen.length, count);
  assert.deepEqual(new Set(most), new Set([1]));
  const other = await wire(port);
  other.write(request('GET /v1/again'));
  assert.equal((await other.reply()).status, 200);
});

for (const verbs of [['GET'], ['GET', 'LIST']]) {
  test(`while a request runs, its connection is read until some ${verbs} wait, and no further; then it goes on`, async (t) => {
    const { promise: release, resolve } = Promise.withResolvers<void>();
    const { port, seen } = await listen(t, {
      async handle() {
        await release;
        return { kind: 'empty', status: 204 };
      },
    });
    const connection = await wire(port);
    const ask = verbs.map((verb) => request(`${verb} /v1/a`, { 'X-Long': 'x'.repeat(10_000) })).join('');
    let [written, taken] = [0, 0];
    // Until nothing is taken any more: what the buffers between hold.
    for (let last = -1; taken > last || taken === 0; ) {
      last = taken;
      for (let i = 0; i < 100; i++, written++) connection.socket.write(ask, () => taken++);
      await setTimeout(50);
      assert(written < 5_000, 'the server reads without end');
    }
    assert.equal(seen.length, 1);
    resolve();
    for (let at = 0; at < verbs.length * written; at++) assert.equal((await connection.reply()).status, 204);
    assert.equal(seen.length, verbs.length * written);
  });
}

test('who asks and never reads gets one reply at a time', async (t) => {
  const { port, seen } = await listen(t, { handle: () => large(8 * MIB) });
  const connection = await wire(port);
  connection.socket.pause();
  connection.socket.write(request('GET /v1/a').repeat(100));
  while (seen.length === 0) await nextTurn();
  await setTimeout(100);
  assert.equal(seen.length, 1);
});

test('a connection that ends while requests wait on it begins none of them', async (t) => {
  const { promise: release, resolve } = Promise.withResolvers<void>();
  const { port, seen } = await listen(t, {
    async handle() {
      await release;
      return { kind: 'empty', status: 204 };
    },
  });
  const connection = await wire(port);
  connection.write(request('GET /v1/a').repeat(5));
  while (seen.length === 0) await nextTurn();
  connection.socket.destroy();
  await connection.closed();
  resolve();
  for (let turn = 0; turn < 20; turn++) await nextTurn();
  assert.equal(seen.length, 1);
});

test('large replies that nobody reads share a budget; small ones are always sent', {
  timeout: 20_000,
}, async (t) => {
  const replyBudget: BodyBudget = { left: 40 * MIB };
  const { url, port } = await listen(t, {
    replyBudget,
    handle: ({ path }) => large(path.text === 'large' ? 8 * MIB : 1_000),
  });
  const unread = await Promise.all([wire(port), wire(port)]);
  for (const { socket } of unread) {
    socket.pause();
    socket.write(request('GET /v1/large'));
  }
  while (replyBudget.left > 8 * MIB) await nextTurn();
  const refused = await call(url, 'GET', '/v1/large');
  assert.deepEqual([refused.status, refused.headers['retry-after']], [503, '1']);
  assert.equal((await call(url, 'GET', '/v1/small')).status, 200);
  // One is read, the other gives up: both give back what they held.
  unread[0]!.socket.resume();
  assert.equal((await unread[0]!.reply()).body.length, 8 * MIB);
  unread[1]!.socket.destroy();
  while (replyBudget.left < 40 * MIB) await nextTurn();
  assert.equal((await call(url, 'GET', '/v1/large')).text.length, 8 * MIB);
  while (replyBudget.left < 40 * MIB) await nextTurn();
});
