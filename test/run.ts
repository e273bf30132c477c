/**
 * `npm test`: type check, lint, then every test/**\/*.test.ts. `npm run check` stops before the tests.
 * `npm test -- PATH …` runs only the test files at or under those paths.
 *
 * The last line is `N passed, N failed`, `, N skipped` where some were; the exit code is 1 when anything failed.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { run } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Tally, type TestEvent, tally } from './support/tally.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Test files at once. Each may start servers of its own, so not one a core on large machines. */
const FILES_AT_ONCE_MAX = 4;
/** After this all is over, and what did not finish has failed. */
const RUN_MS_MAX = 11.5 * 60_000;
/** One file's share: what hangs is named instead of using up the run. */
const FILE_MS_MAX = Number(process.env.TEST_FILE_MS_MAX ?? 4 * 60_000);
const FOLDERS = ['src', 'test', 'bench', 'scripts', 'chaos-tests'];

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** One tool over the whole tree; counts as one test. */
function step(name: string, command: string, args: string[]): Tally {
  const began = performance.now();
  const done = spawnSync(join(ROOT, 'node_modules/.bin', command), args, {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    timeout: 120_000,
  });
  const good = done.status === 0;
  print(`${good ? 'ok    ' : 'FAILED'} ${name} (${((performance.now() - began) / 1_000).toFixed(1)} s)`);
  if (!good) print(`${done.stdout ?? ''}${done.stderr ?? ''}${done.error?.message ?? ''}`.trimEnd());
  return { passed: good ? 1 : 0, failed: good ? 0 : 1, skipped: [] };
}

function check(): Tally[] {
  const folders = FOLDERS.filter((folder) => existsSync(join(ROOT, folder)));
  return [
    step('types: tsc', 'tsc', ['--noEmit', '-p', '.']),
    step('lint and format: biome', 'biome', [
      'check',
      '--error-on-warnings',
      '--max-diagnostics=50',
      ...folders,
    ]),
    step('promises: oxlint', 'oxlint', ['--type-aware', '--deny-warnings', ...folders]),
  ];
}

/** All test files, or those at or under `paths`. Sorted, so that two runs start them in one order. */
function testFiles(paths: string[]): string[] {
  const patterns = paths.length === 0 ? [join(ROOT, 'test')] : paths.map((path) => resolve(path));
  const found = patterns.flatMap((path) =>
    statSync(path, { throwIfNoEntry: false })?.isDirectory() ? globSync(join(path, '**/*.test.ts')) : [path],
  );
  return found.sort();
}

/** One file in a process of its own, which is killed when its time is over. */
async function testFile(file: string, stop: AbortSignal): Promise<Tally> {
  const late = AbortSignal.timeout(FILE_MS_MAX);
  const events = run({ files: [file], signal: AbortSignal.any([stop, late]) }) as AsyncIterable<TestEvent>;
  const sum = await tally(events, { root: ROOT, strict: process.env.CI === 'true', print });
  if (late.aborted || stop.aborted) {
    print(`FAILED ${relative(ROOT, file)}: stopped, it took too long`);
    sum.failed = Math.max(sum.failed, 1);
  }
  return sum;
}

/** A few files at a time; each is told as soon as it has ended. */
async function tests(files: string[]): Promise<Tally[]> {
  const stop = AbortSignal.timeout(RUN_MS_MAX);
  const waiting = [...files];
  const sums: Tally[] = [];
  const worker = async (): Promise<void> => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift())
      sums.push(await testFile(file, stop));
  };
  await Promise.all(Array.from({ length: Math.min(FILES_AT_ONCE_MAX, availableParallelism()) }, worker));
  return sums;
}

const args = process.argv.slice(2);
const paths = args.filter((arg) => arg !== 'check');
const sums: Tally[] = paths.length > 0 ? [] : check();
if (!args.includes('check')) {
  const files = testFiles(paths);
  sums.push(...(await tests(files)));
}
const passed = sums.reduce((sum, one) => sum + one.passed, 0);
const failed = sums.reduce((sum, one) => sum + one.failed, 0);
const skipped = sums.flatMap((one) => one.skipped);
for (const line of skipped) print(`skipped: ${line}`);
// A run of nothing is no success.
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
print(`${passed} passed, ${failed} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ''}`);
