/**
 * `npm run chaos -- --seeds N [--from M] [--scenario NAME] [--operations N] [--fault NAME]`: runs N seeds, and stops at the first violation.
 * `npm run chaos -- --seed N …`: one seed again, and what happened last in it; `--trace`: all that happened.
 * `npm run chaos -- --faults [--fault NAME]`: each planted fault, until it is found, within 300 seeds.
 *
 * @module
 */
import { parseArgs } from 'node:util';
import { FAULTS, type FaultName, isFaultName } from './faults.ts';
import type { PlantedFault } from './planted-fault.ts';
import { type RunResult, runScenario } from './run-scenario.ts';
import { SCENARIOS } from './scenarios.ts';

const OPERATIONS = 2_000;
/** Within so many seeds each planted fault is found. */
const SEEDS_PER_FAULT = 300;

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string' },
    from: { type: 'string', default: '1' },
    scenario: { type: 'string' },
    operations: { type: 'string', default: String(OPERATIONS) },
    fault: { type: 'string' },
    trace: { type: 'boolean', default: false },
    faults: { type: 'boolean', default: false },
  },
});

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function faultNamed(name: string | undefined): FaultName | undefined {
  if (name === undefined || isFaultName(name)) return name;
  throw new Error(`no such fault: ${name}; there are ${Object.keys(FAULTS).join(', ')}`);
}

const fault = faultNamed(values.fault);
const planted: PlantedFault | undefined = fault && FAULTS[fault];
const operations = Number(values.operations);
const scenarios = [values.scenario ?? planted?.scenario ?? Object.keys(SCENARIOS)].flat();

function replay(scenario: string, seed: number): string {
  const named = fault ? ` --fault ${fault}` : '';
  return `npm run chaos -- --seed ${seed} --scenario ${scenario} --operations ${operations}${named}`;
}

function show({ violations, trace, logged }: RunResult, lines: number): void {
  for (const line of lines === 0 ? [] : trace.slice(-lines)) print(`  ${line}`);
  for (const line of lines === 0 ? [] : logged.slice(-20)) print(`  logged: ${line}`);
  for (const violation of violations) print(`violation: ${violation}`);
}

async function oneSeed(seed: number): Promise<boolean> {
  let isGood = true;
  for (const scenario of scenarios) {
    const result = await runScenario(scenario, { seed, operations, fault, keepTrace: values.trace });
    show(result, values.trace ? Number.POSITIVE_INFINITY : 40);
    const { events, simulatedMs, faults, digest } = result;
    const seconds = (simulatedMs / 1_000).toFixed(0);
    print(
      `${scenario} seed ${seed}: ${events} events in ${seconds} simulated s, ${faults} faults, trace ${digest.slice(0, 16)}`,
    );
    if (result.violations.length > 0) isGood = false;
  }
  return isGood;
}

async function manySeeds(from: number, count: number): Promise<boolean> {
  const sum = { events: 0, simulatedMs: 0, operations: 0, faults: 0, undecided: 0 };
  const least = { operations: Number.POSITIVE_INFINITY, faults: Number.POSITIVE_INFINITY };
  const began = process.hrtime.bigint();
  for (let seed = from; seed < from + count; seed++) {
    for (const scenario of scenarios) {
      const result = await runScenario(scenario, { seed, operations, fault });
      if (result.violations.length > 0) {
        show(result, 0);
        print(`replay: ${replay(scenario, seed)}`);
        return false;
      }
      for (const name of ['events', 'simulatedMs', 'operations', 'faults', 'undecided'] as const)
        sum[name] += result[name];
      for (const name of ['operations', 'faults'] as const) least[name] = Math.min(least[name], result[name]);
    }
  }
  const seconds = Number(process.hrtime.bigint() - began) / 1e9;
  print(
    `${count} seeds, no violation: ${sum.operations} operations (at least ${least.operations} a run), ${sum.faults} faults (at least ${least.faults}), ${sum.undecided} histories undecided, ${(sum.simulatedMs / 3_600_000).toFixed(2)} simulated hours, ` +
      `${sum.events} events in ${seconds.toFixed(1)} s: ${(sum.events / seconds).toFixed(0)} events/s, ${(count / seconds).toFixed(2)} seeds/s`,
  );
  return true;
}

/** The first seed in which a planted fault is found by the invariant that should find it. */
async function findFault(name: FaultName): Promise<boolean> {
  const { scenario, operations: count, foundBy, seed: recorded }: PlantedFault = FAULTS[name];
  for (let seed = 1; seed <= SEEDS_PER_FAULT; seed++) {
    const { violations } = await runScenario(scenario, { seed, operations: count, fault: name });
    const found = violations.find((violation) =>
      foundBy.includes(violation.slice(0, violation.indexOf(':'))),
    );
    if (found === undefined) continue;
    print(`${name}: seed ${seed}${seed === recorded ? '' : ` (recorded: ${recorded})`}: ${found}`);
    return true;
  }
  print(`${name}: NOT FOUND within ${SEEDS_PER_FAULT} seeds`);
  return false;
}

async function allFaults(): Promise<boolean> {
  let isGood = true;
  for (const name of fault ? [fault] : (Object.keys(FAULTS) as FaultName[]))
    if (!(await findFault(name))) isGood = false;
  return isGood;
}

function chosen(): Promise<boolean> {
  if (values.faults) return allFaults();
  if (values.seed !== undefined) return oneSeed(Number(values.seed));
  return manySeeds(Number(values.from), Number(values.seeds ?? 40));
}

const isGood = await chosen();
process.exitCode = isGood ? 0 : 1;
