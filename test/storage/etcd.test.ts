import { randomBytes } from 'node:crypto';
import { after, test } from 'node:test';
import { openEtcd } from '../../src/storage/etcd.ts';
import { findEtcd, startEtcd } from '../support/etcd.ts';
import { missing } from '../support/missing.ts';
import { systemClock as clock } from '../support/system-clock.ts';
import { storageContract } from './contract.ts';

const found = await findEtcd();
if ('missing' in found) {
  test('storage contract: etcd', { skip: missing(found.missing) });
} else {
  const server = await startEtcd(found.path);
  after(() => server.remove());
  const open = (path: string) => openEtcd({ endpoints: [server.address], path, clock, randomBytes });
  storageContract('etcd', { open: () => open('contract/') });
}
