/**
 * `npm run model [-- pass | faults | NAME …]`: SPIN checks the models of the protocol, and finds what goes wrong where a rule is left out.
 * All of it takes about 15 minutes on one core and 4 GB; `faults` alone about a minute. A run of all writes `results.txt`.
 *
 * Without SPIN or a C compiler it says so and skips; under `CI=true` that is a failure.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FAULTS, type ModelRun, PASSES } from './runs.ts';
import { findTools, type Tools } from './spin.ts';

const HERE = fileURLToPath(new URL('.', import.meta.url));
/** What the checker may take for states, MB. */
const MEMORY_MB = 3_800;
const DEPTH_MAX = 3_000_000;

interface Verdict {
  readonly isExpected: boolean;
  readonly line: string;
}

function must(command: string, args: readonly string[], cwd: string): void {
  const done = spawnSync(command, args, { cwd, encoding: 'utf8', timeout: 120_000 });
  if (done.status !== 0)
    throw new Error(`${command} ${args.join(' ')}: ${done.stdout}${done.stderr}${done.error ?? ''}`);
}

/** Translates the model, compiles the checker and lets it run within its time. */
function check(run: ModelRun, { spin, compiler }: Tools): Verdict {
  const work = mkdtempSync(join(tmpdir(), 'coffer-model-'));
  try {
    must(spin, ['-a', ...run.defines, join(HERE, `${run.model}.pml`)], work);
    const flags = ['-O3', '-w', '-DSAFETY', '-DNOREDUCE', `-DMEMLIM=${MEMORY_MB}`, ...run.store];
    must(compiler, [...flags, '-o', 'pan', 'pan.c'], work);
    const began = performance.now();
    const { stdout, error } = spawnSync(join(work, 'pan'), [`-m${DEPTH_MAX}`, `-w${run.hashBits}`], {
      cwd: work,
      encoding: 'utf8',
      timeout: run.secondsMax * 1_000,
      maxBuffer: 64 * 1024 * 1024,
    });
    const isLate = (error as NodeJS.ErrnoException | undefined)?.code === 'ETIMEDOUT';
    return verdictOf(run, stdout, isLate, (performance.now() - began) / 1_000);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function verdictOf(run: ModelRun, output: string, isLate: boolean, seconds: number): Verdict {
  const violation = /assertion violated .*/.exec(output)?.[0];
  const stored = /^\s*(\d+) states, stored/m.exec(output)?.[1];
  const states = stored ?? `more than ${[...output.matchAll(/States=\s*([\d.e+]+)/g)].at(-1)?.[1] ?? '0'}`;
  const isDone = stored !== undefined && !output.includes('max search depth too small');
  let found = 'no violation, exhausted';
  if (violation !== undefined) found = `counterexample: ${violation}`;
  else if (isLate) found = `no violation found in ${run.secondsMax} s (not exhausted)`;
  else if (!isDone) found = 'the checker stopped before its end';
  const isExpected =
    run.expected === 'counterexample'
      ? violation !== undefined
      : violation === undefined && (isLate || isDone);
  const line = `${run.name.padEnd(34)} expected ${run.expected.padEnd(14)} | ${found} | states ${states} | ${seconds.toFixed(0)} s`;
  return { isExpected, line };
}

function chosen(names: readonly string[]): readonly ModelRun[] {
  const all = [...PASSES, ...FAULTS];
  if (names.length === 0) return all;
  return names.flatMap((name) => {
    if (name === 'pass') return PASSES;
    if (name === 'faults') return FAULTS;
    const found = all.filter((run) => run.name === name);
    if (found.length === 0) throw new Error(`no such run: ${name}`);
    return found;
  });
}

function main(names: readonly string[]): number {
  const tools = findTools();
  if ('missing' in tools) {
    process.stdout.write(`skipped: missing: ${tools.missing}\n`);
    return process.env.CI === 'true' ? 1 : 0;
  }
  const lines: string[] = [];
  let wrong = 0;
  for (const run of chosen(names)) {
    const { isExpected, line } = check(run, tools);
    if (!isExpected) wrong++;
    lines.push(line);
    process.stdout.write(`${isExpected ? 'ok    ' : 'FAILED'} ${line}\n`);
  }
  if (names.length === 0) writeFileSync(join(HERE, 'results.txt'), `${lines.join('\n')}\n`);
  process.stdout.write(`${lines.length - wrong} passed, ${wrong} failed\n`);
  return wrong > 0 ? 1 : 0;
}

process.exitCode = main(process.argv.slice(2));
