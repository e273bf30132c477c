/**
 * What a part of the compatibility harness reports: one `Check` per thing looked at.
 *
 * @module
 */

export type Outcome = 'passed' | 'failed' | 'skipped' | 'excepted';

export interface Check {
  name: string;
  outcome: Outcome;
  /** Why it failed, was skipped or is excepted. */
  detail?: string;
}

/**
 * A test that may fail, with the reason a reader of docs/compatibility.md gets to see. `test` is its id, or the beginning of several ids
 * followed by `*`. One that passes although it stands here fails the run, and so does an entry that matches no test.
 */
export interface Exception {
  test: string;
  reason: string;
}

/** A part that cannot run because `tool` is missing: skipped on a developer's machine, a failure under CI=true. */
export function missingTool(part: string, tool: string): Check[] {
  return [{ name: part, outcome: process.env.CI === 'true' ? 'failed' : 'skipped', detail: `needs ${tool}` }];
}

/** Turns the failures that `exceptions` name into `excepted` ones, and reports entries that are no longer true. */
export function applyExceptions(checks: Check[], exceptions: readonly Exception[]): Check[] {
  const used = new Set<Exception>();
  const judged = checks.map((check): Check => {
    const exception = exceptions.find((candidate) => matches(candidate.test, check.name));
    if (exception === undefined) return check;
    used.add(exception);
    if (check.outcome === 'failed') return { ...check, outcome: 'excepted', detail: exception.reason };
    if (check.outcome !== 'passed') return check;
    return { ...check, outcome: 'failed', detail: `passes, although it is excepted: ${exception.reason}` };
  });
  const stale = exceptions
    .filter((exception) => !used.has(exception))
    .map(
      (exception): Check => ({
        name: exception.test,
        outcome: 'failed',
        detail: 'is excepted, but there is no such test',
      }),
    );
  return [...judged, ...stale];
}

function matches(pattern: string, name: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}

/** Prints all that is worth reading of a part: everything but what passed, long skip lists folded by reason. */
export function printPart(part: string, checks: Check[], seconds: number): void {
  const count = (outcome: Outcome) => checks.filter((check) => check.outcome === outcome).length;
  console.log(
    `\n== ${part}: ${count('passed')} passed, ${count('failed')} failed, ${count('excepted')} excepted, ` +
      `${count('skipped')} skipped (${seconds.toFixed(1)} s)`,
  );
  for (const outcome of ['skipped', 'excepted'] as const) {
    const byReason = Map.groupBy(
      checks.filter((check) => check.outcome === outcome),
      (check) => check.detail ?? '',
    );
    for (const [reason, group] of byReason) {
      console.log(`   ${outcome}: ${reason}`);
      for (const check of group) console.log(`      ${check.name}`);
    }
  }
  for (const check of checks) {
    if (check.outcome !== 'failed') continue;
    console.log(`   FAILED ${check.name}`);
    for (const line of (check.detail ?? '').split('\n')) console.log(`      ${line}`);
  }
}

/** The last line of a run, `N passed, N failed, N skipped`; excepted tests count as skipped. Sets the exit code. */
export function printTotal(checks: Check[]): void {
  const count = (...outcomes: Outcome[]) => checks.filter((check) => outcomes.includes(check.outcome)).length;
  const skipped = count('skipped', 'excepted');
  console.log(
    `\n${count('passed')} passed, ${count('failed')} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`,
  );
  if (count('failed') > 0) process.exitCode = 1;
}
