/**
 * The settings of a KV mount on real nodes: each has them at hand, and has the new ones when the call that changes them returns.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CallReply } from '../support/http.ts';
import { missing } from '../support/missing.ts';
import { startNodes, type TestNode } from '../support/nodes.ts';

test('settings of a mount hold on every node at once, and a write asks nobody for them', async (t) => {
  const started = await startNodes({ store: 'embedded' });
  if ('missing' in started) return t.skip(missing(started.missing));
  t.after(() => started.remove());
  await started.open();
  const token = started.rootToken;
  const [first] = started.nodes as [TestNode];
  const configure = (node: TestNode, body: object) => node.call('POST', 'secret/config', { token, body });
  const write = (node: TestNode, path: string) =>
    node.call('POST', `secret/data/${path}`, { token, body: { data: { by: node.id } } });
  const mounted = await first.call('POST', 'sys/mounts/secret', {
    token,
    body: { type: 'kv', options: { version: '2' } },
  });
  assert.equal(mounted.status, 204, mounted.text);

  for (const node of started.nodes) {
    for (const required of [true, false]) {
      const configured = await configure(node, { cas_required: required });
      assert.equal(configured.status, 204, configured.text);
      const written: CallReply[] = await Promise.all(started.nodes.map((other) => write(other, 'x')));
      for (const { status, text } of written) assert.equal(status, required ? 400 : 200, text);
      for (const other of started.nodes) {
        const { body } = await other.call('GET', 'secret/config', { token });
        assert.equal(body.data.cas_required, required, other.id);
      }
    }
  }

  // One operation a write; a few more where the root token's replica ended meanwhile.
  const writes = 60;
  for (const node of started.nodes) {
    await write(node, 'warm');
    const before = await operationsOf(node, token);
    for (let n = 0; n < writes; n++) assert.equal((await write(node, `${node.id}/${n}`)).status, 200);
    const ran = (await operationsOf(node, token)) - before;
    t.diagnostic(`${node.id}: ${ran} operations for ${writes} writes`);
    assert(ran <= writes + 10, `${ran} operations for ${writes} writes`);
  }
});

/** All that was sent to actors from here, wherever they ran. */
async function operationsOf(node: TestNode, token: string): Promise<number> {
  const { text } = await node.call('GET', 'sys/metrics?format=prometheus', { token });
  const counts = [
    ...text.matchAll(/^vault_cluster_operations(?:_total)?\{[^}]*where="(\w+)"[^}]*\} (\d+)/gm),
  ];
  assert(counts.length > 0, text.slice(0, 500));
  return counts.filter(([, where]) => where !== 'again').reduce((sum, [, , count]) => sum + Number(count), 0);
}
