/**
 * Three nodes as processes, over each kind of store: whatever one acknowledged, the others know (design.md, guarantees 1, 2, 5, 6).
 *
 * @module
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { missing as missingTool } from '../support/missing.ts';
import { type StoreKind, startNodes, type TestNode, type TestNodes } from '../support/nodes.ts';

for (const store of ['embedded', 'etcd', 'consul'] satisfies StoreKind[]) {
  describe(`three nodes, ${store}`, () => {
    let cluster: TestNodes;
    let missing: string | undefined;
    const root = () => ({ token: cluster.rootToken });

    before(async () => {
      const started = await startNodes({ store });
      if ('missing' in started) {
        missing = started.missing;
        return;
      }
      cluster = started;
      await cluster.open();
      const body = { type: 'kv', options: { version: '2' } };
      const mounted = await cluster.nodes[0]!.call('POST', 'sys/mounts/secret', { ...root(), body });
      assert.equal(mounted.status, 204, mounted.text);
    });
    after(async () => cluster?.remove());

    const on = (name: string, run: (nodes: readonly TestNode[]) => Promise<void>) =>
      void test(name, async (t) => {
        if (missing !== undefined) return t.skip(missingTool(missing));
        await run(cluster.nodes);
      });

    on('what is written at one is read at each, at once', async (nodes) => {
      for (let n = 0; n < 30; n++) {
        const body = { data: { n } };
        const path = `secret/data/everywhere/${n % 7}`;
        const written = await nodes[n % 3]!.call('POST', path, { ...root(), body });
        assert.equal(written.status, 200, written.text);
        for (const node of nodes) {
          const read = await node.call('GET', path, root());
          assert.equal(read.status, 200, read.text);
          assert.equal(read.body.data.data.n, n, `${node.id} after ${n}`);
        }
      }
      const listed = await nodes[2]!.call('LIST', 'secret/metadata/everywhere', root());
      assert.equal(listed.body.data.keys.length, 7);
    });

    on('of many who check and set at all nodes, one wins each version', async (nodes) => {
      const tries = Array.from({ length: 24 }, async (_, n) => {
        const body = { data: { n }, options: { cas: 0 } };
        return nodes[n % 3]!.call('POST', 'secret/data/cas', { ...root(), body });
      });
      const statuses = (await Promise.all(tries)).map(({ status }) => status);
      assert.deepEqual([...new Set(statuses)].sort(), [200, 400]);
      assert.equal(statuses.filter((status) => status === 200).length, 1);
    });

    on('a revoked token is refused everywhere when the call returns', async (nodes) => {
      for (let n = 0; n < 30; n++) {
        const [made, used, revoked] = [nodes[n % 3]!, nodes[(n + 1) % 3]!, nodes[(n + 2) % 3]!];
        const body = { policies: ['root'] };
        const { body: reply } = await made.call('POST', 'auth/token/create', { ...root(), body });
        const token = reply.auth.client_token;
        for (const node of [made, used]) {
          const looked = await node.call('GET', 'auth/token/lookup-self', { token });
          assert.equal(looked.status, 200, looked.text);
        }
        const gone = await revoked.call('POST', 'auth/token/revoke', { ...root(), body: { token } });
        assert.equal(gone.status, 204, gone.text);
        for (const node of nodes) {
          const looked = await node.call('GET', 'auth/token/lookup-self', { token });
          assert.equal(looked.status, 403, `${node.id}: ${looked.text}`);
        }
      }
    });

    on('a tightened policy is tight everywhere when the call returns', async (nodes) => {
      const allow = 'path "secret/data/guarded" { capabilities = ["read", "create", "update"] }';
      const put = async (node: TestNode, policy: string) => {
        const reply = await node.call('POST', 'sys/policies/acl/guard', { ...root(), body: { policy } });
        assert.equal(reply.status, 204, reply.text);
      };
      await put(nodes[0]!, allow);
      const body = { policies: ['guard'] };
      const { body: reply } = await nodes[1]!.call('POST', 'auth/token/create', { ...root(), body });
      const token = reply.auth.client_token;
      const data = { data: { a: 1 } };
      for (let n = 0; n < 20; n++) {
        await put(nodes[n % 3]!, allow);
        for (const node of nodes) {
          const written = await node.call('POST', 'secret/data/guarded', { token, body: data });
          assert.equal(written.status, 200, `${node.id}: ${written.text}`);
        }
        await put(nodes[(n + 1) % 3]!, 'path "secret/data/guarded" { capabilities = ["deny"] }');
        for (const node of nodes) {
          const read = await node.call('GET', 'secret/data/guarded', { token });
          assert.equal(read.status, 403, `${node.id}: ${read.text}`);
        }
      }
    });

    on('uses are counted across nodes', async (nodes) => {
      const body = { policies: ['root'], num_uses: 6 };
      const { body: reply } = await nodes[0]!.call('POST', 'auth/token/create', { ...root(), body });
      const token = reply.auth.client_token;
      const uses = Array.from({ length: 12 }, (_, n) =>
        nodes[n % 3]!.call('GET', 'auth/token/lookup-self', { token }),
      );
      const statuses = (await Promise.all(uses)).map(({ status }) => status);
      assert.equal(statuses.filter((status) => status === 200).length, 6, String(statuses));
    });

    on('a killed node is missed by nobody for long, and comes back unsealed', async (nodes) => {
      const paths = Array.from({ length: 40 }, (_, n) => `secret/data/kill/${n}`);
      for (const path of paths) {
        const written = await nodes[0]!.call('POST', path, { ...root(), body: { data: { path } } });
        assert.equal(written.status, 200, written.text);
      }
      await nodes[0]!.stop('SIGKILL');
      const killedMs = performance.now();
      await Promise.all(
        paths.map(async (path, n) => {
          for (;;) {
            const read = await nodes[1 + (n % 2)]!.call('GET', path, root());
            if (read.status === 200) return assert.equal(read.body.data.data.path, path);
            assert.equal(read.status, 503, read.text);
            assert(read.headers['retry-after'] !== undefined);
            assert(performance.now() - killedMs < 10_000, `${path} is not served again`);
            await new Promise((resolve) => setTimeout(resolve, 50));
          }
        }),
      );
      const rewritten = await nodes[2]!.call('POST', paths[0]!, { ...root(), body: { data: { again: 1 } } });
      assert.equal(rewritten.status, 200, rewritten.text);
      await nodes[0]!.start();
      await nodes[0]!.untilActive();
      const read = await nodes[0]!.call('GET', paths[0]!, root());
      assert.equal(read.body.data.data.again, 1);
    });

    on('seals the cluster from any node, and unseals from any other', async (nodes) => {
      const sealed = await nodes[1]!.call('PUT', 'sys/seal', root());
      assert.equal(sealed.status, 204, sealed.text);
      for (const node of nodes) {
        const { body } = await node.call('GET', 'sys/seal-status');
        assert.equal(body.sealed, true, node.id);
      }
      const body = { key: cluster.unsealKey };
      const opened = await nodes[2]!.call('PUT', 'sys/unseal', { body });
      assert.equal(opened.status, 200, opened.text);
      for (const node of nodes) await node.untilActive();
      const read = await nodes[0]!.call('GET', 'secret/data/cas', root());
      assert.equal(read.status, 200, read.text);
    });
  });
}
