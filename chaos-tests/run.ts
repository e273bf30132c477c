/**
 * `npm run chaos -- --seeds N [--from M] [--scenario NAME] [--operations N] [--fault NAME]`: runs N seeds, and stops at the first violation.
 * `npm run chaos -- --seed N …`: one seed again, and what happened last in it; `--trace`: all that happened.
 *
 * @module
 */
import { parseArgs } from 'node:util';
import { FAULTS, type FaultName, isFaultName, type PlantedFault } from './faults.ts';
import { type RunResult, runScenario, SCENARIOS } from './scenarios.ts';

const OPERATIONS = 2_000;

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string' },
    from: { type: 'string', default: '1' },
    scenario: { type: 'string' },
    operations: { type: 'string', default: String(OPERATIONS) },
    fault: { type: 'string' },
    trace: { type: 'boolean', default: false },
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
  const sum = { events: 0, simulatedMs: 0, operations: 0, faults: 0 };
  const began = process.hrtime.bigint();
  for (let seed = from; seed < from + count; seed++) {
    for (const scenario of scenarios) {
      const result = await runScenario(scenario, { seed, operations, fault });
      if (result.violations.length > 0) {
        show(result, 0);
        print(`replay: ${replay(scenario, seed)}`);
        return false;
      }
      for (const name of ['events', 'simulatedMs', 'operations', 'faults'] as const)
        sum[name] += result[name];
    }
  }
  const seconds = Number(process.hrtime.bigint() - began) / 1e9;
  print(
    `${count} seeds, no violation: ${sum.operations} operations, ${sum.faults} faults, ${(sum.simulatedMs / 3_600_000).toFixed(2)} simulated hours, ` +
      `${sum.events} events in ${seconds.toFixed(1)} s: ${(sum.events / seconds).toFixed(0)} events/s, ${(count / seconds).toFixed(2)} seeds/s`,
  );
  return true;
}

const isGood =
  values.seed === undefined
    ? await manySeeds(Number(values.from), Number(values.seeds ?? 40))
    : await oneSeed(Number(values.seed));
process.exitCode = isGood ? 0 : 1;
