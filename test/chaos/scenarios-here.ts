/**
 * What is run of each scenario here; `npm run chaos` takes more seeds and more operations.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { runScenario } from '../../chaos-tests/run-scenario.ts';
import { SCENARIOS } from '../../chaos-tests/scenarios.ts';

const SEEDS = 40;
/** Of each scenario that has a cluster: they share most of what runs in them. */
const SEEDS_OF_CLUSTERS = 5;
/** Those that differ from another one by their clients, or by their faults: one run. */
const ONCE_HERE: ReadonlySet<string> = new Set([
  'cluster-evicted',
  'cluster-expiry',
  'cluster-joins',
  'cluster-late',
  'cluster-moves',
  'cluster-namespaces',
  'cluster-overtaken',
  'cluster-secret-ids',
  'cluster-upgrades',
]);
/** Of one run here, by scenario. */
const OPERATIONS: Readonly<Record<string, number>> = {
  kv: 120,
  tokens: 120,
  shared: 80,
  budgets: 150,
  membership: 40,
  cluster: 400,
  'cluster-replicas': 600,
  'cluster-deletes': 400,
  'cluster-tokens': 400,
  'cluster-once': 400,
  'cluster-overtaken': 1_200,
  'cluster-evicted': 1_000,
  'cluster-late': 400,
  'cluster-joins': 300,
  'cluster-expiry': 400,
  'cluster-moves': 300,
  'cluster-namespaces': 300,
  'cluster-secret-ids': 300,
  'cluster-policies': 500,
  'cluster-sealing': 400,
  'cluster-upgrades': 300,
};

function replay(scenario: string, seed: number, operations: number): string {
  return `npm run chaos -- --seed ${seed} --scenario ${scenario} --operations ${operations}`;
}

type Part = 'small ones' | 'clusters, once' | 'clusters';

export interface ScenarioRun {
  readonly title: string;
  run(): Promise<void>;
}

/** Divided, so that no file of tests takes minutes. */
export function runsOf(part: Part): ScenarioRun[] {
  const names = Object.keys(SCENARIOS).filter((name) => partOf(name) === part);
  assert(names.length > 1);
  return names.map((scenario) => {
    const operations = OPERATIONS[scenario]!;
    assert(operations > 0, scenario);
    if (part === 'clusters, once')
      return { title: `${scenario}: one run, no violation`, run: () => runOnce(scenario, operations) };
    const seeds = part === 'clusters' ? SEEDS_OF_CLUSTERS : SEEDS;
    return {
      title: `${scenario}: ${seeds} seeds, no violation; one run twice is the same run, event by event`,
      run: () => runSeeds(scenario, operations, seeds),
    };
  });
}

function partOf(scenario: string): Part {
  if (ONCE_HERE.has(scenario)) return 'clusters, once';
  return scenario.startsWith('cluster') ? 'clusters' : 'small ones';
}

async function runOnce(scenario: string, operations: number): Promise<void> {
  const { violations, faults } = await runScenario(scenario, { seed: 7, operations });
  assert.deepEqual(violations, [], replay(scenario, 7, operations));
  assert(faults > 0, 'no faults');
}

async function runSeeds(scenario: string, operations: number, seeds: number): Promise<void> {
  const digests = new Set<string>();
  let faults = 0;
  for (let seed = 1; seed <= seeds; seed++) {
    const result = await runScenario(scenario, { seed, operations, keepTrace: seed === 1 });
    assert.deepEqual(result.violations, [], replay(scenario, seed, operations));
    digests.add(result.digest);
    faults += result.faults;
    if (seed > 1) continue;
    assert(result.events > 500, `${result.events} events`);
    const again = await runScenario(scenario, { seed, operations, keepTrace: true });
    assert.deepEqual(again.trace, result.trace);
    assert.equal(again.digest, result.digest);
  }
  assert.equal(digests.size, seeds, 'each seed is another run');
  assert(faults > seeds, `only ${faults} faults`);
}
