/**
 * Real nodes under load, killed and stopped, and their stores too: a short form of `npm run chaos:real`.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ChaosOptions, runChaos } from '../../chaos-tests/real/chaos.ts';
import { missing } from '../support/missing.ts';

const RUNS: readonly Pick<ChaosOptions, 'store' | 'faults'>[] = [
  { store: 'embedded', faults: ['kill', 'pause'] },
  { store: 'etcd', faults: ['pause', 'store-kill', 'kill'] },
];
/** Enough for every key to be read and written around each fault, and little enough for two cores. */
const RATE = 60;

for (const { store, faults } of RUNS) {
  test(`three nodes on ${store}: ${faults!.join(', ')}`, async (t) => {
    const found = await runChaos({
      store,
      faults,
      inOrder: true,
      nodes: 3,
      members: 1,
      seed: 1,
      rate: RATE,
      keys: 40,
      isOver: (done) => done === faults!.length,
      say: (line) => t.diagnostic(line),
    });
    if ('missing' in found) return t.skip(missing(found.missing));
    assert.deepEqual(found.violations, []);
    assert.equal(found.undecided, 0);
    assert(found.requests > 100, `only ${found.requests} requests`);
  });
}
