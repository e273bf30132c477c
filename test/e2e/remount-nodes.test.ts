/**
 * A mount that moves to and fro under writers, through three nodes: what was acknowledged is there, and each node goes by the new path when the
 * move returns.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { missing } from '../support/missing.ts';
import { startNodes } from '../support/nodes.ts';

const MOVES = 12;

test('a remount under load loses nothing', async (t) => {
  const started = await startNodes({ store: 'embedded' });
  if ('missing' in started) return t.skip(missing(started.missing));
  t.after(() => started.remove());
  await started.open();
  const token = started.rootToken;
  const { nodes } = started;
  assert.equal(
    (await nodes[0]!.call('POST', 'sys/mounts/here', { token, body: { type: 'kv' } })).status,
    204,
  );

  let isDone = false;
  const acknowledged = new Map<string, number>();
  const writers = Array.from({ length: 9 }, async (_, writer) => {
    const node = nodes[writer % nodes.length]!;
    for (let n = 1; !isDone; n++) {
      const mount = n % 2 === 0 ? 'here' : 'there';
      const { status, text } = await node.call('POST', `${mount}/w${writer}`, { token, body: { n } });
      if (status === 204) acknowledged.set(`w${writer}`, n);
      else assert.equal(status, 404, text);
    }
  });
  for (let move = 0; move < MOVES; move++) {
    const [from, to] = move % 2 === 0 ? ['here', 'there'] : ['there', 'here'];
    const moved = await nodes[move % nodes.length]!.call('POST', 'sys/remount', {
      token,
      body: { from, to },
    });
    assert.equal(moved.status, 200, moved.text);
    const old = await Promise.all(nodes.map((node) => node.call('GET', `${from}/w0`, { token })));
    for (const { status, text } of old) assert.equal(status, 404, text);
    const now = await Promise.all(nodes.map((node) => node.call('GET', `sys/mounts/${to}`, { token })));
    for (const { status, text } of now) assert.equal(status, 200, text);
    const { migration_id: id } = moved.body;
    for (const node of nodes)
      assert.equal((await node.call('GET', `sys/remount/status/${id}`, { token })).status, 200);
  }
  isDone = true;
  await Promise.all(writers);
  assert(acknowledged.size > 0);
  for (const [path, n] of acknowledged) {
    const { body, text } = await nodes[0]!.call('GET', `here/${path}`, { token });
    assert.equal(body.data?.n, n, text);
  }
});
