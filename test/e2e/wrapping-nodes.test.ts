/**
 * Response wrapping through any of three nodes: opened once, whoever asks where (protocol §11).
 *
 * @module
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import type { TestNode } from '../support/nodes.ts';
import { threeNodes } from '../support/three-nodes.ts';

const INVALID = 'wrapping token is not valid or does not exist';

const { onAll: on, root } = threeNodes();

/** What waits is `{ n }`. */
async function wrap(node: TestNode, n: number, format?: string): Promise<string> {
  const headers = { 'x-vault-wrap-ttl': '5m', ...(format && { 'x-vault-wrap-format': format }) };
  const path = format ? 'cubbyhole/n' : 'sys/wrapping/wrap';
  if (format) await node.call('POST', path, { ...root(), body: { n } });
  const { body, text } = await node.call(format ? 'GET' : 'POST', path, {
    ...root(),
    headers,
    body: format ? undefined : { n },
  });
  assert(body.wrap_info, text);
  return body.wrap_info.token;
}

test(
  'of many who open it at all nodes at once, one has it, be it under one request id',
  on(async (nodes) => {
    for (let n = 0; n < 12; n++) {
      const token = await wrap(nodes[n % 3]!, n);
      const headers: Record<string, string> = n % 2 === 0 ? {} : { 'x-coffer-request-id': randomUUID() };
      const replies = await Promise.all(
        Array.from({ length: 18 }, (_, at) => {
          const node = nodes[at % 3]!;
          if (at % 2 === 0) return node.call('PUT', 'sys/wrapping/unwrap', { token, headers });
          return node.call('POST', 'sys/wrapping/unwrap', { ...root(), headers, body: { token } });
        }),
      );
      const won = replies.filter(({ status }) => status === 200);
      assert.deepEqual(
        won.map(({ body }) => body.data),
        [{ n }],
        replies.map(({ status, text }) => `${status} ${text}`).join(''),
      );
      assert(replies.every(({ status }) => [200, 400, 403].includes(status)));
    }
  }),
);

test(
  'wrapped, looked at, rewrapped and opened at a node each',
  on(async (nodes) => {
    for (let n = 0; n < 12; n++) {
      const at = (step: number) => nodes[(n + step) % 3]!;
      const token = await wrap(at(0), n, n % 2 === 0 ? 'jwt' : undefined);
      const looked = await at(1).call('POST', 'sys/wrapping/lookup', { body: { token } });
      assert.equal(looked.body.data.creation_ttl, 300, looked.text);
      const moved = await at(2).call('POST', 'sys/wrapping/rewrap', { ...root(), body: { token } });
      const again = await at(0).call('POST', 'sys/wrapping/unwrap', { ...root(), body: { token } });
      assert.deepEqual([again.status, again.body.errors], [400, [INVALID]]);
      const opened = await at(1).call('PUT', 'sys/wrapping/unwrap', { token: moved.body.wrap_info.token });
      assert.deepEqual(opened.body.data, { n }, opened.text);
      const gone = await at(2).call('PUT', 'sys/wrapping/unwrap', { token: moved.body.wrap_info.token });
      assert.deepEqual([gone.status, gone.body.errors], [400, [INVALID]]);
    }
  }),
);

test(
  'disabled through one node, what its mount answered wrapped is opened at no other',
  on(async (nodes) => {
    await nodes[0]!.call('POST', 'sys/mounts/ends', { ...root(), body: { type: 'kv' } });
    await nodes[1]!.call('POST', 'ends/a', { ...root(), body: { v: 1 } });
    const tokens: string[] = [];
    for (let n = 0; n < 6; n++) {
      const headers = { 'x-vault-wrap-ttl': '5m' };
      const { body, text } = await nodes[n % 3]!.call('GET', 'ends/a', { ...root(), headers });
      assert(body.wrap_info, text);
      tokens.push(body.wrap_info.token);
    }
    await nodes[2]!.call('DELETE', 'sys/mounts/ends', root());
    for (const [n, token] of tokens.entries()) {
      const opened = await nodes[(n + 1) % 3]!.call('PUT', 'sys/wrapping/unwrap', { token });
      assert.deepEqual([opened.status, opened.body.errors], [400, [INVALID]]);
    }
  }),
);
