import { after, test } from 'node:test';
import { makeEtcdCoordinator } from '../../../src/cluster/coordinators/etcd.ts';
import { systemClock as clock } from '../../../src/system-clock.ts';
import { checkApart } from '../../support/apart.ts';
import { findEtcd, startEtcd } from '../../support/etcd.ts';
import { missing } from '../../support/missing.ts';
import { coordinatorContract } from '../coordinator-contract.ts';
import { membershipContract } from '../membership-contract.ts';

const found = await findEtcd();
if ('missing' in found) {
  test('coordinator contract: etcd', { skip: missing(found.missing) });
} else {
  const server = await startEtcd(found.path);
  after(() => server.remove());
  const open = (path: string) => makeEtcdCoordinator({ endpoints: [server.address], path, clock });
  test('clusters under paths of their own see nothing of each other', () => checkApart(open));
  coordinatorContract('etcd', { open: () => open('contract/'), server });
  membershipContract('etcd', { open: () => open('members/'), server });
}
