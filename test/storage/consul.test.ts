import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { Conflict } from '../../src/model/storage.ts';
import { type ConsulStorageOptions, openConsul } from '../../src/storage/consul.ts';
import { systemClock as clock } from '../../src/system-clock.ts';
import { findConsul, startConsul } from '../support/consul.ts';
import type { StoreServer } from '../support/etcd.ts';
import { missing } from '../support/missing.ts';
import { storageContract } from './contract.ts';
import { storeOutages } from './outages.ts';

const found = await findConsul();
if ('missing' in found) test('storage: Consul', { skip: missing(found.missing) });
else consulTests(found.path);

function consulTests(program: string): void {
  let server: StoreServer;
  before(async () => {
    server = await startConsul(program);
  });
  after(() => server.remove());
  const open = (more: Partial<ConsulStorageOptions> = {}) =>
    openConsul({ endpoints: [server.address], path: 'test/', clock, randomBytes, retryMs: 200, ...more });

  storageContract('Consul', { open: () => open({ path: 'contract' }) });
  storeOutages('Consul', {
    server: () => server,
    open: (callMs) => open({ path: 'outages', ...(callMs === undefined ? {} : { callMs }) }),
  });

  describe('Consul', () => {
    test('of a group that is refused, those whose conditions failed are told, and the others are written', async () => {
      const storage = await open();
      const put = (path: string, version: number) =>
        storage.commit([{ path, value: Buffer.from('1') }], [{ path, version }]);
      const wanted = Array.from({ length: 30 }, (_, i) => (i % 4 === 0 ? 999_999 : 0));
      const done = await Promise.allSettled(wanted.map((version, i) => put(`group/${i}`, version)));
      for (const [i, each] of done.entries()) {
        if (wanted[i] === 0) assert.equal(each.status, 'fulfilled');
        else assert(each.status === 'rejected' && each.reason instanceof Conflict);
      }
      assert.equal((await storage.list('group/', '', 100)).length, wanted.filter((v) => v === 0).length);
      await storage.close();
    });

    test('groups have room for as many operations as Consul takes; a put with its condition is one', async () => {
      const storage = await open();
      const value = Buffer.from('x');
      const many = (n: number, operations: number) =>
        Array.from({ length: n }, (_, i) => {
          const paths = Array.from({ length: operations }, (_, j) => `room/${operations}/${i}/${j}`);
          return storage.commit(
            paths.map((path) => ({ path, value })),
            paths.map((path) => ({ path, version: 0 })),
          );
        });
      await Promise.all([...many(130, 1), ...many(20, 60), ...many(1, 64)]);
      await assert.rejects(many(1, 65)[0]!, { code: 'too_large' });
      await storage.close();
    });

    test('a put of what is there already has a new version', async () => {
      const storage = await open();
      const put = () => storage.commit([{ path: 'same', value: Buffer.from('1') }], []);
      const first = await put();
      const second = await put();
      assert(second > first);
      assert.equal((await storage.get('same'))!.version, second);
      await storage.close();
    });

    test('values at the bound of one transaction go through, whole or in chunks, however long the paths', async () => {
      const storage = await open();
      const paths = Array.from({ length: 30 }, (_, i) => `${'é'.repeat(940)}/${i}`);
      for (const bytes of [3_000, 3_276, 3_277, 20_000]) {
        const value = Buffer.alloc(bytes, `${bytes}`);
        await storage.commit(
          paths.map((path) => ({ path, value })),
          [],
        );
        for (const path of paths) assert(Buffer.from((await storage.get(path))!.value).equals(value));
      }
      await storage.close();
    });
  });
}
