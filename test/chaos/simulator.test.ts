import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runScenario } from '../../chaos-tests/run-scenario.ts';
import { runsOf } from './scenarios-here.ts';

for (const { title, run } of [...runsOf('small ones'), ...runsOf('clusters, once')]) test(title, run);

test('after a run the globals are the real ones again', async () => {
  const before = [setImmediate, setTimeout, clearTimeout, Math.random, Date.now];
  await runScenario('kv', { seed: 1, operations: 20 });
  assert.deepEqual([setImmediate, setTimeout, clearTimeout, Math.random, Date.now], before);
  assert(performance.now() > 0 && !Object.hasOwn(performance, 'now'));
});
