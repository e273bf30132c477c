import { after, test } from 'node:test';
import { makeConsulCoordinator } from '../../../src/cluster/coordinators/consul.ts';
import { systemClock as clock } from '../../../src/system-clock.ts';
import { checkApart } from '../../support/apart.ts';
import { findConsul, startConsul } from '../../support/consul.ts';
import { missing } from '../../support/missing.ts';
import { coordinatorContract } from '../coordinator-contract.ts';
import { membershipContract } from '../membership-contract.ts';

const found = await findConsul();
if ('missing' in found) {
  test('coordinator contract: consul', { skip: missing(found.missing) });
} else {
  const server = await startConsul(found.path);
  after(() => server.remove());
  const open = (path: string) => makeConsulCoordinator({ endpoints: [server.address], path, clock });
  test('clusters under paths of their own see nothing of each other', () => checkApart(open));
  coordinatorContract('consul', { open: () => open('contract/'), server });
  membershipContract('consul', { open: () => open('members/'), server });
}
