/**
 * One golden case, run by the client.
 *
 * @module
 */
import { join } from 'node:path';
import { runInProcess } from '../in-process.ts';
import { fillIn, normalize, type RunFacts } from './normalize.ts';
import { type GoldenCase, splitCommand } from './transcript.ts';

export interface Facts extends RunFacts {
  saved: Map<string, string>;
}

/** What every command of a golden case finds in its environment. */
export function environmentOf(golden: GoldenCase, facts: Facts): Record<string, string> {
  const given = Object.entries(golden.env).map(([name, value]) => [name, fillIn(value, facts)]);
  return {
    HOME: join(facts.dir, 'home'),
    VAULT_ADDR: facts.address,
    VAULT_TOKEN: 'root',
    ...Object.fromEntries(given),
  };
}

export function argumentsOf(golden: GoldenCase, facts: Facts): string[] {
  return splitCommand(golden.command).map((word) => fillIn(word, facts));
}

/** Runs `golden` in this process and keeps what it saves. Outputs are normalized. */
export async function runCase(
  golden: GoldenCase,
  facts: Facts,
): Promise<Pick<GoldenCase, 'stdout' | 'stderr' | 'exit'>> {
  const env = { COFFER_ARGV0: 'vault', ...environmentOf(golden, facts) };
  const outcome = await runInProcess(argumentsOf(golden, facts), env, golden.stdin);
  if (golden.save) facts.saved.set(golden.save, outcome.stdout.trim());
  return {
    stdout: normalize(outcome.stdout, facts),
    stderr: normalize(outcome.stderr, facts),
    exit: outcome.exit,
  };
}
