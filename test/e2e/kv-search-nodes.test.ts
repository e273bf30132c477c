/** Search in KV mounts through every node of a cluster: all see what each has written. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { missing as missingTool } from '../support/missing.ts';
import { startNodes, type TestNodes } from '../support/nodes.ts';

let cluster: TestNodes;
let missing: string | undefined;
before(async () => {
  const started = await startNodes({ store: 'embedded' });
  if ('missing' in started) {
    missing = started.missing;
    return;
  }
  cluster = started;
  await cluster.open();
});
after(async () => cluster?.remove());

test('what one node has written is found at each, by field and by value', async (t) => {
  if (missing !== undefined) return t.skip(missingTool(missing));
  const well = async (step: number, method: string, path: string, body: object) => {
    const reply = await cluster.nodes[step % 3]!.call(method, path, { token: cluster.rootToken, body });
    assert(reply.status < 300, `${method} ${path}: ${reply.status} ${reply.text}`);
    return reply.body?.data;
  };
  await well(0, 'POST', 'sys/mounts/kv', { type: 'kv', options: { version: '2' } });
  for (let n = 0; n < 12; n++)
    await well(n, 'POST', `kv/data/folder-${n % 4}/s${n}`, { data: { [`field${n}`]: `value${n}` } });
  for (let step = 0; step < 3; step++) {
    const all = await well(step, 'POST', 'sys/internal/search/kv/kv', { term: 'field', fields: true });
    assert.equal(all.matches.length, 12, `node ${step}`);
    const one = await well(step, 'POST', 'sys/internal/search/kv/kv', { term: 'value7', values: true });
    assert.deepEqual(one.matches, [{ path: 'folder-3/s7', fields: ['/field7'] }]);
    // Each page at another node.
    const found: string[] = [];
    for (let [page, next] = [0, '']; ; page++) {
      const data = await well(step + page, 'POST', 'sys/internal/search/kv/kv', {
        term: 's',
        limit: 5,
        after: next,
      });
      found.push(...data.matches.map(({ path }: { path: string }) => path));
      if (data.is_complete) break;
      next = data.next;
    }
    assert.equal(new Set(found).size, 12);
    assert.equal(found.length, 12);
  }
});
