/**
 * Chunks of large values that no record names are removed from the store by a running node, and those of values that are there are not.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { missing } from '../support/missing.ts';
import { startNodes, type TestNodes } from '../support/nodes.ts';
import { until } from '../support/until.ts';

const STRAY = `coffer/data/chunks/${'a'.repeat(32)}/000000`;
const base64 = (text: string): string => Buffer.from(text).toString('base64');

const clusters: TestNodes[] = [];
after(() => Promise.all(clusters.map((cluster) => cluster.remove())));

/** What lies in the store below a prefix. */
interface Keys {
  put(address: string): Promise<Response>;
  count(address: string, prefix: string): Promise<number>;
}

async function gateway(address: string, call: string, body: object): Promise<Response> {
  return fetch(`${address}/v3/kv/${call}`, { method: 'POST', body: JSON.stringify(body) });
}

const KEYS: Record<'etcd' | 'consul', Keys> = {
  etcd: {
    put: (address) => gateway(address, 'put', { key: base64(STRAY), value: 'AA==' }),
    async count(address, prefix) {
      const range = { key: base64(prefix), range_end: base64(`${prefix}~`), count_only: true };
      const { count = 0 } = (await (await gateway(address, 'range', range)).json()) as { count?: string };
      return Number(count);
    },
  },
  consul: {
    put: (address) => fetch(`${address}/v1/kv/${STRAY}`, { method: 'PUT', body: 'x' }),
    async count(address, prefix) {
      const reply = await fetch(`${address}/v1/kv/${prefix}?keys`);
      return reply.status === 404 ? 0 : ((await reply.json()) as string[]).length;
    },
  },
};

describe('chunks without a record', { concurrency: true }, () => {
  for (const store of ['etcd', 'consul'] as const) {
    test(`with ${store}`, async (t) => {
      const started = await startNodes({ store, count: 1 });
      if ('missing' in started) return t.skip(missing(started.missing));
      clusters.push(started);
      const address = started.stores[0]!.address;
      const [node] = started.nodes;
      const { put, count } = KEYS[store];
      await put(address);
      assert.equal(await count(address, STRAY), 1);
      await started.open();
      await until('what nobody names is gone', async () => (await count(address, STRAY)) === 0);

      const options = { token: started.rootToken };
      const large = 'x'.repeat(3 * 1024 * 1024);
      await node!.call('POST', 'sys/mounts/large', { ...options, body: { type: 'kv' } });
      const written = await node!.call('POST', 'large/a', { ...options, body: { large } });
      assert.equal(written.status, 204, written.text);
      const chunks = await count(address, 'coffer/data/chunks/');
      assert(chunks > 0);
      // The first look of the next life.
      await node!.stop('SIGKILL');
      await put(address);
      await node!.start();
      await node!.call('PUT', 'sys/unseal', { body: { key: started.unsealKey } });
      await until('what came meanwhile is gone', async () => (await count(address, STRAY)) === 0);
      assert.equal(await count(address, 'coffer/data/chunks/'), chunks);
      await node!.untilActive();
      assert.equal((await node!.call('GET', 'large/a', options)).body.data.large, large);
    });
  }
});
