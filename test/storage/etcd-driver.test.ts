import assert from 'node:assert/strict';
import { test } from 'node:test';
import { STORAGE_LIST_PAGE } from '../../src/model/limits.ts';
import { makeEtcdDriver } from '../../src/storage/etcd.ts';
import { type EtcdClient, type EtcdRange, EtcdRefused, etcdBytes } from '../../src/storage/etcd-client.ts';

const kv = (key: string) => ({ key: etcdBytes(key), create_revision: '1', mod_revision: '1', version: '1' });

/** A driver whose client answers ranges so, and what it was asked. */
function listing(answer: (range: EtcdRange) => ReturnType<EtcdClient['range']>) {
  const asked: EtcdRange[] = [];
  const client = {
    range(range: EtcdRange) {
      asked.push(range);
      return answer(range);
    },
  } as EtcdClient;
  return { driver: makeEtcdDriver(client, 'c/'), asked };
}

test('all pages of a listing are of the revision of its first', async () => {
  const { driver, asked } = listing(async ({ revision }) =>
    revision === undefined
      ? { header: { revision: '7' }, kvs: [kv('c/p/1'), kv('c/p/2')], more: true }
      : { header: { revision: '9' }, kvs: [kv('c/p/3')] },
  );
  assert.deepEqual(await driver.list('p/', '', 5_000), ['p/1', 'p/2', 'p/3']);
  assert.deepEqual(
    asked.map(({ revision, limit }) => [revision, limit]),
    [
      [undefined, STORAGE_LIST_PAGE],
      ['7', STORAGE_LIST_PAGE],
    ],
  );
  assert.equal(Buffer.from(asked[1]!.key).toString(), 'c/p/2\0');
});

test('once that revision is compacted, the rest is as it stands', async () => {
  const { driver, asked } = listing(async ({ key, revision }) => {
    if (revision !== undefined) throw new EtcdRefused(11, 'mvcc: required revision has been compacted');
    const first = Buffer.from(key).toString() === 'c/p/';
    return {
      header: { revision: '7' },
      kvs: [kv(first ? 'c/p/1' : 'c/p/2')],
      ...(first ? { more: true } : {}),
    };
  });
  assert.deepEqual(await driver.list('p/', '', 5_000), ['p/1', 'p/2']);
  assert.equal(asked.length, 3);
});

test('other refusals are told', async () => {
  const { driver } = listing(async () => {
    throw new EtcdRefused(7, 'permission denied');
  });
  await assert.rejects(driver.list('p/', '', 10), { name: 'EtcdRefused', kind: 'refused', passing: false });
});
