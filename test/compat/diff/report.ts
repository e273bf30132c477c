/**
 * Sorts the findings of `diff-bao` into meant and unknown differences, and prints them.
 *
 * @module
 */

import { type Check, printTotal } from '../checks.ts';
import type { Finding } from './ask-both.ts';
import { ABSENT, type Difference } from './compare.ts';
import { EXPECTATIONS, type Expectation } from './expectations.ts';

const SHOWN_CHARS_MAX = 300;

interface Judged {
  finding: Finding;
  difference: Difference;
  /** Undefined where nobody expected it. */
  expectation: Expectation | undefined;
}

export interface Verdict {
  findings: Finding[];
  judged: Judged[];
  /** Entries of the table that covered nothing. */
  stale: Expectation[];
}

/** @param whole - all sequences ran against Coffer, so that each expectation must have been met. */
export function judge(findings: Finding[], { whole }: { whole: boolean }): Verdict {
  const judged = findings.flatMap((finding) =>
    finding.differences.map((difference) => ({
      finding,
      difference,
      expectation: expectationOf(finding, difference),
    })),
  );
  const met = new Set(judged.map(({ expectation }) => expectation));
  return {
    findings,
    judged,
    stale: whole ? EXPECTATIONS.filter((expectation) => !met.has(expectation)) : [],
  };
}

function expectationOf(finding: Finding, difference: Difference): Expectation | undefined {
  const ask = `${finding.ask.method} ${finding.ask.path}`;
  return EXPECTATIONS.find(
    ({ asks, where, ours }) =>
      asks.test(ask) &&
      where.test(difference.where) &&
      (ours === undefined || ours.test(shown(difference.ours))),
  );
}

export function report({ findings, judged, stale }: Verdict, { brief }: { brief: boolean }): void {
  const byReason = Map.groupBy(judged, ({ expectation }) => expectation?.reason);
  if (!brief) {
    for (const [reason, differences] of byReason) {
      if (reason === undefined) continue;
      console.log(`\nmeant: ${reason} (${differences.length})`);
      printDifferences(differences);
    }
  }
  const unknown = byReason.get(undefined) ?? [];
  if (unknown.length > 0) console.log(`\nUNKNOWN (${unknown.length})`);
  printDifferences(unknown);
  for (const { asks, where, reason } of stale)
    console.log(`\nSTALE: no difference of ${asks} at ${where}: ${reason}`);
  const same = findings.filter((finding) => finding.differences.length === 0).length;
  console.log(
    `\n${findings.length} requests: ${same} answered alike; ${judged.length - unknown.length} differences that are meant, ${unknown.length} unknown`,
  );
  printTotal([
    ...findings.map(checkOf(unknown)),
    ...stale.map((): Check => ({ name: 'stale', outcome: 'failed' })),
  ]);
}

function checkOf(unknown: Judged[]): (finding: Finding) => Check {
  const bad = new Set(unknown.map(({ finding }) => finding));
  return (finding) => ({ name: finding.ask.path, outcome: bad.has(finding) ? 'failed' : 'passed' });
}

function printDifferences(differences: Judged[]): void {
  for (const [finding, group] of Map.groupBy(differences, (each) => each.finding)) {
    const { ask, sequence, index } = finding;
    const token = ask.token === undefined ? '' : ` (token ${ask.token ?? 'none'})`;
    const body =
      ask.body === undefined
        ? ''
        : ` ${clipped(typeof ask.body === 'string' ? ask.body : JSON.stringify(ask.body), 160)}`;
    console.log(`  [${sequence} ${index}] ${ask.method} ${clipped(ask.path, 120)}${token}${body}`);
    for (const { difference } of group) {
      console.log(`      ${difference.where}: bao ${shown(difference.bao)}, ours ${shown(difference.ours)}`);
    }
  }
}

function shown(value: unknown): string {
  return value === ABSENT ? 'absent' : clipped(JSON.stringify(value), SHOWN_CHARS_MAX);
}

function clipped(text: string, charsMax: number): string {
  return text.length <= charsMax ? text : `${text.slice(0, charsMax)}…`;
}
