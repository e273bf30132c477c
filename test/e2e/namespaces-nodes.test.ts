/**
 * Namespaces through any of three nodes: what one node answered holds on all of them, at once; what is gone stays gone over restarts.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestNode } from '../support/nodes.ts';
import { threeNodes } from '../support/three-nodes.ts';
import { until } from '../support/until.ts';

const { cluster, onAll: on, root } = threeNodes();

test(
  'made at one node, used at the next, deleted at the third',
  on(async (nodes) => {
    for (let n = 0; n < 9; n++) {
      const at = (step: number) => nodes[(n + step) % 3]!;
      const name = `n${n % 2}`;
      const made = await at(0).call('POST', `sys/namespaces/${name}`, root());
      assert.equal(made.status, 200, made.text);
      const { id } = made.body.data;
      const mounted = await at(1).call('POST', `${name}/sys/mounts/kv`, {
        ...root(),
        body: { type: 'kv-v1' },
      });
      assert.equal(mounted.status, 204, mounted.text);
      const policy = 'path "kv/*" { capabilities = ["create", "read", "update"] }';
      await at(2).call('PUT', `${name}/sys/policies/acl/kv`, { ...root(), body: { policy } });
      const { auth } = (
        await at(0).call('POST', `${name}/auth/token/create`, { ...root(), body: { policies: ['kv'] } })
      ).body;
      assert(auth.client_token.endsWith(`.${id}`));
      const own = { token: auth.client_token };
      for (const step of [0, 1, 2]) {
        const wrote = await at(step).call('PUT', `${name}/kv/a${step}`, { ...own, body: { n } });
        assert.equal(wrote.status, 204, wrote.text);
        const read = await at(step + 1).call('GET', `${name}/kv/a${step}`, own);
        assert.deepEqual(read.body.data, { n }, read.text);
        const above = await at(step + 2).call('GET', `kv/a${step}`, own);
        assert.equal(above.status, 403, above.text);
      }
      await at(1).call('POST', `sys/namespaces/api-lock/lock/${name}`, root());
      for (const node of nodes) assert.equal((await node.call('GET', `${name}/kv/a0`, own)).status, 503);
      await at(2).call('POST', `${name}/sys/namespaces/api-lock/unlock`, root());
      for (const node of nodes) assert.equal((await node.call('GET', `${name}/kv/a0`, own)).status, 200);
      const deleted = await at(2).call('DELETE', `sys/namespaces/${name}`, root());
      assert.equal(deleted.status, 204, deleted.text);
      for (const node of nodes) {
        assert.equal(
          (await node.call('GET', 'kv/a0', { ...own, headers: { 'x-vault-namespace': name } })).status,
          404,
        );
        assert.equal((await node.call('GET', `sys/namespaces/${name}`, root())).status, 404);
      }
    }
  }),
);

test(
  'while writes run in it, at all nodes, a deletion that has returned lets none begin',
  on(async (nodes) => {
    for (let n = 0; n < 4; n++) {
      const name = `busy${n}`;
      await nodes[0]!.call('POST', `sys/namespaces/${name}`, root());
      await nodes[0]!.call('POST', `${name}/sys/mounts/kv`, { ...root(), body: { type: 'kv-v1' } });
      let isDeleted = false;
      const late: string[] = [];
      let wrote = 0;
      const writer = async (worker: number) => {
        for (let i = 0; !isDeleted && i < 500; i++) {
          const { status, text } = await nodes[(worker + i) % 3]!.call('PUT', `${name}/kv/${worker}-${i}`, {
            ...root(),
            body: { i },
          });
          if (status === 204) wrote++;
          else if (status !== 404) late.push(`${status} ${text}`);
        }
      };
      const writers = Array.from({ length: 6 }, (_, worker) => writer(worker));
      await until('some were written', () => wrote > 20);
      assert.equal((await nodes[n % 3]!.call('DELETE', `sys/namespaces/${name}`, root())).status, 204);
      for (const node of nodes) {
        const { status } = await node.call('PUT', `${name}/kv/after`, { ...root(), body: {} });
        assert.equal(status, 404);
      }
      isDeleted = true;
      await Promise.all(writers);
      assert.deepEqual(late, []);
      // The same path again: nothing that was written there is in it.
      await nodes[1]!.call('POST', `sys/namespaces/${name}`, root());
      await nodes[1]!.call('POST', `${name}/sys/mounts/kv`, { ...root(), body: { type: 'kv-v1' } });
      assert.equal((await nodes[2]!.call('LIST', `${name}/kv`, root())).status, 404);
    }
  }),
);

test(
  'it outlives a restart of every node, and what is deleted does not',
  on(async (nodes) => {
    await nodes[0]!.call('POST', 'sys/namespaces/kept', root());
    await nodes[0]!.call('POST', 'kept/sys/mounts/kv', { ...root(), body: { type: 'kv-v1' } });
    await nodes[0]!.call('PUT', 'kept/kv/a', { ...root(), body: { v: 1 } });
    const policy = 'path "kv/*" { capabilities = ["read"] }';
    await nodes[0]!.call('PUT', 'kept/sys/policies/acl/reads', { ...root(), body: { policy } });
    const { auth } = (
      await nodes[0]!.call('POST', 'kept/auth/token/create', { ...root(), body: { policies: ['reads'] } })
    ).body;
    await nodes[0]!.call('POST', 'sys/namespaces/gone', root());
    await nodes[0]!.call('DELETE', 'sys/namespaces/gone', root());
    for (const node of nodes) {
      await node.stop();
      await node.start();
      await node.untilActive();
    }
    for (const node of nodes) {
      const read = await node.call('GET', 'kept/kv/a', { token: auth.client_token });
      assert.deepEqual(read.body.data, { v: 1 }, read.text);
      assert.equal((await node.call('GET', 'sys/namespaces/gone', root())).status, 404);
    }
  }),
);

test(
  'a node that is killed while a namespace is deleted brings nothing of it back',
  on(async (nodes) => {
    for (let n = 0; n < 2; n++) {
      const name = `killed${n}`;
      const ask = (node: TestNode, method: string, path: string, body?: unknown, token = cluster.rootToken) =>
        node.call(method, `${name}/${path}`, { token, body });
      await nodes[0]!.call('POST', `sys/namespaces/${name}`, root());
      await ask(nodes[0]!, 'POST', 'sys/mounts/kv', { type: 'kv-v1' });
      await Promise.all(Array.from({ length: 30 }, (_, i) => ask(nodes[i % 3]!, 'PUT', `kv/${i}`, { i })));
      const { auth } = (await ask(nodes[1]!, 'POST', 'auth/token/create', { policies: ['default'] })).body;
      const [asked, killed, other] = [nodes[n % 3]!, nodes[(n + 1) % 3]!, nodes[(n + 2) % 3]!];
      const deleting = asked.call('DELETE', `sys/namespaces/${name}`, root()).catch(() => undefined);
      await killed.stop('SIGKILL');
      await deleting;
      await until('it is deleted', async () => {
        const { status } = await other.call('DELETE', `sys/namespaces/${name}`, root());
        return status === 200 || status === 204;
      });
      const isGone = async (node: TestNode) => {
        assert.equal((await ask(node, 'GET', 'kv/1')).status, 404);
        assert.equal(
          (await node.call('GET', 'auth/token/lookup-self', { token: auth.client_token })).status,
          403,
        );
      };
      await Promise.all([asked, other].map(isGone));
      await killed.start();
      await killed.untilActive();
      await isGone(killed);
      await nodes[0]!.call('POST', `sys/namespaces/${name}`, root());
      await ask(nodes[1]!, 'POST', 'sys/mounts/kv', { type: 'kv-v1' });
      assert.equal((await ask(nodes[2]!, 'LIST', 'kv')).status, 404);
      assert.equal(
        (await ask(killed, 'GET', 'auth/token/lookup-self', undefined, auth.client_token)).status,
        403,
      );
    }
  }),
);
