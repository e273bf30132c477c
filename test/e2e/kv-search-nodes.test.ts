/** Search in KV mounts through every node of a cluster: all see what each has written. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { threeNodes } from '../support/three-nodes.ts';

const { onAll, well: answered } = threeNodes();

test(
  'what one node has written is found at each, by field and by value',
  onAll(async (nodes) => {
    const well = async (step: number, method: string, path: string, body: object) =>
      (await answered(nodes[step % nodes.length]!, method, path, body))?.data;
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
  }),
);
