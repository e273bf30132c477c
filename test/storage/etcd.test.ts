import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { makeDevTls } from '../../src/dev-tls.ts';
import { type EtcdStorageOptions, openEtcd } from '../../src/storage/etcd.ts';
import { etcdBytes, makeEtcdClient } from '../../src/storage/etcd-client.ts';
import { systemClock as clock } from '../../src/system-clock.ts';
import { findEtcd, type StoreServer, startEtcd, startEtcdCluster } from '../support/etcd.ts';
import { missing } from '../support/missing.ts';
import { testFolder } from '../support/test-folder.ts';
import { storageContract } from './contract.ts';
import { storeOutages } from './outages.ts';

const found = await findEtcd();
if ('missing' in found) test('storage: etcd', { skip: missing(found.missing) });
else etcdTests(found.path);

function etcdTests(program: string): void {
  let server: StoreServer;
  before(async () => {
    server = await startEtcd(program);
  });
  after(() => server.remove());
  const open = (more: Partial<EtcdStorageOptions> = {}) =>
    openEtcd({ endpoints: [server.address], path: 'test/', clock, randomBytes, retryMs: 200, ...more });

  storageContract('etcd', { open: () => open({ path: 'contract' }) });
  storeOutages('etcd', {
    server: () => server,
    open: (callMs) => open({ path: 'outages', ...(callMs === undefined ? {} : { callMs }) }),
  });

  describe('etcd', () => {
    test('groups have room for as many operations as the server takes, and no more', async () => {
      const storage = await open();
      const value = Buffer.from('x');
      const many = (n: number, operations: number) =>
        Array.from({ length: n }, (_, i) => {
          const paths = Array.from({ length: operations }, (_, j) => `group/${operations}/${i}/${j}`);
          const conditions = paths.map((path) => ({ path, version: 0 }));
          return storage.commit(
            paths.map((path) => ({ path, value })),
            conditions,
          );
        });
      const versions = await Promise.all([
        ...many(250, 1),
        ...many(130, 3),
        ...many(70, 60),
        ...many(1, 126),
      ]);
      assert(new Set(versions).size < 20, 'they were grouped');
      await assert.rejects(many(1, 127)[0]!, { code: 'too_large' });
      await storage.close();
    });

    test('what one of a group compares is not hidden by another that fails', async () => {
      const storage = await open();
      const [a, b] = await Promise.all(
        ['a', 'b'].map((path) => storage.commit([{ path, value: Buffer.from('1') }], [])),
      );
      const wrong = [
        { path: 'a', version: a! },
        { path: 'b', version: b! + 1 },
      ];
      const done = await Promise.allSettled([
        storage.commit([{ path: 'c', value: Buffer.from('1') }], wrong),
        storage.commit([{ path: 'd', value: Buffer.from('1') }], [wrong[0]!]),
      ]);
      assert(done[0].status === 'rejected');
      assert.equal(done[0].reason.path, 'b');
      assert.equal(done[1].status, 'fulfilled');
      await storage.close();
    });

    test('a long listing is of one moment, page by page within a call', async () => {
      const storage = await open({ path: 'listing' });
      const names = Array.from({ length: 2_500 }, (_, i) => `l/${i.toString().padStart(5, '0')}`);
      for (let from = 0; from < names.length; from += 100) {
        const changes = names.slice(from, from + 100).map((path) => ({ path, value: Buffer.alloc(0) }));
        await storage.commit(changes, []);
      }
      assert.deepEqual(await storage.list('l/', '', 10_000), names);
      assert.deepEqual(await storage.list('l/', names[10]!, 2_001), names.slice(11, 2_012));
      await storage.close();
    });

    test('two stores under different paths do not see each other', async () => {
      const [one, two] = [await open({ path: 'one' }), await open({ path: 'one/records' })];
      await one.commit([{ path: 'x', value: Buffer.from('1') }], []);
      assert.deepEqual(await two.list('', '', 10), ['format']);
      assert.equal(await two.get('x'), undefined);
      await Promise.all([one.close(), two.close()]);
    });

    test('TLS: both sides show certificates', async () => {
      const folder = testFolder('tls');
      const files = makeDevTls(folder, [], Date.now());
      const secure = await startEtcd(program, {
        tls: { cert: files.certFile, key: files.keyFile, ca: files.caFile },
      });
      try {
        const [ca, cert, key] = [files.caFile, files.certFile, files.keyFile].map((file) =>
          readFileSync(file),
        );
        const endpoints = [secure.address];
        const storage = await open({ endpoints, tls: { ca: ca!, cert: cert!, key: key! } });
        await storage.commit([{ path: 'a', value: Buffer.from('1') }], []);
        await storage.close();
        await assert.rejects(open({ endpoints, tls: { ca: ca! } }), { name: 'StorageFailed' });
        await assert.rejects(open({ endpoints }), { name: 'StorageFailed', outcomeKnown: true });
      } finally {
        await secure.remove();
      }
    });

    test('three members, the leader killed: the others are asked, and nothing acknowledged is lost', async () => {
      const members = await startEtcdCluster(program, 3);
      try {
        const addresses = members.map(({ address }) => address);
        const leader = await leaderOf(addresses);
        // Calls go to the leader first.
        const endpoints = [...addresses.slice(leader), ...addresses.slice(0, leader)];
        const storage = await open({ endpoints, retryMs: 10_000, callMs: 3_000 });
        let acknowledged = 0;
        let stop = false;
        const writing = (async () => {
          for (let next = 1; !stop; next++) {
            const value = Buffer.from(`${next}`);
            const done = storage.commit([{ path: 'moving', value }], []).then(
              () => true,
              (error) => assert.equal(error.outcomeKnown, false, error),
            );
            if (await done) acknowledged = next;
          }
        })();
        writing.catch(() => {});
        const beyond = async (goal: number) => {
          while (acknowledged < goal) await Promise.race([writing, pause(5)]);
        };
        await beyond(20);
        await members[leader]!.kill();
        await beyond(acknowledged + 20);
        stop = true;
        await writing;
        const stored = await storage.get('moving');
        assert(Number(Buffer.from(stored!.value).toString()) >= acknowledged);
        await storage.close();
      } finally {
        await Promise.all(members.map((member) => member.remove()));
      }
    });

    test('a full database is told, and may have taken the write; deletes go through, and it does not grow on', async () => {
      const small = await startEtcd(program, { args: ['--quota-backend-bytes=6000000'] });
      try {
        const storage = await open({ endpoints: [small.address] });
        const value = randomBytes(300_000);
        const put = (n: number) => storage.commit([{ path: `full/${n}`, value }], []);
        let written = 0;
        const full = { name: 'StorageFailed', outcomeKnown: false, message: /space exceeded/ };
        await assert.rejects(async () => {
          for (; written < 60; written++) await put(written);
        }, full);
        await assert.rejects(put(0), full);
        assert((await storage.list('full/', '', 100)).length <= written + 1);
        await storage.commit([{ path: 'full/0', value: undefined }], []);
        assert.equal(await storage.get('full/0'), undefined);
        await storage.close();
      } finally {
        await small.remove();
      }
    });

    // Last: from here on the server lets nobody in without a password.
    test('user and password; a token that the server has forgotten is renewed', async () => {
      const call = async (path: string, body: object, token = '') => {
        const reply = await fetch(`${server.address}/v3/auth/${path}`, {
          method: 'POST',
          headers: token === '' ? {} : { authorization: token },
          body: JSON.stringify(body),
        });
        assert.equal(reply.status, 200);
        return (await reply.json()) as { token: string };
      };
      await call('user/add', { name: 'root', password: 'root' });
      await call('user/grant', { user: 'root', role: 'root' });
      await call('role/add', { name: 'coffer' });
      const perm = { permType: 'READWRITE', key: etcdBytes('test/'), range_end: etcdBytes('test0') };
      await call('role/grant', { name: 'coffer', perm });
      await call('user/add', { name: 'coffer', password: 'secret' });
      await call('user/grant', { user: 'coffer', role: 'coffer' });
      await call('enable', {});
      const storage = await open({ user: 'coffer', password: 'secret' });
      const commit = () => storage.commit([{ path: 'auth', value: Buffer.from('1') }], []);
      await commit();
      // It forgets a user's tokens with the password.
      const { token } = await call('authenticate', { name: 'root', password: 'root' });
      await call('user/changepw', { name: 'coffer', password: 'secret' }, token);
      await Promise.all([commit(), storage.get('auth'), commit(), storage.list('', '', 1)]);
      await storage.close();
      const refused = { name: 'StorageFailed', outcomeKnown: true };
      await assert.rejects(open({ user: 'coffer', password: 'wrong' }), refused);
      await assert.rejects(open(), refused);
      const client = makeEtcdClient({
        endpoints: [server.address],
        clock,
        user: 'coffer',
        password: 'secret',
      });
      const key = etcdBytes('elsewhere/x');
      await assert.rejects(client.range({ key }), { name: 'EtcdRefused', kind: 'refused', passing: false });
      client.close();
    });
  });
}

/** Place of the endpoint that leads. */
async function leaderOf(endpoints: readonly string[]): Promise<number> {
  const statuses = endpoints.map(async (address) => {
    const reply = await fetch(`${address}/v3/maintenance/status`, { method: 'POST', body: '{}' });
    return (await reply.json()) as { header: { member_id: string }; leader: string };
  });
  const found = (await Promise.all(statuses)).findIndex(({ header, leader }) => header.member_id === leader);
  assert(found >= 0, 'nobody leads');
  return found;
}
