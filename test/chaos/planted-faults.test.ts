/**
 * Can the simulator fail? Each rule that is broken on purpose is found, by the invariant that it belongs to.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FAULTS, type FaultName } from '../../chaos-tests/faults.ts';
import type { PlantedFault } from '../../chaos-tests/planted-fault.ts';
import { runScenario } from '../../chaos-tests/run-scenario.ts';

/** Tried where the recorded one no longer finds a planted fault, for so much time of a processor at most, s. */
const SEEDS_FOR_FAULT = 60;
const SECONDS_FOR_FAULT = 15;

for (const [name, planted] of Object.entries(FAULTS) as [FaultName, PlantedFault][]) {
  test(`planted fault ${name} (${planted.about}) is found`, async (t) => {
    const { scenario, seed, operations, foundBy } = planted;
    const isFound = async (candidate: number): Promise<boolean> => {
      const { violations } = await runScenario(scenario, { seed: candidate, operations, fault: name });
      return violations.some((violation) => foundBy.includes(violation.slice(0, violation.indexOf(':'))));
    };
    if (await isFound(seed)) return;
    // What a seed means changes with the code that it drives.
    const before = process.cpuUsage();
    const seconds = () => process.cpuUsage(before).user / 1e6;
    for (let candidate = 1; candidate <= SEEDS_FOR_FAULT && seconds() < SECONDS_FOR_FAULT; candidate++) {
      if (!(await isFound(candidate))) continue;
      return t.diagnostic(
        `record seed ${candidate} for ${name} in chaos-tests/faults.ts: ${seed} no longer finds it`,
      );
    }
    assert.fail(`not soon, by other seeds either: npm run chaos -- --seeds 300 --fault ${name}`);
  });
}
