import { randomBytes } from 'node:crypto';
import { after, test } from 'node:test';
import { openConsul } from '../../src/storage/consul.ts';
import { findConsul, startConsul } from '../support/consul.ts';
import { missing } from '../support/missing.ts';
import { systemClock as clock } from '../support/system-clock.ts';
import { storageContract } from './contract.ts';

const found = await findConsul();
if ('missing' in found) {
  test('storage contract: consul', { skip: missing(found.missing) });
} else {
  const server = await startConsul(found.path);
  after(() => server.remove());
  const open = (path: string) => openConsul({ endpoints: [server.address], path, clock, randomBytes });
  storageContract('consul', { open: () => open('contract/') });
}
